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
        run(_gather, *_arrays(events, weight.dtype), by_input.numpy(), first.numpy(), out.numpy())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        grad = grad.contiguous()
        by_input = torch.zeros(ctx.num_inputs, grad.shape[1], dtype=grad.dtype)
        run(_scatter, *_arrays(ctx.events, grad.dtype), grad.numpy(), by_input.numpy())
        return None, by_input.t(), grad.sum(0) if ctx.needs_input_grad[2] else None


def _arrays(events, dtype):
    counts = torch.ones(0) if events.counts is None else events.counts
    return events.row_starts.numpy(), events.units.numpy(), counts.to(dtype).numpy()


@njit(inline="always")
def _width(num_columns):
    """Columns of a block: its weights stay in the second-level cache, and two threads have work."""
    return max(64, min(128, (num_columns + 1) // 2))


@njit(inline="always")
def _add(values, event, counts, total):
    """Add values [n], as often as the event stands, to total [n]."""
    if counts.size:
        for i in range(total.size):
            total[i] += counts[event] * values[i]
    else:
        for i in range(total.size):
            total[i] += values[i]


@njit(parallel=True, cache=True, error_model="numpy")
def _gather(row_starts, units, counts, weight, first, out):
    """out[row] = first + sum of weight[unit] over the row's events; weight [N, H], first [H], out [R, H]."""
    num_rows, num_columns = out.shape
    width = _width(num_columns)
    num_blocks, num_chunks = (num_columns + width - 1) // width, (num_rows + ROWS - 1) // ROWS
    for task in prange(num_blocks * num_chunks):
        block, chunk = task // num_chunks, task % num_chunks
        low, high = block * width, min(num_columns, (block + 1) * width)
        for row in range(chunk * ROWS, min(num_rows, (chunk + 1) * ROWS)):
            total = out[row, low:high]
            total[:] = first[low:high]
            for event in range(row_starts[row], row_starts[row + 1]):
                values = weight[units[event], low:high]
                _add(values, event, counts, total)


@njit(parallel=True, cache=True, error_model="numpy")
def _scatter(row_starts, units, counts, grad, by_input):
    """by_input[unit] += grad[row] for each event; grad [R, H], by_input [N, H]. A block of columns has one thread."""
    num_rows, num_columns = grad.shape
    width = _width(num_columns)
    for block in prange((num_columns + width - 1) // width):
        low, high = block * width, min(num_columns, (block + 1) * width)
        for row in range(num_rows):
            values = grad[row, low:high]
            for event in range(row_starts[row], row_starts[row + 1]):
                total = by_input[units[event], low:high]
                _add(values, event, counts, total)
