"""Batch norm over all steps, a shortcut and LIF as one autograd function that saves only the currents."""

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from common.compiled import empty, run
from common.recurrence import fused, norm_kernels
from common.recurrence import norm_lif_kernels as kernels
from common.recurrence.norm_pool import statistics_of


def can_run(current, neuron):
    """Whether the kernels know this device, dtype and neuron: a reset to zero, and a surrogate of theirs."""
    return neuron.reset == "zero" and fused.can_run(current, neuron.surrogate)


def norm_lif(current, shortcut, weight, bias, eps, decay, threshold, surrogate, detach_reset):
    """Normalise current [T, B, C, H, W] over all but C, add the shortcut's (or None), run LIF; spikes of that shape.

    Also returns mean and variance (n - 1), both [C], without gradient.  weight, bias: [C], as eps those of a batch
    norm.  decay, threshold, surrogate, detach_reset: see common.recurrence.lif; the reset is to zero.  ValueError if
    there is but one value of a channel.
    """
    return _NormLIF.apply(current, shortcut, weight, bias, eps, decay, threshold, surrogate, detach_reset)


class _NormLIF(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, shortcut, weight, bias, eps, decay, threshold, surrogate, detach_reset):
        y, added = _pixels(current), _pixels(current[:0] if shortcut is None else shortcut)
        mean, squares = statistics_of(y.reshape(1, -1, y.shape[-1]))  # [1, C], double
        count = y.size // y.shape[-1]
        scale = weight.double() / (squares[0] / count + eps).sqrt()
        affine = [value.to(current.dtype).numpy() for value in (scale, bias.double() - mean[0] * scale)]
        constants = [np.full(1, float(value), y.dtype) for value in (decay, threshold)]
        spikes = empty(current.permute(0, 1, 3, 4, 2).shape, current.dtype)
        run(kernels.forward, y, added, *affine, *constants, spikes.flatten(1, 3).numpy())
        ctx.save_for_backward(current, shortcut, weight, bias)
        ctx.rest = mean, squares, scale, affine, constants, count, eps, surrogate, detach_reset
        mean, variance = (value[0].to(current.dtype) for value in (mean, squares / (count - 1)))
        ctx.mark_non_differentiable(mean, variance)
        ctx.set_materialize_grads(False)
        return spikes.permute(0, 1, 4, 2, 3), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, *_):
        if grad is None:
            return (None,) * 9
        current, shortcut, weight, bias = ctx.saved_tensors
        mean, squares, scale, affine, constants, count, eps, surrogate, detach_reset = ctx.rest
        y, added = _pixels(current), _pixels(current[:0] if shortcut is None else shortcut)
        centre = mean.to(current.dtype)
        out = empty(current.permute(0, 1, 3, 4, 2).shape, current.dtype)
        sums = torch.empty(-(-y.shape[1] // norm_kernels.ROWS), 2, y.shape[-1], dtype=current.dtype)
        run(kernels.backward, y, added, _pixels(grad), *affine, centre[0].numpy(), *constants, detach_reset,
            *fused.shape_of(surrogate, y.dtype), out.flatten(1, 3).numpy(), sums.numpy())  # fmt: skip
        by_shortcut = out.clone().permute(0, 1, 4, 2, 3) if ctx.needs_input_grad[1] else None
        by_shift, by_centred = sums.sum(0, dtype=torch.float64)  # of g, and of g (y - mean), [C]
        inverse = 1 / (squares[0] / count + eps).sqrt()
        slope = -scale * inverse**2 * by_centred / count
        coefficients = (value.to(centre.dtype)[None].numpy() for value in (scale, -scale * by_shift / count, slope))
        run(norm_kernels.backward, y.reshape(1, -1, y.shape[-1]), centre.numpy(), *coefficients,
            out.flatten(0, 3)[None].numpy())  # fmt: skip
        by_weight, by_bias = (by_centred * inverse).to(weight), by_shift.to(bias)
        return out.permute(0, 1, 4, 2, 3), by_shortcut, by_weight, by_bias, None, None, None, None, None


def _pixels(x):
    """x [T, B, C, H, W] as a numpy array [T, B H W, C], copied unless it lies so in memory."""
    return x.detach().permute(0, 1, 3, 4, 2).contiguous().flatten(1, 3).numpy()
