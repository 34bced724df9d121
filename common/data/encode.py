"""Turn a batch of samples into a sequence [T, B, ...]."""


def constant_current(image, num_steps):
    """image [B, C, H, W] -> the same current at every step, [T, B, C, H, W]; copies nothing."""
    return image.expand(num_steps, *image.shape)


def events(batch, num_steps):
    """A batch of events, which the data have sorted into steps, as it is; see common.data.events."""
    return batch


def time_first(batch, num_steps):
    """batch [B, T, ...] -> the same, [T, B, ...]; T is the data's own, as a test may have another than num_steps."""
    return batch.transpose(0, 1)
