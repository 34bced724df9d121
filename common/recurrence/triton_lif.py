"""The LIF recurrence as one autograd function around Triton's kernels; saves only the membrane. See fused."""

import torch
from torch.autograd.function import once_differentiable

from common.recurrence import triton_kernels as kernels
from common.recurrence.fused import numbers_of
from common.recurrence.layout import empty_in_order, memory_order, of_each_neuron, to_matrix, to_vector, unflat


def lif(current, decay, gain, threshold, surrogate, reset="subtract", detach_reset=True, inclusive=False):
    """See common.recurrence.lif."""
    decay, gain = of_each_neuron(decay, gain, current)
    rule = {"ZERO_RESET": reset == "zero", "INCLUSIVE": inclusive}
    return _LIF.apply(current, decay, gain, threshold, surrogate, rule, detach_reset)


def spikes(current, decay, gain, threshold, reset, inclusive):
    """The spikes alone, without gradient and without a membrane in memory."""
    order = memory_order(current)
    decay, gain = of_each_neuron(decay, gain, current)
    constants = [constant(value, current, order) for value in (decay, gain, threshold)]
    out = empty_in_order(current, order)
    _forward(current, order, constants, out, None, {"ZERO_RESET": reset == "zero", "INCLUSIVE": inclusive})
    return out


def static_spikes(current, decay, gain, threshold, surrogate, reset, inclusive):
    """The spikes of a static current, detached reset; see common.recurrence.lif_spikes."""
    rule = {"ZERO_RESET": reset == "zero", "INCLUSIVE": inclusive}
    return _StaticLIF.apply(current, decay, gain, threshold, surrogate, rule)


class _LIF(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, decay, gain, threshold, surrogate, rule, detach_reset):
        order = memory_order(current)
        spikes, membrane = empty_in_order(current, order), empty_in_order(current, order)
        ctx.constants = [constant(value, current, order) for value in (decay, gain, threshold)]
        _forward(current, order, ctx.constants, spikes, membrane, rule)
        ctx.save_for_backward(membrane)
        ctx.set_materialize_grads(False)
        ctx.order, ctx.options = order, rule | _shape_of(surrogate) | {"DETACHED": detach_reset}
        return spikes, membrane

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads):
        (membrane,) = ctx.saved_tensors
        order, size = ctx.order, membrane[0].numel()
        grads = [None if grad is None else to_matrix(grad, order) for grad in grads]  # gradients of spikes, membrane
        grad_current = empty_in_order(membrane, order)
        learns = any(ctx.needs_input_grad[1:3])
        by_decay, by_gain = (membrane.new_empty(size) if learns else None for _ in range(2))
        kernels.launch(
            kernels.lif_backward, size, membrane, *grads, *ctx.constants, grad_current, by_decay, by_gain,
            *map(stride, grads), len(membrane), PER_NEURON=per_neuron(*ctx.constants), **ctx.options)
        by_decay, by_gain = (unflat(grad, membrane[0], order) if learns else None for grad in (by_decay, by_gain))
        return grad_current, by_decay, by_gain, None, None, None, None


class _StaticLIF(torch.autograd.Function):
    """Saves one step of the current; its gradient is spread evenly over the steps, all one and the same memory."""

    @staticmethod
    def forward(ctx, current, decay, gain, threshold, surrogate, rule):
        order = memory_order(current)
        spikes = empty_in_order(current, order)
        ctx.constants = [constant(value, current, order) for value in (decay, gain, threshold)]
        _forward(current, order, ctx.constants, spikes, None, rule)
        ctx.save_for_backward(current)
        ctx.order, ctx.options = order, rule | _shape_of(surrogate)
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_spikes):
        (current,) = ctx.saved_tensors
        step, grads = to_matrix(current, ctx.order)[0], to_matrix(grad_spikes, ctx.order)
        grad = torch.empty_like(step)
        kernels.launch(
            kernels.static_backward, len(step), step, grads, *ctx.constants, grad, stride(grads), len(current),
            **ctx.options)
        grad = unflat(grad / len(current), current[0], ctx.order).expand_as(current)
        return grad, None, None, None, None, None


def _forward(current, order, constants, spikes, membrane, rule):
    x = to_matrix(current, order)
    kernels.launch(
        kernels.lif_forward, x.shape[1], x, *constants, spikes, membrane, stride(x), len(current),
        PER_NEURON=per_neuron(*constants), **rule)


def constant(value, current, order):
    """One step's values as a tensor [N] in this order, or one value as a tensor [1], which never leaves the GPU.

    A copy: the caller may move a threshold before the backward pass.
    """
    if not isinstance(value, torch.Tensor):
        return current.new_full((1,), value)
    return to_vector(value, order if value.numel() > 1 else None).to(current)


def per_neuron(decay, *_):
    """Whether the first constant, and so the second, is one of each neuron: 1, else 0."""
    return int(len(decay) > 1)


def stride(matrix):
    """How far apart two steps of a tensor [T, N] lie, 0 for one row or None."""
    return 0 if matrix is None or len(matrix) == 1 else matrix.shape[1]


def _shape_of(surrogate):
    """The surrogate as the kernels read it."""
    parameter, offset = map(float, numbers_of(surrogate))
    return {"KIND": type(surrogate).__name__, "PARAMETER": parameter, "OFFSET": offset}
