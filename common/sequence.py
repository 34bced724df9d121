"""Layers without time, applied to sequences [T, B, ...]."""

import functools

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


class Counted:
    """What stands for a sequence of spikes that is not there: its `shape` (T, B, ...), and counts() of each neuron's.

    count: () -> int64 tensor [...], called when they are asked for first.
    """

    def __init__(self, shape, count):
        self.shape, self.counts = shape, functools.cache(count)


def watched(*modules, counters=True):
    """Whether one of the modules, or of those in it, has hooks, and so must be called as it is.

    counters: False leaves out forward hooks with the attribute `takes_counts`, to which tell_counts can speak.
    """
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    hooks = [hook for outer in modules for module in outer.modules() for kind in kinds
             for hook in getattr(module, kind).values()]  # fmt: skip
    return any(counters or not hasattr(hook, "takes_counts") for hook in hooks)


def tell_counts(module, sequence):
    """Call the forward hooks of a module that is not called itself, with `sequence` for its input and its output."""
    for hook in module._forward_hooks.values():
        hook(module, (sequence,), sequence)


def mask_of(x):
    """The mask [T, B] of a batch of events, 1 where a step is the sample's own; None if all are, as in a tensor."""
    return getattr(x, "mask", None)


def is_static(x):
    """Whether x [T, B, ...] is one step shown T times (an expanded tensor), so that one step tells all."""
    return x.stride(0) == 0
