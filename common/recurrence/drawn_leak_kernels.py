"""The way back from drawn spikes to the current, compiled by numba; arrays and chunks as in `kernels`."""

import numpy as np
from numba import njit, prange

from common.recurrence.kernels import CHUNK, row


@njit(parallel=True, cache=True, error_model="numpy")
def backward(grad_spikes, probability, bernoulli, alpha, beta, gain, grad_current):
    """Fill grad_current [T, N] from the spikes' gradient g and the probability p = sigmoid(V) or sigmoid(2 V + noise).

    dL/dV[t] = g d p (1 - p) + beta dL/dV[t+1], d = p for Bernoulli's spikes and 2 for Gumbel's; then as leak_backward.
    """
    retained, leak, weight = alpha[0], beta[0], gain[0]
    one, two = gain.dtype.type(1), gain.dtype.type(2)
    num_steps, size = grad_current.shape
    for chunk in prange((size + CHUNK - 1) // CHUNK):
        low, high = chunk * CHUNK, min(size, (chunk + 1) * CHUNK)
        by_syn, by_v = np.zeros(high - low, grad_current.dtype), np.zeros(high - low, grad_current.dtype)
        for t in range(num_steps - 1, -1, -1):
            g, p, out = row(grad_spikes, t)[low:high], probability[t, low:high], grad_current[t, low:high]
            for i in range(high - low):
                by_v[i] = g[i] * (p[i] if bernoulli else two) * (one - p[i]) * p[i] + leak * by_v[i]
                by_syn[i] = weight * by_v[i] + retained * by_syn[i]
                out[i] = by_syn[i]
