"""Leaky integration without reset: two exponential filters, one after the other."""

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from common.kernels.compiled import can_run, run
from common.recurrence import gpu, leak_kernels
from common.recurrence.layout import empty_in_order, flat, memory_order, of_each_neuron, to_rows, unflat


def leak(current, alpha, beta):
    """Integrate current x [T, B, ...], T >= 1; return the membrane potential V [T, B, ...].

        syn[t] = alpha syn[t-1] + x[t]                      synaptic current
        V[t] = beta V[t-1] + (1 - beta) syn[t]              membrane potential; both 0 before the first step

    alpha, beta: decays per step, in [0, 1): numbers, or tensors that broadcast to one step [B, ...] and may
    require gradients.  beta = 0: V = syn.  Fused for float32 and float64 on the CPU, and on a GPU
    where Triton is installed; plain elsewhere.
    Source: SPSN (NECOTIS/Stochastic-Parallelizable-Spiking-Neuron-SPSN@c46d169), there by FFT.
    """
    assert len(current) >= 1, current.shape
    return _loop(current)(current, alpha, beta)


def _loop(current):
    """The loop for a current of this device and dtype."""
    if can_run(current):
        return fused_leak
    return gpu.load("triton_leak").leak if gpu.can_run(current) else plain_leak


def plain_leak(current, alpha, beta):
    """As `leak`, as a loop over steps in PyTorch: runs anywhere, and is what the kernels are held to."""
    syn = membrane = torch.zeros_like(current[0])
    membranes = []
    for x in current.unbind(0):
        syn = alpha * syn + x
        membrane = beta * membrane + (1 - beta) * syn
        membranes.append(membrane)
    return torch.stack(membranes)


def fused_leak(current, alpha, beta):
    """As `leak`, in one compiled pass; saves the membrane if alpha or beta wants its gradient, else nothing."""
    return _Leak.apply(current, *of_each_neuron(alpha, beta, current))


class _Leak(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, alpha, beta):
        order = memory_order(current)
        membrane = empty_in_order(current, order)
        ctx.order, ctx.learns = order, any(ctx.needs_input_grad[1:])
        ctx.constants = [flat(value, order, current.dtype) for value in (alpha, beta, 1 - beta)]
        run(leak_kernels.leak_forward, to_rows(current, order), *ctx.constants, to_rows(membrane, order))
        ctx.save_for_backward(*[membrane] * ctx.learns)
        return membrane

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        order, learns = ctx.order, ctx.learns
        grad_current = empty_in_order(grad, order)
        rows = to_rows(grad, order)
        membrane = to_rows(ctx.saved_tensors[0], order) if learns else np.empty((0, 0), rows.dtype)
        by_alpha, by_beta = torch.empty(2, grad[0].numel() if learns else 0, dtype=grad.dtype)
        run(leak_kernels.leak_backward, rows, membrane, *ctx.constants, to_rows(grad_current, order),
            by_alpha.numpy(), by_beta.numpy())
        by_alpha, by_beta = (unflat(by, grad[0], order) if learns else None for by in (by_alpha, by_beta))
        return grad_current, by_alpha, by_beta
