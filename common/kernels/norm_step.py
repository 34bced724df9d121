"""Batch norm of each step of a sequence by its own statistics, as one autograd function around compiled kernels."""

import numpy as np
import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from common.kernels import norm_kernels as kernels
from common.kernels.compiled import can_run, empty, run


def norm_steps(current, weight, bias, eps):
    """Normalise each step of current [T, B, C, H, W] over all but C; the same shape, with channels last in memory.

    Also returns each step's mean and variance (n - 1), both [T, C], without gradient.  weight, bias: [C], as eps those
    of nn.BatchNorm2d.  ValueError if a step has one value of a channel only.
    """
    return _NormSteps.apply(current, weight, bias, eps)


def norm_batch(x, weight, bias, eps):
    """Normalise x [N, C, H, W] over all but C: (the same shape, mean [C], variance (n - 1) [C]); see norm_steps.

    Compiled on the CPU, where torch sums channels that lie last naively: its variance is off by up to 1e-4 in float32.
    """
    if can_run(x):
        return [value[0] for value in norm_steps(x[None], weight, bias, eps)]
    mean, variance = x.new_zeros(2, x.shape[1])
    out = F.batch_norm(x.contiguous(), mean, variance, weight, bias, training=True, momentum=1.0, eps=eps)
    return out, mean, variance


class _NormSteps(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, weight, bias, eps):
        y = pixels(current)
        mean, variance, inverse = statistics(y, eps)
        scale = (weight * inverse).to(y)
        shift = (bias - mean * weight * inverse).to(y)
        out = torch.addcmul(shift[:, None], y, scale[:, None], out=empty(y.shape, y.dtype))
        ctx.save_for_backward(current, weight)
        ctx.rest = mean, inverse
        mean, variance = mean.to(y), variance.to(y)
        ctx.mark_non_differentiable(mean, variance)
        return like(out, current), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, *_):
        current, weight = ctx.saved_tensors
        mean, inverse = ctx.rest
        y, out = pixels(current), pixels(grad).clone()
        centre, count = mean.to(y).numpy(), y.shape[1]
        sums = torch.empty(len(y), -(-count // kernels.ROWS), 2, y.shape[2], dtype=torch.float64)
        run(kernels.sums, y.numpy(), centre, out.numpy(), sums.numpy())
        by_weight, by_bias = into_currents(out, y, centre, sums.sum(1), weight, inverse)
        return like(out, current), by_weight, by_bias, None


def statistics(y, eps):
    """Of y [T, N, C] each step's mean, variance (n - 1) and 1 / sqrt(variance (n) + eps), all [T, C] in double."""
    count = y.shape[1]
    mean, squares = statistics_of(y.numpy())
    return mean, squares / (count - 1), 1 / (squares / count + eps).sqrt()


def statistics_of(pixels):
    """Means of an array [T, N > 1, C] and sums of squared distances from them, both [T, C] in double."""
    num_steps, num_pixels, channels = pixels.shape
    if num_pixels == 1:
        raise ValueError("batch norm needs more than one value of each channel while training; raise batch_size")
    num_chunks = -(-num_pixels // kernels.ROWS)
    means, squares = np.empty((2, num_steps, num_chunks, channels))
    run(kernels.statistics, pixels, means, squares)
    means, squares = torch.from_numpy(means), torch.from_numpy(squares)
    counts = torch.full((num_chunks, 1), kernels.ROWS, dtype=torch.float64)
    counts[-1] = num_pixels - kernels.ROWS * (num_chunks - 1)
    mean = (counts * means).sum(1) / num_pixels
    return mean, squares.sum(1) + (counts * (means - mean[:, None]) ** 2).sum(1)


def into_currents(grad, y, centre, sums, weight, inverse):
    """The gradient of the normalised currents [T, N, C] becomes that of y; returns those of weight and bias, [C].

    centre: the means as a numpy array [T, C].  sums: of grad and of grad (y - mean), [T, 2, C] in double.
    """
    (by_shift, by_centred), scale, count = sums.unbind(1), weight * inverse, y.shape[1]
    coefficients = (scale, -scale * by_shift / count, -scale * inverse**2 * by_centred / count)
    run(kernels.backward, y.numpy(), centre, *(value.to(y).numpy() for value in coefficients), grad.numpy())
    return (by_centred * inverse).sum(0).to(weight), by_shift.sum(0).to(weight)


def pixels(x):
    """x [T, B, C, H, W] as a tensor [T, B H W, C], copied unless it lies so in memory."""
    return x.detach().permute(0, 1, 3, 4, 2).contiguous().flatten(1, 3)


def like(pixels, x):
    """A tensor [T, B H W, C] in the shape of x [T, B, C, H, W]."""
    num_steps, num_samples, channels, height, width = x.shape
    return pixels.view(num_steps, num_samples, height, width, channels).permute(0, 1, 4, 2, 3)
