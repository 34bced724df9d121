"""LIF behind an exponential synapse, reset to zero, compiled by numba; arrays and chunks as in `kernels`.

    syn[t] = alpha syn[t-1] + x[t],   u[t] = beta u[t-1] (1 - s[t-1]) + (1 - beta) syn[t],   s[t] = 1 if u[t] > theta
"""

import numpy as np
from numba import njit, prange

from common.recurrence.kernels import CHUNK, derivatives, row


@njit(parallel=True, cache=True, error_model="numpy")
def forward(current, alpha, beta, gain, threshold, spikes, membrane):
    """Fill spikes and membrane [T, N]; the two may be one array, which then holds the spikes."""
    one, zero = threshold.dtype.type(1), threshold.dtype.type(0)
    retained, leak, weight, theta = alpha[0], beta[0], gain[0], threshold[0]
    num_steps, size = membrane.shape
    for chunk in prange((size + CHUNK - 1) // CHUNK):
        low, high = chunk * CHUNK, min(size, (chunk + 1) * CHUNK)
        syn, kept = np.zeros(high - low, membrane.dtype), np.zeros(high - low, membrane.dtype)
        for t in range(num_steps):
            x, u, s = row(current, t)[low:high], membrane[t, low:high], spikes[t, low:high]
            for i in range(high - low):
                syn[i] = retained * syn[i] + x[i]
                potential = leak * kept[i] + weight * syn[i]
                fired = potential > theta
                u[i] = potential
                s[i] = one if fired else zero
                kept[i] = zero if fired else potential


@njit(parallel=True, cache=True, error_model="numpy")
def backward(grad_spikes, membrane, alpha, beta, gain, threshold, kind, parameter, offset, grad_current):
    """Fill grad_current [T, N]; the reset hides the spike's gradient.

    dL/du[t] = g s'(u) + beta (1 - s) dL/du[t+1];   dL/dsyn[t] = (1 - beta) dL/du[t] + alpha dL/dsyn[t+1] = dL/dx[t].
    """
    zero = threshold.dtype.type(0)
    retained, leak, weight, theta = alpha[0], beta[0], gain[0], threshold[0]
    num_steps, size = membrane.shape
    for chunk in prange((size + CHUNK - 1) // CHUNK):
        low, high = chunk * CHUNK, min(size, (chunk + 1) * CHUNK)
        by_syn, by_u = np.zeros(high - low, membrane.dtype), np.zeros(high - low, membrane.dtype)
        slope = np.empty(high - low, membrane.dtype)
        for t in range(num_steps - 1, -1, -1):
            g, u, out = row(grad_spikes, t)[low:high], membrane[t, low:high], grad_current[t, low:high]
            derivatives(u, theta, kind, parameter, offset, slope)
            for i in range(high - low):
                by_u[i] = leak * (zero if u[i] > theta else by_u[i]) + g[i] * slope[i]
                by_syn[i] = weight * by_u[i] + retained * by_syn[i]
                out[i] = by_syn[i]
