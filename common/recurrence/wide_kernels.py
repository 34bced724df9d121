"""The kernels of common.recurrence.wide_layer: a block of neurons and a sample at a time, which stay in the cache.

Row t B + b of R = T B is a step of a sample; events are (row_starts [R + 1], units [E]), each standing for one.
weight [H, N] of any type, bias [H] and onward [H, K] are those of the two layers; dropout is (which currents it keeps,
[R, H] or empty, and their factor), lif (leak, threshold, whether the reset is to zero).  A block has `width` neurons,
a multiple of 8; those that the last one lacks have no weights and never fire.  No result depends on the width.
"""

import numpy as np
from numba import njit, prange
from numba.cpython.unsafe.numbers import trailing_zeros

from common.kernels.event_linear import add_up
from common.recurrence.kernels import derivatives, step_back


@njit(parallel=True, cache=True, error_model="numpy")
def wide_forward(events, weight, bias, dropout, lif, onward, width, num_steps, counts, out):
    """Add to out [R, K], for each spike, its neuron's row of onward, and 1 to its neuron's place in a thread's counts.

    counts: [P, H] for P threads.
    """
    num_samples, num_threads = len(out) // num_steps, len(counts)
    for thread in prange(num_threads):
        u, spikes, fired = _scratch(num_steps, width, bias)
        for low in range(0, len(bias), width):
            table, first = _block(weight, bias, low, width)
            for sample in range(thread * num_samples // num_threads, (thread + 1) * num_samples // num_threads):
                _membranes(events, sample, num_samples, table, first, dropout, low, lif, u, spikes)
                for place in fired[: _find(spikes, fired)]:
                    row, neuron = place // width * num_samples + sample, low + place % width
                    counts[thread, neuron] += 1
                    for k in range(out.shape[1]):
                        out[row, k] += onward[neuron, k]


@njit(parallel=True, cache=True, error_model="numpy")
def wide_backward(events, by_unit, weight, bias, dropout, lif, detached, surrogate, onward, width, num_steps, grad,
                  by_weight, by_bias, by_onward):
    """Fill by_weight [H, N] and by_bias [H] and add to by_onward [H, K] what grad [R, K], of out, gives.

    by_unit: see sort_by_unit.  surrogate: see common.recurrence.fused.shape_of.  by_onward: double.
    """
    num_samples = len(grad) // num_steps
    starts, steps = by_unit
    for block in prange((len(bias) + width - 1) // width):
        low = block * width
        size = min(width, len(bias) - low)
        table, first = _block(weight, bias, low, width)
        onwards, _ = _block(onward, bias, low, width)
        u, spikes, fired = _scratch(num_steps, width, bias)
        by_spikes, by_input = np.empty((num_steps, width), u.dtype), np.zeros((len(table), width), u.dtype)
        none, total = np.empty(0, u.dtype), np.zeros(width)
        for sample in range(num_samples):
            _membranes(events, sample, num_samples, table, first, dropout, low, lif, u, spikes)
            for place in fired[: _find(spikes, fired)]:
                row, neuron = place // width * num_samples + sample, low + place % width
                for k in range(grad.shape[1]):
                    by_onward[neuron, k] += grad[row, k]
            for t in range(num_steps):
                _weighted_sum(grad[t * num_samples + sample], onwards, by_spikes[t])
            _back_in_time(u, by_spikes, lif, detached, surrogate)
            for t in range(num_steps):
                _drop(u[t], dropout, t * num_samples + sample, low)
                _add(u[t], total)
            for unit in range(len(table)):
                add_up(steps, none, starts[sample, unit], starts[sample, unit + 1], u, 0, width, by_input[unit])
        by_weight[low : low + size] = by_input[:, :size].T
        by_bias[low : low + size] = total[:size]


@njit(error_model="numpy")
def _scratch(num_steps, width, like):
    """Room for a block's membranes, its spikes (uint8) and their places."""
    shape = (num_steps, width)
    return np.empty(shape, like.dtype), np.empty(shape, np.uint8), np.empty(num_steps * width, np.int64)


@njit(error_model="numpy")
def _block(weight, bias, low, width):
    """The block's weight by input, [N, width], and bias [width]."""
    table, first = np.zeros((weight.shape[1], width), weight.dtype), np.zeros(width, bias.dtype)
    size = min(width, len(bias) - low)
    table[:, :size] = weight[low : low + size].T
    first[:size] = bias[low : low + size]
    return table, first


@njit(error_model="numpy")
def _membranes(events, sample, num_samples, table, first, dropout, low, lif, u, spikes):
    """Fill u (before the reset) and spikes, [T, width], of a sample."""
    row_starts, units = events
    none, sums = np.empty(0, u.dtype), np.empty(first.size, table.dtype)
    kept, drop = np.zeros(first.size, u.dtype), np.zeros(first.size, u.dtype)
    for t in range(len(u)):
        row, current = t * num_samples + sample, u[t]
        sums[:] = 0
        add_up(units, none, row_starts[row], row_starts[row + 1], table, 0, sums.size, sums)
        for i in range(sums.size):
            current[i] = first[i] + u.dtype.type(sums[i])
        _drop(current, dropout, row, low)
        _step(current, kept, drop, lif, spikes[t])


@njit(inline="always")
def _step(potential, kept, drop, lif, spikes):
    """One step of the LIF, from the current in `potential`; the order of its sums is common.recurrence.kernels'."""
    leak, theta, zero_reset = lif
    zero = theta - theta
    for i in range(potential.size):
        value = leak * kept[i] + potential[i] - drop[i]
        spike = value > theta
        potential[i] = value
        spikes[i] = spike
        kept[i] = zero if spike and zero_reset else value
        drop[i] = theta if spike and not zero_reset else zero


@njit(inline="always")
def _drop(values, dropout, row, low):
    kept, scale = dropout
    if kept.size:
        for i in range(min(values.size, kept.shape[1] - low)):
            values[i] = scale * values[i] if kept[row, low + i] else scale - scale


@njit(error_model="numpy")
def _find(spikes, fired):
    """Fill fired with the places of the spikes, one after the other; how many there are."""
    num_found = 0
    words = spikes.reshape(-1).view(np.uint64)
    for word in range(words.size):
        eight = words[word]
        while eight:
            fired[num_found] = 8 * word + (trailing_zeros(eight) >> 3)
            num_found += 1
            eight &= eight - np.uint64(1)
    return num_found


@njit(error_model="numpy", fastmath={"contract"})
def _weighted_sum(grad, onwards, out):
    """out [width] = grad [K] times onwards [K, width], K a multiple of 4."""
    out[:] = 0
    for k in range(0, grad.size, 4):
        a, b, c, d = onwards[k], onwards[k + 1], onwards[k + 2], onwards[k + 3]
        for i in range(out.size):
            out[i] += (grad[k] * a[i] + grad[k + 1] * b[i]) + (grad[k + 2] * c[i] + grad[k + 3] * d[i])


@njit(error_model="numpy")
def _back_in_time(u, by_spikes, lif, detached, surrogate):
    """u [T, width] becomes the gradient of the current; see common.recurrence.kernels.lif_backward."""
    leak, theta, zero_reset = lif
    kind, parameter, offset = surrogate
    leaks = np.full(u.shape[1], leak)
    carried, slope, scratch = np.zeros_like(leaks), np.empty_like(leaks), np.empty_like(leaks)
    for t in np.arange(len(u) - 1, -1, -1):  # a range that falls would keep the loops below from vectors
        potential, by_spike = u[t], by_spikes[t]
        derivatives(potential, theta, kind, parameter, offset, slope)
        step_back(carried, potential, leaks, theta, slope, zero_reset, False, detached, scratch)
        for i in range(slope.size):
            value = carried[i] + by_spike[i] * slope[i]
            carried[i] = potential[i] = value


@njit(inline="always")
def _add(values, total):
    for i in range(total.size):
        total[i] += values[i]


@njit(cache=True, error_model="numpy")
def sort_by_unit(row_starts, units, starts, steps):
    """Sort the events by sample and input: those of sample b and input n are then starts[b, n] to starts[b, n + 1].

    starts [B, N + 1]; steps [E]: at which step each is.
    """
    num_samples, begin = len(starts), 0
    for sample in range(num_samples):
        rows = range(sample, row_starts.size - 1, num_samples)
        ends = np.zeros(starts.shape[1], np.int64)
        ends[0] = begin
        for row in rows:
            for event in range(row_starts[row], row_starts[row + 1]):
                ends[units[event] + 1] += 1
        ends = np.cumsum(ends)
        starts[sample], begin = ends, ends[-1]
        for row in rows:
            for event in range(row_starts[row], row_starts[row + 1]):
                steps[ends[units[event]]] = row // num_samples
                ends[units[event]] += 1
