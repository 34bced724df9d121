"""Layers without time, applied to sequences [T, B, ...]."""

from torch import nn


def flat(layer, x):
    """Apply `layer` ([N, ...] -> [N, ...]) to every step of x [T, B, ...] in one call."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Flat(nn.Sequential):
    """Layers without time, one after the other, on every step of a sequence."""

    def forward(self, x):
        return flat(super().forward, x)


def mask_of(x):
    """The mask [T, B] of a batch of events, 1 where a step is the sample's own; None if all are, as in a tensor."""
    return getattr(x, "mask", None)


def is_static(x):
    """Whether x [T, B, ...] is one step shown T times (an expanded tensor), so that one step tells all."""
    return x.stride(0) == 0
