"""Layers without time, applied to sequences [T, B, ...]."""

from torch import nn

from common import random_numbers


def flat(layer, x):
    """Apply `layer` ([N, ...] -> [N, ...]) to every step of x [T, B, ...] in one call."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


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


class Flat(nn.Sequential):
    """Layers without time, one after the other, on every step of a sequence."""

    def forward(self, x):
        return flat(super().forward, x)


def watched(*modules):
    """Whether one of the modules, or of those in it, has hooks, and so must be called as it is."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(getattr(module, kind) for outer in modules for module in outer.modules() for kind in kinds)


def mask_of(x):
    """The mask [T, B] of a batch of events, 1 where a step is the sample's own; None if all are, as in a tensor."""
    return getattr(x, "mask", None)


def is_static(x):
    """Whether x [T, B, ...] is one step shown T times (an expanded tensor), so that one step tells all."""
    return x.stride(0) == 0
