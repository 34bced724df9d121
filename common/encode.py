"""Turn a batch of samples into a sequence [T, B, ...]."""


def constant_current(image, num_steps):
    """image [B, C, H, W] -> the same current at every step, [T, B, C, H, W]; copies nothing."""
    return image.expand(num_steps, *image.shape)
