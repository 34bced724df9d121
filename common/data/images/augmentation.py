"""Random changes of images."""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True)
class Affine:
    """Each image turned, scaled and shifted at random; what comes in from outside is 0, the nearest pixel counts.

    rotation: degrees, at most, either way, in [0, 180].  shift: at most, of the image's height and width, in [0, 1).
    scale: (smallest, largest) factor of its size, > 0.  All are uniform, and drawn by torch's generator.
    ValueError for values outside these.
    Source: the PLIF paper's code for MNIST, torchvision's RandomAffine.
    """

    rotation: float
    shift: float
    scale: tuple

    def __post_init__(self):
        if not 0 <= self.rotation <= 180:
            raise ValueError(f"rotation must lie in [0, 180] degrees, got {self.rotation}")
        if not 0 <= self.shift < 1:
            raise ValueError(f"shift must lie in [0, 1), got {self.shift}")
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1] < math.inf:
            raise ValueError(f"scale must be its smallest and its largest factor, both above 0, got {self.scale}")

    def __call__(self, images):
        """images: float [B, C, H, W] -> the same shape, each image with numbers of its own."""
        angle, right, down, zoom = torch.rand(4, len(images), device=images.device)
        smallest, largest = self.scale
        return affine(images, math.radians(self.rotation) * (2 * angle - 1), self.shift * (2 * right - 1),
                      self.shift * (2 * down - 1), smallest + (largest - smallest) * zoom)


def affine(images, angle, right, down, scale):
    """images [B, C, H, W], each turned clockwise by `angle` about its centre, scaled, then shifted right and down.

    angle: radians.  right, down: of the image's width and height.  scale: factor.  All [B].
    """
    height, width = images.shape[2:]
    cos, sin = angle.cos() / scale, angle.sin() / scale
    x, y = -2 * right, -2 * down  # back to the source; the image's half side is 1
    aspect = height / width
    rows = torch.stack([
        torch.stack([cos, sin * aspect, cos * x + sin * aspect * y], -1),
        torch.stack([-sin / aspect, cos, -sin / aspect * x + cos * y], -1),
    ], 1).to(images.dtype)  # [B, 2, 3]
    grid = F.affine_grid(rows, images.shape, align_corners=False)
    return F.grid_sample(images, grid, mode="nearest", padding_mode="zeros", align_corners=False)


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
