"""Layers without time on every step of a sequence."""

from torch import nn

from common.sequence import flat


class Flat(nn.Sequential):
    """Layers without time, one after the other, on every step of a sequence."""

    def forward(self, x):
        return flat(super().forward, x)
