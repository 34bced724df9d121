"""Turn a batch of samples into a sequence [T, B, ...]."""


def constant_current(image, num_steps):
    """image [B, C, H, W] -> the same current at every step, [T, B, C, H, W]; copies nothing."""
    return image.expand(num_steps, *image.shape)


def events(batch, num_steps):
    """A batch of events, which the data have sorted into steps, as it is; see common.data.events."""
    return batch


def spike_trains(trains, num_steps):
    """trains [B, T, N], made for `num_steps` steps T -> the same, time first, [T, B, N]."""
    assert trains.shape[1] == num_steps, (trains.shape, num_steps)
    return trains.transpose(0, 1)


def frames(frames, num_steps):
    """frames [B, T, ...] -> the same, time first, [T, B, ...]; a test may have another T than num_steps."""
    return frames.transpose(0, 1)
