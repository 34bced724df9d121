"""A linear layer on spikes: finds the nonzero numbers of a tensor and computes with them alone, where they are few."""

from typing import NamedTuple

import numpy as np
import torch
from numba import njit, prange
from torch.nn import functional as F

from common.kernels.compiled import can_run, run
from common.kernels.event_linear import SparseLinear

MAX_DENSITY = 0.12  # share of nonzeros above which the dense product is as quick
MIN_OUTPUTS = 128  # outputs below which finding the nonzeros costs as much as it saves
MIN_SIZE = 2**16  # numbers in the input below which it costs more to look for zeros than to multiply them
SAMPLED = 16  # one row in so many is looked at first, so that a dense input costs no more than that


class Nonzeros(NamedTuple):
    """The rows of a tensor [R, N] as event_linear reads events; counts, in its dtype: None if all are 1."""

    row_starts: torch.Tensor
    units: torch.Tensor
    counts: torch.Tensor | None


def spike_linear(x, weight, bias=None):
    """F.linear(x, weight, bias); of an input of mostly zeros, without them, and it keeps the others alone.

    x: [T, B, N], any numbers.  weight: [H, N].  bias: [H] or None.  Dense unless all are float32 or all float64, on
    the CPU and outside autocast.  The gradient of x is dense.  A zero hides an infinite weight, where 0 inf is NaN.
    """
    nonzeros = _nonzeros(x) if _may_pay(x, weight) else None
    if nonzeros is None:
        return F.linear(x, weight, bias)
    return SparseLinear.apply(x, nonzeros, weight, bias).unflatten(0, x.shape[:2])


def _may_pay(x, weight):
    if x.numel() < MIN_SIZE or weight.shape[0] < MIN_OUTPUTS:
        return False
    return can_run(x) and x.dtype == weight.dtype and not torch.is_autocast_enabled("cpu")


def _nonzeros(x):
    """The Nonzeros of x, [T B, N]; None if they are too many."""
    rows = x.detach().contiguous().numpy().reshape(-1, x.shape[-1])
    limit = MAX_DENSITY * rows.shape[1]
    sample = rows[::SAMPLED]
    if _counted(sample)[0].mean() > limit:
        return None
    totals, all_ones = _counted(rows)
    if totals.mean() > limit:
        return None
    row_starts = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(totals, out=row_starts[1:])
    units = np.empty(row_starts[-1], np.int32)
    values = np.empty(0 if all_ones else len(units), rows.dtype)
    run(_collect, rows, row_starts, units, values)
    return Nonzeros(*map(torch.from_numpy, (row_starts, units)), None if all_ones else torch.from_numpy(values))


def _counted(rows):
    """(how many nonzeros each row has, int64 [R]; whether all are 1)."""
    totals, others = np.empty((2, len(rows)), np.int64)
    run(_count, rows, totals, others)
    return totals, not others.any()


@njit(parallel=True, cache=True, error_model="numpy")
def _count(rows, totals, others):
    """Of each row of rows [R, N]: totals [R], how many are not 0; others [R], how many of them are not 1."""
    for row in prange(len(rows)):
        total, ones = np.int32(0), np.int32(0)
        for i in range(rows.shape[1]):
            total += np.int32(rows[row, i] != 0)
            ones += np.int32(rows[row, i] == 1)
        totals[row], others[row] = total, total - ones


@njit(parallel=True, cache=True, error_model="numpy")
def _collect(rows, row_starts, units, values):
    """units [E]: the columns of the nonzeros, row by row; values [E]: what they are, unless it is empty."""
    for row in prange(len(rows)):
        i, place, end = 0, row_starts[row], row_starts[row + 1]
        while place < end:
            units[place] = i  # stays if that is a nonzero: a branch would mostly be foreseen wrongly
            place += rows[row, i] != 0
            i += 1
        if values.size:
            for event in range(row_starts[row], end):
                values[event] = rows[row, units[event]]
