"""Batch norm by step and LIF as one autograd function that saves only the current."""

import torch
from torch.autograd.function import once_differentiable

from common.kernels.compiled import empty, run
from common.kernels.norm_step import into_currents, like, pixels, statistics
from common.recurrence import fused
from common.recurrence import norm_step_lif_kernels as kernels
from common.recurrence.layout import number


def can_run(current, neuron):
    """Whether the kernels know this device, dtype and neuron: a surrogate of theirs, and no gradient through reset."""
    return neuron.detach_reset and fused.can_run(current, neuron.surrogate)


def norm_lif(current, weight, bias, eps, decay, threshold, surrogate, reset):
    """Normalise each step of current [T, B, C, H, W], run LIF; spikes of that shape, channels last in memory.

    Also returns each step's mean and variance (n - 1), both [T, C], without gradient.  weight, bias, eps, ValueError:
    see norm_step.norm_steps.  decay, threshold, surrogate, reset: see common.recurrence.lif; the reset is detached.
    """
    return _NormStepLIF.apply(current, weight, bias, eps, decay, threshold, surrogate, reset == "zero")


class _NormStepLIF(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, weight, bias, eps, decay, threshold, surrogate, zero_reset):
        y = pixels(current)
        mean, variance, inverse = statistics(y, eps)
        affine = [value.to(y).numpy() for value in (weight * inverse, bias - mean * weight * inverse)]
        constants = [*(number(value, y.dtype) for value in (decay, threshold)), zero_reset]
        spikes = empty(y.shape, y.dtype)
        run(kernels.forward, y.numpy(), *affine, *constants, spikes.numpy())
        ctx.save_for_backward(current, weight)
        ctx.rest = mean, inverse, affine, constants, surrogate
        mean, variance = mean.to(y), variance.to(y)
        ctx.mark_non_differentiable(mean, variance)
        ctx.set_materialize_grads(False)
        return like(spikes, current), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, *_):
        if grad is None:
            return (None,) * 8
        current, weight = ctx.saved_tensors
        mean, inverse, affine, constants, surrogate = ctx.rest
        y, centre = pixels(current), mean.to(current).numpy()
        num_steps, num_pixels, channels = y.shape
        out = empty(y.shape, y.dtype)
        sums = empty((-(-num_pixels // kernels.block_of(channels)), num_steps, 2, channels), y.dtype)
        run(kernels.backward, y.numpy(), pixels(grad).numpy(), *affine, centre, *constants,
            *fused.shape_of(surrogate, centre.dtype), out.numpy(), sums.numpy())
        by_weight, by_bias = into_currents(out, y, centre, sums.sum(0, dtype=torch.float64), weight, inverse)
        return like(out, current), by_weight, by_bias, None, None, None, None, None
