"""Batch norm over all steps, a shortcut and LIF as one autograd function that saves only the currents."""

import torch
from torch.autograd.function import once_differentiable

from common.kernels import norm_kernels
from common.kernels.compiled import empty, run
from common.kernels.norm_step import into_currents, pixels, statistics_of
from common.recurrence import fused
from common.recurrence import norm_lif_kernels as kernels
from common.recurrence.layout import number


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
        y, added = _both(current, shortcut)
        mean, squares = statistics_of(y.flatten(0, 1)[None].numpy())  # [1, C], double
        count = y.shape[:2].numel()
        inverse = 1 / (squares / count + eps).sqrt()
        scale = weight * inverse[0]
        affine = [value.to(y).numpy() for value in (scale, bias - mean[0] * scale)]
        constants = [number(value, y.dtype) for value in (decay, threshold)]
        spikes = empty(current.permute(0, 1, 3, 4, 2).shape, current.dtype)
        run(kernels.forward, y.numpy(), added.numpy(), *affine, *constants, spikes.flatten(1, 3).numpy())
        ctx.save_for_backward(current, shortcut, weight)
        ctx.rest = mean, inverse, affine, constants, surrogate, detach_reset
        mean, variance = (value[0].to(current.dtype) for value in (mean, squares / (count - 1)))
        ctx.mark_non_differentiable(mean, variance)
        ctx.set_materialize_grads(False)
        return spikes.permute(0, 1, 4, 2, 3), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, *_):
        if grad is None:
            return (None,) * 9
        current, shortcut, weight = ctx.saved_tensors
        mean, inverse, affine, constants, surrogate, detach_reset = ctx.rest
        y, added = _both(current, shortcut)
        centre = mean.to(y).numpy()
        out = empty(current.permute(0, 1, 3, 4, 2).shape, current.dtype)
        sums = torch.empty(-(-y.shape[1] // norm_kernels.ROWS), 2, y.shape[2], dtype=torch.float64)
        run(kernels.backward, *(x.numpy() for x in (y, added, pixels(grad))), *affine, centre[0], *constants,
            detach_reset, *fused.shape_of(surrogate, centre.dtype), out.flatten(1, 3).numpy(),
            sums.numpy())
        by_shortcut = out.clone().permute(0, 1, 4, 2, 3) if ctx.needs_input_grad[1] else None
        by_weight, by_bias = into_currents(out.flatten(0, 3)[None], y.flatten(0, 1)[None], centre,
                                           sums.sum(0)[None], weight, inverse)
        return out.permute(0, 1, 4, 2, 3), by_shortcut, by_weight, by_bias, None, None, None, None, None


def _both(current, shortcut):
    """Both as pixels; of no shortcut none."""
    return pixels(current), pixels(current[:0] if shortcut is None else shortcut)
