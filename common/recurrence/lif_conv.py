"""LIF on a static current, and convolution and 2 x 2 average pool on its spikes, of which only the places are kept."""

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from common.kernels import event_conv
from common.kernels.compiled import empty, run
from common.recurrence import fused
from common.recurrence import lif_conv_kernels as kernels
from common.recurrence.layout import number
from common.sequence import Counted

DENSITY = 0.11   # share of spikes from which on torch's convolution is as fast; 16 -> 64 channels, 5 x 5
CAPACITY = 0.25  # spikes of one sample that are stored at most, as a share of its neurons times steps
SAMPLES = 4      # samples whose input gradient is computed at once, so that its intermediate results stay in the caches


def can_run(current, neuron, weight):
    """Whether the kernels know a static current [B, C, H, W], this neuron and kernel, and their device and dtype."""
    known = neuron.detach_reset and fused.can_run(current, neuron.surrogate) and event_conv.can_run(current, weight)
    return known and current.shape[1] * current.shape[3] < 2**16


def static_spikes(current, num_steps, constants):
    """The StaticSpikes of a current [B, C, H, W] of every step; None if so many that torch's convolution is as fast.

    constants: LIF.constants(); the reset is detached.
    """
    rows = event_conv.rows(current)
    numbers = [number(value, current.dtype) for value in (constants.decay, constants.threshold)]
    numbers.append(constants.reset == "zero")
    room, (num_samples, height, size) = int(CAPACITY * num_steps * current[0].numel()), rows.shape
    places = torch.empty(num_samples, room + size, dtype=torch.uint16)
    ends = torch.empty(num_samples, num_steps, height, dtype=torch.int32)
    run(kernels.spikes, rows, *numbers, places.numpy(), ends.numpy())
    counts = ends[:, -1, -1].double()
    if counts.sum() > DENSITY * num_steps * current.numel() or (counts > room).any():
        return None
    return StaticSpikes(current, places, ends, numbers, constants.surrogate)


class StaticSpikes(Counted):
    """Spikes [T, B, C, H, W] of LIF neurons whose current is the same at every step."""

    def __init__(self, current, places, ends, constants, surrogate):
        self.shape = ends.shape[1], *current.shape
        self.places, self.ends = places, ends
        self.arguments = current, places, ends, constants, surrogate

    def conv_pool(self, weight):
        """Convolution and 2 x 2 average pool of the spikes, [T, B, O, H', W']; weight: [O, C, K, L]."""
        return _LIFConvPool.apply(weight, *self.arguments)

    def counts(self):
        *_, channels, height, width = self.shape
        counts = torch.zeros(torch.get_num_threads(), height, width * channels, dtype=torch.int64)
        run(kernels.count, self.places.numpy(), self.ends.numpy(), counts.numpy())
        return counts.sum(0).view(height, width, channels).permute(2, 0, 1)


class _LIFConvPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, current, places, ends, constants, surrogate):
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
        by_current = _by_current(current, weight, grad, *ctx.rest) if ctx.needs_input_grad[1] else None
        if not ctx.needs_input_grad[0]:
            return None, by_current, None, None, None, None
        parts = event_conv.zero_parts(weight)
        run(kernels.backward, places.numpy(), ends.numpy(), grad.flatten(3).numpy(), len(weight), parts.numpy())
        by_weight = F.avg_pool2d(event_conv.by_folded(parts, len(weight)), 2, stride=1)
        return by_weight, by_current, None, None, None, None


def _by_current(current, weight, grad, constants, surrogate):
    """The gradient of the current, [B, C, H, W]."""
    channels, taps = weight.shape[1:3]
    rows, quarter = event_conv.rows(current), event_conv.quartered(weight)
    out = torch.empty(rows.shape, dtype=current.dtype)
    for low in range(0, len(out), SAMPLES):
        some = slice(low, low + SAMPLES)
        columns = (grad[:, some].flatten(0, 3) @ quarter).view(*grad[:, some].shape[:4], taps, -1)
        run(kernels.by_current, columns.numpy(), channels, rows[some], *constants,
            *fused.shape_of(surrogate, rows.dtype), out[some].numpy())
    return out.unflatten(2, (-1, channels)).permute(0, 3, 1, 2)
