"""Batch norm by step and LIF, compiled by numba, channels last.

    u[t] = decay u[t-1] (1 - h s[t-1]) + scale[t] y[t] + shift[t] - k theta s[t-1],   s[t] = 1 if u[t] > theta

(h, k) as in common.recurrence. y and what has its shape are [T, N, C], N samples times pixels; scale, shift and mean
[T, C]. A block of pixels at a time stays in the caches, with time inside. No fast-math: both directions round alike, so
that the backward pass finds the spikes of the forward one.
"""

import numpy as np
from numba import njit, prange

from common.recurrence.kernels import CHUNK, derivatives


@njit(cache=True)
def block_of(channels):
    """Pixels that a thread takes at once."""
    return max(1, CHUNK // channels)


@njit(inline="always")
def _charge(y, scale, shift, leak, theta, zero_reset, before, u):
    """The potentials [C] of a pixel from those of the step before; the two may be one array."""
    zero = u.dtype.type(0)
    drop = zero if zero_reset else theta
    for c in range(u.size):
        fired = before[c] > theta
        kept = zero if fired and zero_reset else before[c]
        u[c] = leak * kept + (scale[c] * y[c] + shift[c]) - (drop if fired else zero)


@njit(parallel=True, cache=True, error_model="numpy")
def forward(y, scale, shift, decay, threshold, zero_reset, spikes):
    """Fill the spikes [T, N, C]."""
    leak, theta = decay[0], threshold[0]
    num_steps, num_pixels, channels = y.shape
    block = block_of(channels)
    for chunk in prange((num_pixels + block - 1) // block):
        low, high = chunk * block, min(num_pixels, (chunk + 1) * block)
        one, zero = y.dtype.type(1), y.dtype.type(0)
        potentials = np.zeros((high - low, channels), y.dtype)
        for t in range(num_steps):
            for i in range(low, high):
                u, out = potentials[i - low], spikes[t, i]
                _charge(y[t, i], scale[t], shift[t], leak, theta, zero_reset, u, u)
                for c in range(channels):
                    out[c] = one if u[c] > theta else zero


@njit(parallel=True, cache=True, error_model="numpy")
def backward(y, grad_spikes, scale, shift, mean, decay, threshold, zero_reset, kind, parameter, offset, grad, sums):
    """Fill grad [T, N, C], of the normalised currents; and each block's sums [K, T, 2, C]: of it, of it (y - mean)."""
    leak, theta = decay[0], threshold[0]
    num_steps, num_pixels, channels = y.shape
    block = block_of(channels)
    for chunk in prange(len(sums)):
        low, high = chunk * block, min(num_pixels, (chunk + 1) * block)
        u = np.zeros((num_steps + 1, high - low, channels), y.dtype)  # u[0] is the state of rest
        carried, slope = np.zeros((high - low, channels), y.dtype), np.empty(channels, y.dtype)
        for t in range(num_steps):
            for i in range(low, high):
                _charge(y[t, i], scale[t], shift[t], leak, theta, zero_reset, u[t, i - low], u[t + 1, i - low])
        sums[chunk] = 0
        for t in range(num_steps - 1, -1, -1):
            for i in range(low, high):
                derivatives(u[t + 1, i - low], theta, kind, parameter, offset, slope)
                _step_back(u[t + 1, i - low], grad_spikes[t, i], leak, theta, zero_reset, slope, carried[i - low])
                _keep(carried[i - low], y[t, i], mean[t], grad[t, i], sums[chunk, t, 0], sums[chunk, t, 1])


@njit(inline="always")
def _step_back(u, grad_spikes, leak, theta, zero_reset, slope, carried):
    """dL/du[t+1] in `carried` [C] becomes dL/du[t]: through the leak, and a reset to zero, and of this step's spike."""
    zero = u.dtype.type(0)
    for c in range(u.size):
        through = zero if zero_reset and u[c] > theta else carried[c]
        carried[c] = leak * through + grad_spikes[c] * slope[c]


@njit(inline="always")
def _keep(carried, y, mean, grad, total, centred):
    for c in range(carried.size):
        grad[c] = carried[c]
        total[c] += carried[c]
    for c in range(carried.size):
        centred[c] += carried[c] * (y[c] - mean[c])
