"""The recurrence as one autograd function around the compiled kernels; saves only the membrane."""

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from common import compiled
from common.compiled import run
from common.recurrence import kernels
from common.surrogate import ATan, FastSigmoid, Rectangle

NUMPY_DTYPES = {torch.float32: np.float32, torch.float64: np.float64}  # that the kernels know
KINDS = {FastSigmoid: kernels.FAST_SIGMOID, ATan: kernels.ATAN, Rectangle: kernels.RECTANGLE}


def can_run(current, surrogate):
    """Whether the kernels know this device, dtype and surrogate."""
    return compiled.can_run(current) and type(surrogate) in KINDS


def lif(current, decay, gain, threshold, surrogate, reset="subtract", detach_reset=True, inclusive=False):
    """See common.recurrence.lif."""
    decay, gain = _of_each_neuron(decay, gain, current)
    threshold = _number(threshold, current.dtype)  # a copy: the caller may move it before the backward pass
    return _LIF.apply(current, decay, gain, threshold, surrogate, reset == "zero", detach_reset, inclusive)


def spikes(current, decay, gain, threshold, reset, inclusive):
    """The spikes alone, without gradient: the kernel writes each over its membrane."""
    order = _memory_order(current)
    spikes = _empty_in_order(current, order)
    decay, gain = (_flat(value, order, current.dtype) for value in _of_each_neuron(decay, gain, current))
    run(kernels.lif_forward, _rows(current, order), decay, gain, _number(threshold, current.dtype), reset == "zero",
        inclusive, _rows(spikes, order), _rows(spikes, order))  # fmt: skip
    return spikes


class _LIF(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, decay, gain, threshold, surrogate, zero_reset, detach_reset, inclusive):
        order = _memory_order(current)
        spikes, membrane = _empty_in_order(current, order), _empty_in_order(current, order)
        decay, gain = (_flat(value, order, current.dtype) for value in (decay, gain))
        constants = (decay, gain, threshold, zero_reset, inclusive)
        run(kernels.lif_forward, _rows(current, order), *constants, _rows(spikes, order), _rows(membrane, order))
        ctx.save_for_backward(membrane)
        ctx.set_materialize_grads(False)
        ctx.order, ctx.constants, ctx.detach_reset, ctx.surrogate = order, constants, detach_reset, surrogate
        return spikes, membrane

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_spikes, grad_membrane):
        (membrane,) = ctx.saved_tensors
        order = ctx.order
        rows = _rows(membrane, order)
        none = np.empty((0, 0), rows.dtype)
        grads = [none if grad is None else _rows(grad, order) for grad in (grad_spikes, grad_membrane)]
        grad_current = _empty_in_order(membrane, order)
        learns = any(ctx.needs_input_grad[1:3])
        learnt = np.zeros((2, rows.shape[1] if learns else 0), rows.dtype)
        run(kernels.lif_backward, *grads, rows, *ctx.constants, ctx.detach_reset, *shape_of(ctx.surrogate, rows.dtype),
            _rows(grad_current, order), *learnt)  # fmt: skip
        by_decay, by_gain = (_unflat(torch.from_numpy(grad), membrane[0], order) if learns else None for grad in learnt)
        return grad_current, by_decay, by_gain, None, None, None, None, None


def static_spikes(current, decay, gain, threshold, surrogate, reset, inclusive):
    """The spikes of a static current, detached reset; see common.recurrence.lif_spikes."""
    constants = [_number(value, current.dtype) for value in (decay, gain, threshold)]
    return _StaticLIF.apply(current, constants, surrogate, reset == "zero", inclusive)


class _StaticLIF(torch.autograd.Function):
    """Saves one step of the current; its gradient is spread evenly over the steps, all one and the same memory."""

    @staticmethod
    def forward(ctx, current, constants, surrogate, zero_reset, inclusive):
        order = _memory_order(current)
        spikes = _empty_in_order(current, order)
        ctx.save_for_backward(current)
        ctx.order, ctx.surrogate, ctx.constants = order, surrogate, (*constants, zero_reset, inclusive)
        run(kernels.static_forward, _rows(current, order)[0], *ctx.constants, _rows(spikes, order))
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_spikes):
        (current,) = ctx.saved_tensors
        step = _rows(current, ctx.order)[0]
        grad = torch.empty(step.size, dtype=current.dtype)
        run(kernels.static_backward, _rows(grad_spikes, ctx.order), step, *ctx.constants,
            *shape_of(ctx.surrogate, step.dtype), len(current), grad.numpy())  # fmt: skip
        grad = _unflat(grad / len(current), current[0], ctx.order).expand_as(current)
        return grad, None, None, None, None


def _of_each_neuron(decay, gain, current):
    """decay and gain as they are if both are numbers, else as tensors of one step, whose shares autograd sums."""
    if isinstance(decay, torch.Tensor) or isinstance(gain, torch.Tensor):
        step = current.shape[1:]
        values = (torch.as_tensor(value, dtype=current.dtype, device=current.device) for value in (decay, gain))
        return [value.expand(step) for value in values]
    return decay, gain


def shape_of(surrogate, dtype):
    """The surrogate as the kernels read it: its kind, its number and the offset of its centre."""
    width, offset = (*vars(surrogate).values(), 0.0)[:2]
    return KINDS[type(surrogate)], dtype.type(width), dtype.type(offset)


def _memory_order(x):
    """The dimensions of x [T, ...], time first, the others as they lie in memory; None if that is as they come."""
    return None if x.is_contiguous() else (0, *sorted(range(1, x.ndim), key=lambda dim: -x.stride(dim)))


def _empty_in_order(like, order):
    if order is None:
        return like.new_empty(like.shape)
    back = sorted(range(len(order)), key=order.__getitem__)
    return like.new_empty([like.shape[dim] for dim in order]).permute(back)


def _matrix(x, order):
    """x as a tensor [T, N], or [1, N] if every step is the same; copies only what is not dense. For grad mode off."""
    x = x if order is None else x.permute(order)
    x = x[:1] if x.stride(0) == 0 else x
    return x.contiguous().view(x.shape[0], -1)


def _rows(x, order):
    """As _matrix, a numpy array."""
    return _matrix(x, order).numpy()


def _flat(value, order, dtype):
    """One step's values as a numpy array [N] in the same order, or [1] for a number."""
    return _vector(value, order).numpy() if isinstance(value, torch.Tensor) else _number(value, dtype)


def _vector(value, order):
    """A copy of one step's values as a tensor [N]."""
    value = value.detach()
    return (value if order is None else value.permute([dim - 1 for dim in order[1:]])).reshape(-1).clone()


def _number(value, dtype):
    """A number as a numpy array [1] of torch's `dtype`."""
    return np.array([float(value)], NUMPY_DTYPES[dtype])


def _unflat(grad, step, order):
    if order is None:
        return grad.reshape(step.shape)
    dims = [dim - 1 for dim in order[1:]]
    back = sorted(range(len(dims)), key=dims.__getitem__)
    return grad.reshape([step.shape[dim] for dim in dims]).permute(back)
