"""A linear layer on events: adds up the weights of the inputs that spiked, and nothing else.

An event batch (common.data.events.EventBatch) is a sequence [T, B, N] that is almost all zeros: `shape`; the events of
row t B + b are row_starts[row] to row_starts[row + 1] (int64 [T B + 1]); `units` (int32 [E]) are their inputs;
`counts` (float32 [E], or None for ones) how often each stands; `dense()` the sequence as a tensor.
"""

import torch
from numba import njit, prange
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from common.compiled import run

ROWS = 512  # that a thread takes at once


def event_linear(events, weight, bias=None):
    """F.linear(events.dense(), weight, bias), [T, B, H], without the zeros; compiled on the CPU, dense elsewhere.

    weight: [H, N].  bias: [H] or None.  Both in float32 or float64; the events get no gradient.
    """
    if weight.device.type != "cpu" or weight.dtype not in (torch.float32, torch.float64):
        return F.linear(events.dense().to(weight.dtype), weight, bias)
    return _EventLinear.apply(events, weight, bias).unflatten(0, events.shape[:2])


class _EventLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, events, weight, bias):
        ctx.events, ctx.num_inputs = events, weight.shape[1]
        first = torch.zeros(len(weight), dtype=weight.dtype) if bias is None else bias.detach()
        out = torch.empty(len(events.row_starts) - 1, len(weight), dtype=weight.dtype)
        by_input = weight.detach().t().contiguous()
        run(_gather, *_arrays(events, weight.dtype), _width(len(weight)), by_input.numpy(), first.numpy(), out.numpy())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        grad = grad.contiguous()
        by_input = torch.zeros(ctx.num_inputs, grad.shape[1], dtype=grad.dtype)
        run(_scatter, *_arrays(ctx.events, grad.dtype), _width(grad.shape[1]), grad.numpy(), by_input.numpy())
        return None, by_input.t(), grad.sum(0) if ctx.needs_input_grad[2] else None


def _arrays(events, dtype):
    counts = torch.ones(0) if events.counts is None else events.counts
    return events.row_starts.numpy(), events.units.numpy(), counts.to(dtype).numpy()


def _width(num_columns):
    """Columns of a block: its weights stay in the second-level cache, and every thread has work."""
    return max(64, min(256, -(-num_columns // torch.get_num_threads())))


@njit(parallel=True, cache=True, error_model="numpy")
def _gather(row_starts, units, counts, width, weight, first, out):
    """out[row] = first + sum of weight[unit] over the row's events; weight [N, H], first [H], out [R, H]."""
    num_rows, num_columns = out.shape
    num_blocks, num_chunks = (num_columns + width - 1) // width, (num_rows + ROWS - 1) // ROWS
    for task in prange(num_blocks * num_chunks):
        block, chunk = task // num_chunks, task % num_chunks
        low, high = block * width, min(num_columns, (block + 1) * width)
        for row in range(chunk * ROWS, min(num_rows, (chunk + 1) * ROWS)):
            total = out[row, low:high]
            total[:] = first[low:high]
            event, end = row_starts[row], row_starts[row + 1]
            if not counts.size:
                event = _gather_fours(units, event, end, weight, low, high, total)
            for last in range(event, end):
                _add(counts, last, weight[units[last], low:high], total)


@njit(inline="always")
def _gather_fours(units, event, end, weight, low, high, total):
    """Add the weights of four events at a time, as long as there are four; the next event."""
    while event + 4 <= end:
        a, b = weight[units[event], low:high], weight[units[event + 1], low:high]
        c, d = weight[units[event + 2], low:high], weight[units[event + 3], low:high]
        for i in range(total.size):
            total[i] += (a[i] + b[i]) + (c[i] + d[i])
        event += 4
    return event


@njit(inline="always")
def _add(counts, event, values, total):
    """Add values [n], as often as the event stands, to total [n]."""
    if counts.size:
        for i in range(total.size):
            total[i] += counts[event] * values[i]
    else:
        for i in range(total.size):
            total[i] += values[i]


@njit(parallel=True, cache=True, error_model="numpy")
def _scatter(row_starts, units, counts, width, grad, by_input):
    """by_input[unit] += grad[row] for each event; grad [R, H], by_input [N, H]. A block of columns has one thread."""
    num_rows, num_columns = grad.shape
    for block in prange((num_columns + width - 1) // width):
        low, high = block * width, min(num_columns, (block + 1) * width)
        for row in range(num_rows):
            values = grad[row, low:high]
            event, end = row_starts[row], row_starts[row + 1]
            if not counts.size:
                event = _scatter_twos(units, event, end, values, by_input, low, high)
            for last in range(event, end):
                _add(counts, last, values, by_input[units[last], low:high])


@njit(inline="always")
def _scatter_twos(units, event, end, values, by_input, low, high):
    """Add to two inputs at a time, as long as there are two different ones; the next event."""
    while event + 2 <= end and units[event] != units[event + 1]:
        a, b = by_input[units[event], low:high], by_input[units[event + 1], low:high]
        for i in range(values.size):
            a[i] += values[i]
            b[i] += values[i]
        event += 2
    return event
