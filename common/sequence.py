"""Layers without time, applied to sequences [T, B, ...]."""

import functools

import torch


def flat(layer, x):
    """Apply `layer` ([N, ...] -> [N, ...]) to every step of x [T, B, ...] in one call."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


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


def full(x):
    """x in float32 if it is in bfloat16, else as it is."""
    return x.float() if x.dtype == torch.bfloat16 else x
