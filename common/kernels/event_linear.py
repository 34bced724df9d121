"""A linear layer on events: adds up the weights of the inputs that spiked, and nothing else.

An event batch (common.data.events.EventBatch) is a sequence [T, B, N] that is almost all zeros: `shape`; the events of
row t B + b are row_starts[row] to row_starts[row + 1] (int64 [T B + 1]); `units` (int32 [E]) are their inputs;
`counts` (float32 [E], or None for ones) how often each stands; `dense()` the sequence as a tensor.
"""

import numpy as np
import torch
from numba import njit, prange
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from common.data.sorting import counting_sort
from common.kernels.compiled import can_run, run

ROWS = 512  # rows that a thread takes at once
SORTED = 16  # events per input in ROWS rows from which on it pays to sort them first


def event_linear(events, weight, bias=None):
    """F.linear(events.dense(), weight, bias), [T, B, H], without the zeros; compiled on the CPU, dense elsewhere.

    weight: [H, N].  bias: [H] or None.  Both in float32 or float64; the events get no gradient.
    """
    if not can_run(weight):
        return F.linear(events.dense().to(weight.dtype), weight, bias)
    return SparseLinear.apply(None, events, weight, bias).unflatten(0, events.shape[:2])


class SparseLinear(torch.autograd.Function):
    """F.linear(x, weight, bias) as rows [R, H], of which only what stands in `events` is taken.

    x: [T, B, N], which gets a dense gradient, or None.
    """

    @staticmethod
    def forward(ctx, x, events, weight, bias):
        ctx.events, ctx.shape = events, None if x is None else x.shape
        ctx.num_inputs = weight.shape[1]
        ctx.save_for_backward(weight if ctx.needs_input_grad[0] else None)
        return _weighted_sums(events, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        (weight,) = ctx.saved_tensors
        to_input, _, to_weight, to_bias = ctx.needs_input_grad
        by_input = (grad @ weight).view(ctx.shape) if to_input else None
        by_weight = _weight_gradient(ctx.events, grad, ctx.num_inputs) if to_weight else None
        return by_input, None, by_weight, grad.sum(0) if to_bias else None


def _weighted_sums(events, weight, bias):
    """F.linear of the events' rows, [R, H]; weight [H, N], bias [H] or None, both without gradient."""
    first = torch.zeros(len(weight), dtype=weight.dtype) if bias is None else bias
    out = torch.empty(len(events.row_starts) - 1, len(weight), dtype=weight.dtype)
    by_input = weight.t().contiguous()
    run(_gather, *_arrays(events, weight.dtype), _width(len(weight)), by_input.numpy(), first.numpy(), out.numpy())
    return out


def _weight_gradient(events, grad, num_inputs):
    """The gradient [H, N] of the weight, from that of the output, grad [R, H]."""
    grad = grad.contiguous()
    by_input = torch.zeros(num_inputs, grad.shape[1], dtype=grad.dtype)
    arrays, width = _arrays(events, grad.dtype), _width(grad.shape[1])
    starts = np.empty(((grad.shape[0] + ROWS - 1) // ROWS, num_inputs + 1), np.int64)
    if len(events.units) < SORTED * starts.size:
        run(_scatter, *arrays, width, grad.numpy(), by_input.numpy())
    else:
        _, units, counts = arrays
        rows, sorted_counts = np.empty_like(units), np.empty_like(counts)
        run(_sort_by_input, *arrays, starts, rows, sorted_counts)
        run(_scatter_sorted, starts, rows, sorted_counts, width, grad.numpy(), by_input.numpy())
    return by_input.t()


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
            add_up(units, counts, row_starts[row], row_starts[row + 1], weight, low, high, total)


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


@njit(parallel=True, cache=True, error_model="numpy")
def _sort_by_input(row_starts, units, counts, starts, rows, sorted_counts):
    """Sort the events of each chunk of ROWS rows by their input.

    Those of chunk c and input n are then starts[c, n] to starts[c, n + 1], starts [C, N + 1].
    rows [E]: which row each is in.  sorted_counts [E], or empty as counts is.
    """
    num_rows = row_starts.size - 1
    for chunk in prange(len(starts)):
        low, high = chunk * ROWS, min(num_rows, (chunk + 1) * ROWS)
        first = row_starts[low]
        begins, places = counting_sort(units[first : row_starts[high]], starts.shape[1] - 1)
        starts[chunk] = first + begins
        for row in range(low, high):
            for event in range(row_starts[row], row_starts[row + 1]):
                place = first + places[event - first]
                rows[place] = row
                if counts.size:
                    sorted_counts[place] = counts[event]


@njit(parallel=True, cache=True, error_model="numpy")
def _scatter_sorted(starts, rows, counts, width, grad, by_input):
    """by_input[unit] += grad[row] for each event, as _sort_by_input leaves them; grad [R, H], by_input [N, H].

    A block of columns has one thread, and a chunk's rows of it stay in the second-level cache.
    """
    num_columns = grad.shape[1]
    for block in prange((num_columns + width - 1) // width):
        low, high = block * width, min(num_columns, (block + 1) * width)
        for chunk in range(len(starts)):
            for unit in range(len(by_input)):
                first, end = starts[chunk, unit], starts[chunk, unit + 1]
                add_up(rows, counts, first, end, grad, low, high, by_input[unit, low:high])


@njit(inline="always")
def add_up(places, counts, event, end, table, low, high, total):
    """total [n] += table[place] of each event up to `end`, as often as it stands; columns low to high of it."""
    if not counts.size:
        event = _add_fours(places, event, end, table, low, high, total)
    for last in range(event, end):
        _add(counts, last, table[places[last], low:high], total)


@njit(inline="always")
def _add_fours(places, event, end, table, low, high, total):
    """Add four events at a time, as long as there are four; the next event."""
    while event + 4 <= end:
        a, b = table[places[event], low:high], table[places[event + 1], low:high]
        c, d = table[places[event + 2], low:high], table[places[event + 3], low:high]
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
