"""Dropout."""

from torch import nn

from common.kernels import random_numbers


class Dropout(nn.Module):
    """nn.Dropout that keeps no mask: the backward pass draws the same numbers again.

    share: of the values that become 0 while training, in [0, 1), anew at each call; the others grow by 1 / (1 - share).
    """

    def __init__(self, share):
        super().__init__()
        if not 0 <= share < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {share}")
        self.share = share

    def forward(self, x):
        if not self.training or not self.share:
            return x
        return random_numbers.dropout(x, self.share)

    def extra_repr(self):
        return f"share={self.share}"
