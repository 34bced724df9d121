"""Dropout."""

from torch import nn

from common.kernels import random_numbers


class Dropout(nn.Module):
    """nn.Dropout that on the CPU keeps no mask: the backward pass draws the same numbers again.

    fraction: of the values that become 0 while training, in [0, 1), anew at each call; the others are divided by
    1 - fraction.
    """

    def __init__(self, fraction):
        super().__init__()
        if not 0 <= fraction < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {fraction}")
        self.fraction = fraction

    def forward(self, x):
        if not self.training or not self.fraction:
            return x
        return random_numbers.dropout(x, self.fraction)

    def extra_repr(self):
        return f"fraction={self.fraction}"
