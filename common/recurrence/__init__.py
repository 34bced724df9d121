"""The time loops of the neurons: one recurrence for every leaky integrate-and-fire neuron.

    u[t] = decay u[t-1] (1 - h s[t-1]) + gain x[t] - k theta s[t-1]        membrane potential
    s[t] = 1 if u[t] > theta (inclusive: u[t] >= theta) else 0             spike

with (h, k) = (0, 1) for reset="subtract" and (1, 0) for reset="zero", u[-1] = s[-1] = 0.
`plain` is the loop as one would write it; `fused` is the same in compiled kernels for the CPU, `triton_lif` for a GPU.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch

from common.recurrence import fused, gpu, plain
from common.recurrence.leak import leak
from common.sequence import full, is_static

__all__ = ["LIFConstants", "leak", "lif", "lif_spikes"]


class LIFConstants(NamedTuple):
    """What `lif` takes beside the current, in its order."""

    decay: float | torch.Tensor
    gain: float | torch.Tensor
    threshold: torch.Tensor
    surrogate: Callable
    reset: str = "subtract"
    detach_reset: bool = True
    inclusive: bool = False


def lif(current, decay, gain, threshold, surrogate, reset="subtract", detach_reset=True, inclusive=False):
    """Run the recurrence over current x [T, B, ...], T >= 1; return (spikes, membrane), both [T, B, ...].

    decay, gain: numbers, or tensors that broadcast to one step [B, ...] and may require gradients.
    threshold: a number or a tensor of one element, without gradient.  surrogate: see common.surrogate.
    detach_reset: whether the reset hides the spike's gradient.  The membrane is the one before the
    reset.  current is left as it is; in bfloat16, it is taken in float32.  Fused on the CPU, and on a GPU
    where Triton is installed, for float32, float64 and the surrogates that the kernels know, plain elsewhere.
    """
    assert not getattr(threshold, "requires_grad", False), "the threshold gets no gradient"
    assert len(current) >= 1 and reset in ("subtract", "zero"), (current.shape, reset)
    current = full(current)
    loops = _compiled(current, surrogate) or plain
    return loops.lif(current, decay, gain, threshold, surrogate, reset, detach_reset, inclusive)


def lif_spikes(current, decay, gain, threshold, surrogate, reset="subtract", detach_reset=True, inclusive=False):
    """As `lif`, the spikes alone, without a membrane in memory where no gradient is wanted or the current is static."""
    current = full(current)
    static = is_static(current) and not (current.is_leaf and current.requires_grad)
    fixed = detach_reset and isinstance(decay, float) and isinstance(gain, float)
    compiled = _compiled(current, surrogate)
    if compiled and static and fixed:
        return compiled.static_spikes(current, decay, gain, threshold, surrogate, reset, inclusive)
    if compiled and not torch.is_grad_enabled():
        return compiled.spikes(current, decay, gain, threshold, reset, inclusive)
    return lif(current, decay, gain, threshold, surrogate, reset, detach_reset, inclusive)[0]


def _compiled(current, surrogate):
    """The module of compiled loops that knows this device, dtype and surrogate, or None."""
    if fused.can_run(current, surrogate):
        return fused
    return gpu.load("triton_lif") if gpu.can_run(current) and type(surrogate) in fused.KINDS else None
