"""LIF on a static current, and convolution and 2 x 2 average pool on its spikes, of which only the places are kept."""

import functools

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from common.kernels import event_conv
from common.kernels.compiled import empty, run
from common.recurrence import fused
from common.recurrence import lif_conv_kernels as kernels
from common.recurrence.layout import number
from common.sequence import Counted

DENSITY = 0.11   # of spikes, from which on torch's convolution is as fast; 16 -> 64 channels, 5 x 5
CAPACITY = 0.25  # share of its neurons and steps at which one sample may spike
SAMPLES = 4      # whose input gradient is made at once: what lies between its steps stays in the caches


def can_run(current, neuron, weight):
    """Whether the kernels know a static current [B, C, H, W], this neuron and kernel, and their device and dtype."""
    known = neuron.detach_reset and fused.can_run(current, neuron.surrogate) and event_conv.can_run(current, weight)
    return known and current.shape[1] * current.shape[3] < 2**16


def lif_conv_pool(current, num_steps, weight, decay, threshold, surrogate, reset):
    """Convolution and pool of the spikes for a current [B, C, H, W] of every step: ([T, B, O, H', W'], Counted spikes).

    None if so many neurons spike that torch's convolution is as fast.  weight: [O, C, K, L].  decay, threshold,
    surrogate, reset: see common.recurrence.lif; the reset is detached.
    """
    rows = event_conv.rows(current)
    constants = [*(number(value, current.dtype) for value in (decay, threshold)), reset == "zero"]
    room, (num_samples, height, size) = int(CAPACITY * num_steps * current[0].numel()), rows.shape
    places = torch.empty(num_samples, room + size, dtype=torch.uint16)
    ends = torch.empty(num_samples, num_steps, height, dtype=torch.int32)
    run(kernels.spikes, rows, *constants, places.numpy(), ends.numpy())
    counts = ends[:, -1, -1].double()
    if counts.sum() > DENSITY * num_steps * current.numel() or (counts > room).any():
        return None
    out = _LIFConvPool.apply(current, weight, places, ends, constants, surrogate)
    return out, Counted((num_steps, *current.shape), functools.partial(_spike_counts, places, ends, current.shape[1:]))


def _spike_counts(places, ends, shape):
    """How often each neuron [C, H, W] spiked in all steps and samples."""
    channels, height, width = shape
    counts = torch.zeros(torch.get_num_threads(), height, width * channels, dtype=torch.int64)
    run(kernels.count, places.numpy(), ends.numpy(), counts.numpy())
    return counts.sum(0).view(height, width, channels).permute(2, 0, 1)


class _LIFConvPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, weight, places, ends, constants, surrogate):
        out = empty((ends.shape[1], *event_conv.output_shape(current, weight)), current.dtype)
        kernel = event_conv.by_column(event_conv.folded(weight))
        run(kernels.forward, places.numpy(), ends.numpy(), kernel, len(weight), out.flatten(3).numpy())
        ctx.save_for_backward(current, weight, places, ends)
        ctx.rest = constants, surrogate
        return out.permute(0, 1, 4, 2, 3)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        current, weight, places, ends = ctx.saved_tensors
        grad = grad.permute(0, 1, 3, 4, 2).contiguous()  # [T, B, H', W', O]
        by_current = _by_current(current, weight, grad, *ctx.rest) if ctx.needs_input_grad[0] else None
        if not ctx.needs_input_grad[1]:
            return by_current, None, None, None, None, None
        parts = event_conv.zero_parts(weight)
        run(kernels.backward, places.numpy(), ends.numpy(), grad.flatten(3).numpy(), len(weight), parts.numpy())
        by_weight = F.avg_pool2d(event_conv.by_folded(parts, len(weight)), 2, stride=1)
        return by_current, by_weight, None, None, None, None


def _by_current(current, weight, grad, constants, surrogate):
    """The gradient of the current, [B, C, H, W]."""
    channels, taps = weight.shape[1:3]
    rows, quarter = event_conv.rows(current), event_conv.quartered(weight)
    out = torch.empty(rows.shape, dtype=current.dtype)
    for low in range(0, len(out), SAMPLES):
        some = slice(low, low + SAMPLES)
        columns = (grad[:, some].flatten(0, 3) @ quarter).view(*grad[:, some].shape[:4], taps, -1)
        run(kernels.by_current, columns.numpy(), channels, rows[some], *constants,
            *fused.shape_of(surrogate, rows.dtype), out[some].numpy())  # fmt: skip
    return out.unflatten(2, (-1, channels)).permute(0, 3, 1, 2)
