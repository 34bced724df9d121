"""Batch norm by step, the recurrence and a 2 x 2 pool as one autograd function that saves only the current."""

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from common.kernels import norm_kernels
from common.kernels.compiled import empty, run
from common.kernels.norm_step import statistics_of
from common.recurrence import fused
from common.recurrence import norm_pool_kernels as kernels


def can_run(current, neuron):
    """Whether the kernels know this device, dtype and neuron: a surrogate of theirs, and no gradient through reset."""
    return neuron.detach_reset and fused.can_run(current, neuron.surrogate)


def norm_lif_pool(current, weight, bias, eps, decay, gain, threshold, surrogate, average=False):
    """Normalise each step of current [T, B, C, H, W], run the neurons, pool their spikes, [T, B, C, H // 2, W // 2].

    Also returns each step's mean and variance (n - 1), both [T, C], without gradient.  weight, bias: [C], as eps
    those of nn.BatchNorm2d.  decay, gain: tensors, () or such that they broadcast to (C, H, W).  threshold, surrogate:
    see common.recurrence.lif; the reset is to zero and detached, and u = theta fires.  average: pool by the mean; else
    by the maximum, whose gradient goes to the first of equals.  ValueError if a step has one value of a channel only.
    """
    decay, gain = (value.expand(current.shape[2:]) if value.ndim else value for value in (decay, gain))
    return _NormLIFPool.apply(current, weight, bias, decay, gain, eps, threshold, surrogate, average)


class _NormLIFPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, weight, bias, decay, gain, eps, threshold, surrogate, average):
        num_steps, num_samples, channels, height, width = current.shape
        x = _channels_last(current)
        mean, squares = statistics_of(_pixels(x, channels))  # [T, C], double
        count = num_samples * height * width
        scale = weight.double() / (squares / count + eps).sqrt()
        affine = [_block(value.to(current.dtype)) for value in (scale, bias.double() - mean * scale, mean)]
        leak, rate = (_per_neuron(value) for value in (decay, gain))
        theta = np.full(1, threshold, x.dtype)
        spikes = empty((num_steps, num_samples, height // 2, width // 2, channels), current.dtype)
        run(kernels.forward, x, *affine[:2], leak, rate, theta, average, channels, spikes.flatten(3).numpy())
        ctx.save_for_backward(current, weight, bias, decay, gain)
        ctx.rest = mean, scale, squares, affine, theta, surrogate, average, eps
        mean, variance = (value.to(current.dtype) for value in (mean, squares / (count - 1)))
        ctx.mark_non_differentiable(mean, variance)
        ctx.set_materialize_grads(False)
        return spikes.permute(0, 1, 4, 2, 3), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, *_):
        if grad is None:
            return (None,) * 9
        current, weight, bias, decay, gain = ctx.saved_tensors
        mean, scale, squares, affine, theta, surrogate, average, eps = ctx.rest
        num_steps, num_samples, channels, height, width = current.shape
        x, count = _channels_last(current), num_samples * height * width
        out = empty((num_steps, num_samples, height, width, channels), current.dtype)
        out[:, :, height // 2 * 2 :], out[:, :, :, width // 2 * 2 :] = 0, 0  # an odd side's last, unpooled
        sums = torch.zeros(num_samples * (height // 2), num_steps, 2, affine[0].shape[1], dtype=current.dtype)
        by_neuron = [torch.zeros(num_samples, *((height, width * channels) if value.ndim else (height // 2, 1)),
                                 dtype=current.dtype) for value in (decay, gain)]
        run(kernels.backward, x, _channels_last(grad), *affine, _per_neuron(decay), _per_neuron(gain), theta, average,
            channels, *fused.shape_of(surrogate, x.dtype), out.flatten(3).numpy(), sums.numpy(),
            *(value.numpy() for value in by_neuron))
        sums = sums.sum(0, dtype=torch.float64).unflatten(-1, (-1, channels)).sum(-2)
        by_shift, by_centred = sums.unbind(1)  # sums of g, and of g (x - mean), [T, C]
        inverse = 1 / (squares / count + eps).sqrt()
        slope = -scale * inverse**2 * by_centred / count
        coefficients = (value.to(current.dtype).numpy() for value in (scale, -scale * by_shift / count, slope))
        run(norm_kernels.backward, _pixels(x, channels), mean.to(current.dtype).numpy(), *coefficients,
            out.flatten(1, 3).numpy())
        by_decay, by_gain = (_summed(values, like) for values, like in zip(by_neuron, (decay, gain), strict=True))
        by_weight, by_bias = (by_centred * inverse).sum(0).to(weight), by_shift.sum(0).to(bias)
        return out.permute(0, 1, 4, 2, 3), by_weight, by_bias, by_decay, by_gain, None, None, None, None


def _channels_last(x):
    """x [T, B, C, H, W] as a numpy array [T, B, H, W C], copied unless it lies so in memory."""
    return x.detach().permute(0, 1, 3, 4, 2).contiguous().flatten(3).numpy()


def _pixels(x, channels):
    """An array [T, B, H, W C] as [T, B H W, C]."""
    return x.reshape(len(x), -1, channels)


def _block(values):
    """Values of channels [T, C] as a numpy array [T, N], as often as a block of the kernels has columns."""
    return values.repeat(1, 2 * max(1, kernels.BLOCK // (2 * values.shape[1]))).numpy()


def _per_neuron(value):
    """decay or gain, () or (C, H, W), as a numpy array [1, 1] or [H, W C]."""
    value = value.detach()
    return value.permute(1, 2, 0).flatten(1).contiguous().numpy() if value.ndim else value.reshape(1, 1).numpy()


def _summed(values, like):
    """Gradients of samples and neurons [B, H, W C], or of some of their sums, as that of a parameter."""
    if not like.ndim:
        return values.sum(dtype=torch.float64).to(like)
    return values.sum(0).unflatten(1, (-1, like.shape[0])).permute(2, 0, 1)
