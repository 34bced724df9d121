"""The synaptic current and the membrane behind it in one loop over time: the current's filter is never in memory."""

import torch
from torch.autograd.function import once_differentiable

from common.kernels.compiled import empty, run
from common.recurrence import fused, synaptic_lif_kernels
from common.recurrence.layout import number, to_rows


def synaptic_lif_spikes(current, alpha, beta, threshold, surrogate):
    """The spikes [T, B, ...] of common.neurons.SynapticLIF, if fused.can_run(current, surrogate).

    alpha, beta, threshold: numbers.  Of a finite current the same spikes and gradients as lif_spikes of
    leak(current, alpha, 0).
    """
    constants = [number(value, current.dtype) for value in (alpha, beta, 1 - beta, threshold)]
    if not torch.is_grad_enabled():
        return _spikes_and_membrane(current, constants, keep=False)[0]
    return _SynapticLIF.apply(current, constants, surrogate)


class _SynapticLIF(torch.autograd.Function):
    """Saves the membrane alone."""

    @staticmethod
    def forward(ctx, current, constants, surrogate):
        spikes, membrane = _spikes_and_membrane(current, constants, keep=True)
        ctx.save_for_backward(membrane)
        ctx.constants, ctx.surrogate = constants, surrogate
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_spikes):
        (membrane,) = ctx.saved_tensors
        grad_current = empty(membrane.shape, membrane.dtype)
        shape = fused.shape_of(ctx.surrogate, membrane.numpy().dtype)
        run(synaptic_lif_kernels.backward, to_rows(grad_spikes), to_rows(membrane), *ctx.constants, *shape,
            to_rows(grad_current))
        return grad_current, None, None


def _spikes_and_membrane(current, constants, keep):
    """Both [T, B, ...]; unless it is to be kept, the membrane is written over by the spikes."""
    spikes = empty(current.shape, current.dtype)
    membrane = empty(current.shape, current.dtype) if keep else spikes
    run(synaptic_lif_kernels.forward, to_rows(current), *constants, to_rows(spikes), to_rows(membrane))
    return spikes, membrane
