"""Batch norm over all steps, a shortcut's current and LIF with a reset to zero, compiled by numba, channels last.

    x[t] = scale y[t] + shift (+ shortcut[t]),   u[t] = decay u[t-1] (1 - s[t-1]) + x[t],   s[t] = 1 if u[t] > theta

y and what has its shape are [T, N, C], N samples times pixels; shortcut may be [0, N, C]: none. No fast-math: both
directions round alike, so that the backward pass finds the spikes of the forward one.
"""

import numpy as np
from numba import njit, prange

from common.kernels.norm_kernels import ROWS
from common.recurrence.kernels import derivatives


@njit(inline="always")
def _charge(y, shortcut, t, i, scale, shift, decay, kept, u):
    """The potentials [C] of a pixel in one step into u."""
    x = y[t, i]
    for c in range(u.size):
        u[c] = scale[c] * x[c] + shift[c]
    if shortcut.shape[0]:
        added = shortcut[t, i]
        for c in range(u.size):
            u[c] += added[c]
    for c in range(u.size):
        u[c] += decay * kept[c]


@njit(inline="always")
def _reset(u, theta, kept):
    """What the spikes leave of the potentials."""
    zero = u.dtype.type(0)
    for c in range(u.size):
        kept[c] = zero if u[c] > theta else u[c]


@njit(parallel=True, cache=True, error_model="numpy")
def forward(y, shortcut, scale, shift, decay, threshold, spikes):
    """Fill the spikes [T, N, C]."""
    leak, theta = decay[0], threshold[0]
    num_steps, num_pixels, channels = y.shape
    for chunk in prange((num_pixels + ROWS - 1) // ROWS):
        u, kept = np.empty(channels, y.dtype), np.empty(channels, y.dtype)
        one, zero = y.dtype.type(1), y.dtype.type(0)
        for i in range(chunk * ROWS, min(num_pixels, (chunk + 1) * ROWS)):
            kept[:] = zero
            for t in range(num_steps):
                _charge(y, shortcut, t, i, scale, shift, leak, kept, u)
                _reset(u, theta, kept)
                out = spikes[t, i]
                for c in range(channels):
                    out[c] = one if u[c] > theta else zero


@njit(parallel=True, cache=True, error_model="numpy")
def backward(y, shortcut, grad_spikes, scale, shift, mean, decay, threshold, detached, kind, parameter, offset,
             grad, sums):
    """Fill grad [T, N, C], of x; and sums over each chunk of ROWS pixels: of grad, and of grad (y - mean).

    sums: [K, 2, C] in double.
    """
    leak, theta = decay[0], threshold[0]
    num_steps, num_pixels, channels = y.shape
    for chunk in prange((num_pixels + ROWS - 1) // ROWS):
        u, state = np.empty((num_steps, channels), y.dtype), np.empty((3, channels), y.dtype)
        kept, carried, slope = state[0], state[1], state[2]
        total, centred = sums[chunk, 0], sums[chunk, 1]
        total[:], centred[:] = 0, 0
        for i in range(chunk * ROWS, min(num_pixels, (chunk + 1) * ROWS)):
            kept[:], carried[:] = 0, 0
            for t in range(num_steps):
                _charge(y, shortcut, t, i, scale, shift, leak, kept, u[t])
                _reset(u[t], theta, kept)
            for t in range(num_steps - 1, -1, -1):
                potential, g, out, x = u[t], grad_spikes[t, i], grad[t, i], y[t, i]
                derivatives(potential, theta, kind, parameter, offset, slope)
                _step_back(potential, g, leak, theta, slope, detached, carried)
                for c in range(channels):
                    out[c] = carried[c]
                    total[c] += carried[c]
                    centred[c] += carried[c] * (x[c] - mean[c])


@njit(inline="always")
def _step_back(u, g, leak, theta, slope, detached, carried):
    """dL/du[t+1] in `carried` becomes dL/du[t]: through the leak, the reset unless it is detached, and the spike."""
    zero = u.dtype.type(0)
    for c in range(u.size):
        through = zero if detached else slope[c] * u[c]
        carried[c] = g[c] * slope[c] + leak * carried[c] * ((zero if u[c] > theta else u.dtype.type(1)) - through)
