"""How often each input or neuron of a sequence is active; compiled on the CPU, one pass over memory."""

import numpy as np
import torch
from numba import njit, prange

from common.kernels import compiled
from common.sequence import Counted, is_static

CHUNK = 16384  # inputs that a thread counts at once: what it reads lies in long runs


def count_active(x, mask=None):
    """(how often each input [...] of x [T, B, ...] is not 0, int64; whether any is anything but -1, 0 or 1).

    x: a tensor, Counted or a batch of events.  mask: [T, B], 0 where a step is not the sample's own and
    does not count, or None.
    """
    if isinstance(x, Counted):
        return x.counts(), False
    if not isinstance(x, torch.Tensor):
        return _count_events(x)
    if mask is None and is_static(x) and len(x) > 1:
        counts, multiplies = count_active(x[:1])
        return len(x) * counts, multiplies
    if not compiled.can_run(x):
        own = x if mask is None else x * mask.reshape(*mask.shape, *(1 for _ in x.shape[2:]))
        return (own != 0).sum((0, 1)), not bool(((own == 0) | (own.abs() == 1)).all())
    order = sorted(range(2, x.ndim), key=lambda dim: -x.stride(dim))  # the inputs' order in memory
    x = x.detach().permute(0, 1, *order).contiguous()
    num_inputs = x[0, 0].numel()
    num_parts = max(1, min(len(x), torch.get_num_threads() * CHUNK // num_inputs))
    counts, multiplies = np.zeros((num_parts, num_inputs), np.int64), np.zeros((num_parts, num_inputs), np.bool_)
    own = np.empty((0, 0), np.float32) if mask is None else mask.float().numpy()
    compiled.run(_count_dense, x.flatten(2).numpy(), own, counts, multiplies)
    counts = torch.from_numpy(counts.sum(0)).view(x.shape[2:]).permute(np.argsort(order).tolist())
    return counts, bool(multiplies.any())


@njit(parallel=True, cache=True, error_model="numpy")
def _count_dense(x, own, counts, multiplies):
    """Fill counts [P, N], and multiplies [P, N] where x [T, B, N] is anything but -1, 0 or 1, each of a part of T.

    own: [T, B] or empty.
    """
    num_parts, size = counts.shape
    num_chunks = (size + CHUNK - 1) // CHUNK
    for task in prange(num_parts * num_chunks):
        part, low = task // num_chunks, task % num_chunks * CHUNK
        high = min(size, low + CHUNK)
        count, other = np.zeros(high - low, np.int32), np.zeros(high - low, np.int32)
        for t in range(part * len(x) // num_parts, (part + 1) * len(x) // num_parts):
            for b in range(x.shape[1]):
                if own.size == 0 or own[t, b] != 0:
                    values = x[t, b, low:high]
                    for i in range(values.size):
                        count[i] += values[i] != 0
                        other[i] |= (values[i] != 0) & (abs(values[i]) != 1)
        counts[part, low:high] = count
        multiplies[part, low:high] = other != 0


def _count_events(events):
    """The same of a batch of events, in which an input may stand several times in a row."""
    if events.units.device.type != "cpu":
        return count_active(events.dense())
    counts = torch.ones(0) if events.counts is None else events.counts
    active, several = _count_sparse(events.row_starts.numpy(), events.units.numpy(), counts.numpy(), events.shape[2])
    return torch.from_numpy(active), several


@njit(cache=True)
def _count_sparse(row_starts, units, counts, num_inputs):
    """(in how many rows each input stands [N], whether any stands several times or for more than one event)."""
    active, seen_in, several = np.zeros(num_inputs, np.int64), np.full(num_inputs, -1, np.int64), False
    for row in range(row_starts.size - 1):
        for k in range(row_starts[row], row_starts[row + 1]):
            again = seen_in[units[k]] == row
            several |= again or (counts.size > 0 and counts[k] != 1)
            active[units[k]] += not again
            seen_in[units[k]] = row
    return active, several
