"""Into which step of time an event falls; a counting sort, and how it turns a batch's events into rows."""

from fractions import Fraction

import numpy as np
from numba import njit


def edges(dt_ms, num_steps, per_ms):
    """Where steps of dt_ms begin and the last one ends, as exact numbers, num_steps + 1 Fractions from 0 on.

    dt_ms: taken as the decimal number that it is written as.  per_ms: of their unit, how many a millisecond has.
    """
    step = Fraction(str(dt_ms)) * per_ms
    return [k * step for k in range(num_steps + 1)]


@njit(cache=True, error_model="numpy")
def step_of(time, edges):
    """The step that `time`, 0 or more, falls into: k where edges[k] <= time < edges[k + 1], the last edge's beyond."""
    num_steps = len(edges) - 1
    step = np.int64(min(time * (num_steps / edges[-1]), np.float64(num_steps)))  # or the one next to it
    while step > 0 and edges[step] > time:
        step -= 1
    while step < num_steps and edges[step + 1] <= time:
        step += 1
    return step


@njit(cache=True, error_model="numpy")
def counting_sort(keys, num_keys):
    """Return (starts int64 [num_keys + 1], places int64 [E]) of a stable sort by keys, whole numbers below num_keys.

    Element e goes to places[e], and those of key k lie at starts[k] to starts[k + 1].  A negative key is left out.
    """
    starts = np.zeros(num_keys + 1, np.int64)
    for key in keys:
        if key >= 0:
            starts[key + 1] += 1
    starts = np.cumsum(starts)
    ends, places = starts.copy(), np.empty(len(keys), np.int64)
    for e in range(len(keys)):
        if keys[e] >= 0:
            places[e] = ends[keys[e]]
            ends[keys[e]] += 1
    return starts, places


@njit(cache=True, error_model="numpy")
def into_steps(times, units, starts, stops, time_factors, channel_factors, shifts, edges, window, num_units, fixed,
               at_end, binary):
    """Return (row_starts int64 [T B + 1], units int32 [E'] by row, lengths int64 [B]); see common.data.events.

    times, units: all recordings'.  starts, stops: int64 [B], the batch's.  edges: float32 [T + 1].  The rest as Binning
    and SpokenDigitsAugmentation say, the changes float64 [B].  at_end: whether a sample's steps are the last ones, not
    the first.  What lies in no step or on no channel is dropped, NaN among it.
    """
    rows, moved, lengths = _place(times, units, starts, stops, time_factors, channel_factors, shifts, edges, window,
                                  num_units)
    num_samples, num_steps = len(starts), len(edges) - 1
    num_rows = num_samples * (num_steps if fixed or not num_samples else lengths.max())
    if at_end:
        for k in range(rows.size):
            if rows[k] >= 0:
                rows[k] += num_rows - num_samples * lengths[rows[k] % num_samples]
    row_starts, places = counting_sort(rows, num_rows)
    by_row = np.empty(row_starts[-1], np.int32)
    for k in range(rows.size):
        if rows[k] >= 0:
            by_row[places[k]] = moved[k]
    if binary:
        by_row = by_row[: _merge(row_starts, by_row, num_units)]
    return row_starts, by_row, lengths


@njit(cache=True, error_model="numpy")
def _place(times, units, starts, stops, time_factors, channel_factors, shifts, edges, window, num_units):
    """(row of each event or -1, its channel, each sample's number of steps)."""
    total = (stops - starts).sum()
    rows, moved, lengths = np.full(total, -1, np.int64), np.empty(total, np.int32), np.ones(len(starts), np.int64)
    middle, num_steps, k = (num_units - 1) / 2, len(edges) - 1, 0
    for b in range(len(starts)):
        for event in range(starts[b], stops[b]):
            time = np.float64(times[event]) * time_factors[b]
            if 0 <= time < window:
                step = step_of(time, edges)
                lengths[b] = max(lengths[b], min(step + 1, num_steps))
                channel = np.floor(middle + channel_factors[b] * (units[event] - middle) + 0.5) + shifts[b]
                if step < num_steps and 0 <= channel < num_units:
                    rows[k], moved[k] = step * len(starts) + b, np.int32(channel)
            k += 1
    return rows, moved, lengths


@njit(cache=True, error_model="numpy")
def _merge(row_starts, units, num_units):
    """Keep each unit once a row, in place; return how many are kept."""
    kept, seen_in = 0, np.full(num_units, -1, np.int64)
    stop = 0
    for row in range(len(row_starts) - 1):
        start, stop = stop, row_starts[row + 1]
        row_starts[row] = kept
        for k in range(start, stop):
            unit = units[k]
            if seen_in[unit] != row:
                seen_in[unit] = row
                units[kept] = unit
                kept += 1
    row_starts[-1] = kept
    return kept
