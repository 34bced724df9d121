"""The recurrence as one autograd function around the compiled kernels; saves only the membrane."""

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from common.kernels import compiled
from common.kernels.compiled import run
from common.recurrence import kernels
from common.recurrence.layout import empty_in_order, flat, memory_order, number, of_each_neuron, to_rows, unflat
from common.surrogate import ATan, FastSigmoid, Rectangle

KINDS = {FastSigmoid: kernels.FAST_SIGMOID, ATan: kernels.ATAN, Rectangle: kernels.RECTANGLE}


def can_run(current, surrogate):
    """Whether the kernels know this device, dtype and surrogate."""
    return compiled.can_run(current) and type(surrogate) in KINDS


def lif(current, decay, gain, threshold, surrogate, reset="subtract", detach_reset=True, inclusive=False):
    """See common.recurrence.lif."""
    decay, gain = of_each_neuron(decay, gain, current)
    threshold = number(threshold, current.dtype)  # a copy: the caller may move it before the backward pass
    return _LIF.apply(current, decay, gain, threshold, surrogate, reset == "zero", detach_reset, inclusive)


def spikes(current, decay, gain, threshold, reset, inclusive):
    """The spikes alone, without gradient: the kernel writes each over its membrane."""
    order = memory_order(current)
    spikes = empty_in_order(current, order)
    decay, gain = (flat(value, order, current.dtype) for value in of_each_neuron(decay, gain, current))
    constants = (decay, gain, number(threshold, current.dtype), reset == "zero", inclusive)
    run(kernels.lif_forward, to_rows(current, order), *constants, to_rows(spikes, order), to_rows(spikes, order))
    return spikes


class _LIF(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, decay, gain, threshold, surrogate, zero_reset, detach_reset, inclusive):
        order = memory_order(current)
        spikes, membrane = empty_in_order(current, order), empty_in_order(current, order)
        decay, gain = (flat(value, order, current.dtype) for value in (decay, gain))
        constants = (decay, gain, threshold, zero_reset, inclusive)
        run(kernels.lif_forward, to_rows(current, order), *constants, to_rows(spikes, order), to_rows(membrane, order))
        ctx.save_for_backward(membrane)
        ctx.set_materialize_grads(False)
        ctx.order, ctx.constants, ctx.detach_reset, ctx.surrogate = order, constants, detach_reset, surrogate
        return spikes, membrane

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_spikes, grad_membrane):
        (membrane,) = ctx.saved_tensors
        order = ctx.order
        rows = to_rows(membrane, order)
        none = np.empty((0, 0), rows.dtype)
        grads = [none if grad is None else to_rows(grad, order) for grad in (grad_spikes, grad_membrane)]
        grad_current = empty_in_order(membrane, order)
        learns = any(ctx.needs_input_grad[1:3])
        learnt = np.zeros((2, rows.shape[1] if learns else 0), rows.dtype)
        run(kernels.lif_backward, *grads, rows, *ctx.constants, ctx.detach_reset, *shape_of(ctx.surrogate, rows.dtype),
            to_rows(grad_current, order), *learnt)
        by_decay, by_gain = (unflat(torch.from_numpy(grad), membrane[0], order) if learns else None for grad in learnt)
        return grad_current, by_decay, by_gain, None, None, None, None, None


def static_spikes(current, decay, gain, threshold, surrogate, reset, inclusive):
    """The spikes of a static current, detached reset; see common.recurrence.lif_spikes."""
    constants = [number(value, current.dtype) for value in (decay, gain, threshold)]
    return _StaticLIF.apply(current, constants, surrogate, reset == "zero", inclusive)


class _StaticLIF(torch.autograd.Function):
    """Saves one step of the current; its gradient is spread evenly over the steps, all one and the same memory."""

    @staticmethod
    def forward(ctx, current, constants, surrogate, zero_reset, inclusive):
        order = memory_order(current)
        spikes = empty_in_order(current, order)
        ctx.save_for_backward(current)
        ctx.order, ctx.surrogate, ctx.constants = order, surrogate, (*constants, zero_reset, inclusive)
        run(kernels.static_forward, to_rows(current, order)[0], *ctx.constants, to_rows(spikes, order))
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_spikes):
        (current,) = ctx.saved_tensors
        step = to_rows(current, ctx.order)[0]
        grad = torch.empty(step.size, dtype=current.dtype)
        run(kernels.static_backward, to_rows(grad_spikes, ctx.order), step, *ctx.constants,
            *shape_of(ctx.surrogate, step.dtype), len(current), grad.numpy())
        grad = unflat(grad / len(current), current[0], ctx.order).expand_as(current)
        return grad, None, None, None, None


def shape_of(surrogate, dtype):
    """The surrogate as the kernels read it: its kind, its parameter and the offset of its centre."""
    return KINDS[type(surrogate)], *map(dtype.type, numbers_of(surrogate))


def numbers_of(surrogate):
    """(parameter, offset of the centre) of a surrogate that has these at most."""
    numbers = tuple(vars(surrogate).values())
    assert 1 <= len(numbers) <= 2, f"the kernels know a parameter and an offset, not {surrogate}"
    return (*numbers, 0.0)[:2]
