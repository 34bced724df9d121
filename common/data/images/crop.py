"""Random crops of images."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True)
class Crop:
    """Each image moved by whole pixels at random; what comes in from outside is 0.

    padding: pixels, at most, any way, >= 1; all moves are equally likely, and drawn by torch's generator.
    ValueError for another padding.
    Source: direct-training-snn@eef1f9e, torchvision's RandomCrop of an image as large as it was before the padding.
    """

    padding: int

    def __post_init__(self):
        if self.padding < 1:
            raise ValueError(f"padding must be 1 pixel or more, got {self.padding}")

    def __call__(self, images):
        """images: float [B, C, H, W] -> the same shape, each image with a move of its own."""
        down, right = torch.randint(2 * self.padding + 1, (2, len(images), 1), device=images.device)
        return cropped(images, self.padding, down, right)


def cropped(images, padding, down, right):
    """images [B, C, H, W], of each the crop of the same size at row down [B, 1], column right [B, 1] once padded."""
    height, width = images.shape[2:]
    device = images.device
    padded = F.pad(images, [padding] * 4).movedim(1, -1)  # [B, H, W, C]
    rows = (down + torch.arange(height, device=device))[:, :, None]
    columns = (right + torch.arange(width, device=device))[:, None, :]
    return padded[torch.arange(len(images), device=device)[:, None, None], rows, columns].movedim(-1, 1)
