"""Batch norm by step, the recurrence and a 2 x 2 pool, compiled by numba for channels that lie last in memory.

    x[t] = scale[t] y[t] + shift[t],   u[t] = decay u[t-1] (1 - s[t-1]) + gain x[t],   s[t] = 1 if u[t] >= theta

y is [T, B, H, W C], decay and gain [H, W C], or [1, 1] for all neurons. A task is a row of pools of one sample; of it
a block of columns at a time stays in the caches, with time inside: two rows of N values. scale, shift and mean are
[T, N], those of the channels as often as a block has columns. No fast-math: both directions round alike, so that
the backward pass finds the spikes of the forward one.
"""

import numpy as np
from numba import njit, prange

from common.recurrence.kernels import derivatives

BLOCK = 512  # values of a row in a block, or one pool's if it has more


@njit
def _take(values, row, low, out):
    """The values of neurons [H, W C] from a block's corner on, or the one of all, into out [2, N]."""
    if values.size == 1:
        out[:] = values[0, 0]
    else:
        for r in range(2):
            out[r] = values[row + r, low : low + out.shape[1]]


@njit
def _charge(y, scale, shift, leak, rate, kept, u):
    """The potentials of a row's neurons in one step into u [N]."""
    for i in range(u.size):
        u[i] = scale[i] * y[i] + shift[i]
    for i in range(u.size):
        u[i] = leak[i] * kept[i] + rate[i] * u[i]


@njit
def _reset(u, theta, kept):
    """What the spikes leave of the potentials."""
    zero = u.dtype.type(0)
    for i in range(u.size):
        kept[i] = zero if u[i] >= theta else u[i]


@njit
def _pool(u, theta, average, channels, out):
    """The spikes of potentials u [2, N], pooled into out [N // 2]."""
    one, zero, quarter = u.dtype.type(1), u.dtype.type(0), u.dtype.type(0.25)
    for low in range(0, out.size, channels):
        first, third = u[0, 2 * low : 2 * low + channels], u[1, 2 * low : 2 * low + channels]
        second, fourth = u[0, 2 * low + channels :], u[1, 2 * low + channels :]
        pooled = out[low : low + channels]
        for c in range(channels):
            total = (one if first[c] >= theta else zero) + (one if second[c] >= theta else zero)
            total += (one if third[c] >= theta else zero) + (one if fourth[c] >= theta else zero)
            pooled[c] = quarter * total if average else min(total, one)


@njit
def _unpool(grad, u, theta, average, channels, left, out):
    """The gradient [N // 2] of pooled spikes as that of the spikes of u [2, N], into out; left: scratch [C].

    Of a maximum it goes to the first of equals: 1 is left as long as nothing has fired, and in the end if nothing has.
    """
    one, zero, quarter = u.dtype.type(1), u.dtype.type(0), u.dtype.type(0.25)
    for low in range(0, grad.size, channels):
        g = grad[low : low + channels]
        left[:] = one
        for k in range(4):
            start = 2 * low + k % 2 * channels
            potential, share = u[k // 2, start : start + channels], out[k // 2, start : start + channels]
            for c in range(channels):
                taken = left[c] if potential[c] >= theta else zero
                left[c] -= taken
                share[c] = quarter * g[c] if average else taken * g[c]
        first = out[0, 2 * low : 2 * low + channels]
        if not average:
            for c in range(channels):
                first[c] += left[c] * g[c]


@njit(parallel=True, cache=True, error_model="numpy")
def forward(y, scale, shift, decay, gain, threshold, average, channels, spikes):
    """Fill the pooled spikes [T, B, H // 2, W // 2 C]."""
    theta = threshold[0]
    num_steps, num_samples, num_rows, half = spikes.shape
    width = scale.shape[1]
    for task in prange(num_samples * num_rows):
        b, i = task // num_rows, task % num_rows
        for low in range(0, 2 * half, width):
            high = min(2 * half, low + width)
            state = np.zeros((4, 2, high - low), y.dtype)
            leak, rate, kept, u = state[0], state[1], state[2], state[3]  # unpacked, they would count as strided
            _take(decay, 2 * i, low, leak)
            _take(gain, 2 * i, low, rate)
            for t in range(num_steps):
                for r in range(2):
                    _charge(y[t, b, 2 * i + r, low:high], scale[t], shift[t], leak[r], rate[r], kept[r], u[r])
                    _reset(u[r], theta, kept[r])
                _pool(u, theta, average, channels, spikes[t, b, i, low // 2 : high // 2])


@njit(parallel=True, cache=True, error_model="numpy")
def backward(y, grad_spikes, scale, shift, mean, decay, gain, threshold, average, channels, kind, parameter, offset,
             grad, sums, by_decay, by_gain):
    """Fill grad [T, B, H, W C], of the normalised currents x, where pools are; and add to what is 0 so far.

    To each task's sums [T, 2, N] over its neurons: of grad, and of grad (y - mean). To by_decay and by_gain:
    [B, H, W C], or if one number serves all, each row of pools' sum, [B, H // 2, 1].
    """
    theta = threshold[0]
    num_steps, num_samples, num_rows, half = grad_spikes.shape
    width = scale.shape[1]
    for task in prange(num_samples * num_rows):
        b, i = task // num_rows, task % num_rows
        for low in range(0, 2 * half, width):
            high = min(2 * half, low + width)
            u = np.empty((num_steps, 2, high - low), y.dtype)
            state = np.zeros((8, 2, high - low), y.dtype)
            leak, rate, kept, carried = state[0], state[1], state[2], state[3]
            routed, slope, from_decay, from_gain = state[4], state[5], state[6], state[7]
            left = np.empty(channels, y.dtype)
            _take(decay, 2 * i, low, leak)
            _take(gain, 2 * i, low, rate)
            for t in range(num_steps):
                for r in range(2):
                    _charge(y[t, b, 2 * i + r, low:high], scale[t], shift[t], leak[r], rate[r], kept[r], u[t, r])
                    _reset(u[t, r], theta, kept[r])
            for t in range(num_steps - 1, -1, -1):
                _unpool(grad_spikes[t, b, i, low // 2 : high // 2], u[t], theta, average, channels, left, routed)
                for r in range(2):
                    current, out = y[t, b, 2 * i + r, low:high], grad[t, b, 2 * i + r, low:high]
                    derivatives(u[t, r], theta, kind, parameter, offset, slope[r])
                    _back(u[t, r], theta, leak[r], slope[r], routed[r], carried[r])
                    _spread(carried[r], rate[r], current, mean[t], out, sums[task, t])
                    if t > 0:
                        _add_decay(carried[r], u[t - 1, r], theta, from_decay[r])
                    _add_gain(carried[r], current, scale[t], shift[t], from_gain[r])
            _give(from_decay, decay, b, i, low, by_decay)
            _give(from_gain, gain, b, i, low, by_gain)


@njit
def _back(u, theta, leak, slope, routed, carried):
    """dL/du[t+1] in `carried` [N] becomes dL/du[t]: through the leak where nothing fired, and of this step's spike."""
    zero = u.dtype.type(0)
    for i in range(u.size):
        carried[i] = leak[i] * (zero if u[i] >= theta else carried[i])
    for i in range(u.size):
        carried[i] += slope[i] * routed[i]


@njit
def _spread(carried, rate, y, mean, grad, sums):
    """The gradient of a row's currents, and its share of the sums over neurons [2, N]."""
    total, centred = sums[0], sums[1]
    for i in range(grad.size):
        g = rate[i] * carried[i]
        grad[i] = g
        total[i] += g
    for i in range(grad.size):
        centred[i] += grad[i] * (y[i] - mean[i])


@njit
def _add_decay(carried, before, theta, total):
    zero = before.dtype.type(0)
    for i in range(total.size):
        total[i] += carried[i] * (zero if before[i] >= theta else before[i])


@njit
def _add_gain(carried, y, scale, shift, total):
    for i in range(total.size):
        total[i] += carried[i] * (scale[i] * y[i] + shift[i])


@njit
def _give(block, values, b, i, low, out):
    """Add a block's gradients [2, N] to those of its neurons, or of its row of pools."""
    for r in range(2):
        if values.size == 1:
            out[b, i, 0] += block[r].sum()
        else:
            out[b, 2 * i + r, low : low + block.shape[1]] += block[r]
