"""Neurons that go on where a segment of time ended: their state is handed on, and kept nowhere.

A carry is what a neuron leaves at the last step, a tuple of tensors of one step [B, ...]; (): at rest.  It is added to
the first step's current in the order of the kernels' own sums, so that segments give the whole sequence's numbers to
the bit, and its gradient flows into the segment before.
"""

import torch
from torch.autograd.function import once_differentiable

from common.recurrence import leak, lif
from common.sequence import full


def lif_from(carry, current, constants):
    """As common.recurrence.lif, from `carry`, (membrane before the reset, spike); return (spikes, carry)."""
    current, gain, zero = full(current), constants.gain, constants.reset == "zero"
    if carry:
        membrane, spike = carry
        kept = constants.decay * (membrane * (1 - spike) if zero else membrane)
        drop = torch.zeros_like(spike) if zero else constants.threshold * spike
        current, gain = _Joined.apply(current if gain == 1 else gain * current, kept, drop), 1.0
    spikes, membrane = lif(current, *constants._replace(gain=gain))
    return spikes, (_last(membrane), _last(spikes.detach() if constants.detach_reset else spikes))


def leak_from(carry, current, alpha, beta):
    """As common.recurrence.leak, from `carry`, (synaptic current, membrane potential); return (membrane, carry)."""
    syn, synapse = filtered(carry[:1], current, alpha)
    membrane, rest = filtered(carry[1:], (1 - beta) * syn, beta)
    return membrane, synapse + rest


def filtered(carry, current, decay):
    """One exponential filter y[t] = decay y[t-1] + x[t], from `carry`, (y,); return (y [T, B, ...], carry)."""
    if carry:
        (kept,) = carry
        current = _Joined.apply(current, decay * kept, torch.zeros_like(kept))
    y = leak(current, decay, 0.0)
    return y, (_last(y),)


def _last(x):
    """A copy of the last step, which does not keep the others in memory."""
    return x[-1].clone()


class _Joined(torch.autograd.Function):
    """x [T, B, ...] with kept + x[0] - drop as its first step; of another x, the memory order stays."""

    @staticmethod
    def forward(ctx, x, kept, drop):
        joined = x.clone()
        joined[0] = kept + x[0] - drop
        return joined

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        return grad, grad[0], -grad[0]
