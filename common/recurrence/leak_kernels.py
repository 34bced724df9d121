"""The leaky integration without reset compiled by numba; arrays and chunks as in `kernels`."""

import numpy as np
from numba import njit, prange

from common.recurrence.kernels import CHUNK, chunk_of, row


@njit(parallel=True, cache=True, error_model="numpy")
def leak_forward(current, alpha, beta, gain, membrane):
    """Fill membrane [T, N]."""
    num_steps, size = membrane.shape
    for chunk in prange((size + CHUNK - 1) // CHUNK):
        low, high = chunk * CHUNK, min(size, (chunk + 1) * CHUNK)
        retained, leak, weight = chunk_of(alpha, low, high), chunk_of(beta, low, high), chunk_of(gain, low, high)
        syn, kept = np.zeros(high - low, membrane.dtype), np.zeros(high - low, membrane.dtype)
        for t in range(num_steps):
            x, v = row(current, t)[low:high], membrane[t, low:high]
            for i in range(high - low):
                syn[i] = retained[i] * syn[i] + x[i]
                kept[i] = leak[i] * kept[i] + weight[i] * syn[i]
                v[i] = kept[i]


@njit(parallel=True, cache=True, error_model="numpy")
def leak_backward(grad_membrane, membrane, alpha, beta, gain, grad_current, grad_alpha, grad_beta):
    """Fill grad_current [T, N], and grad_alpha and grad_beta [N] unless they are empty, as the membrane then may be.

    dL/dV[t] = g[t] + beta dL/dV[t+1];   dL/dsyn[t] = (1 - beta) dL/dV[t] + alpha dL/dsyn[t+1] = dL/dx[t].
    """
    num_steps, size = grad_current.shape
    for chunk in prange((size + CHUNK - 1) // CHUNK):
        low, high = chunk * CHUNK, min(size, (chunk + 1) * CHUNK)
        retained, leak, weight = chunk_of(alpha, low, high), chunk_of(beta, low, high), chunk_of(gain, low, high)
        by_syn, by_v, at_rest, sum_alpha, sum_beta = np.zeros((5, high - low), grad_current.dtype)
        for t in range(num_steps - 1, -1, -1):
            g, out = row(grad_membrane, t)[low:high], grad_current[t, low:high]
            for i in range(high - low):
                by_v[i] = g[i] + leak[i] * by_v[i]
            if grad_alpha.size:
                v, before = membrane[t, low:high], membrane[t - 1, low:high] if t > 0 else at_rest
                _add_parameter_gradients(v, before, by_syn, by_v, leak, weight, sum_alpha, sum_beta)
            for i in range(high - low):
                by_syn[i] = weight[i] * by_v[i] + retained[i] * by_syn[i]
                out[i] = by_syn[i]
        if grad_alpha.size:
            grad_alpha[low:high] = sum_alpha
            grad_beta[low:high] = sum_beta


@njit(inline="always")
def _add_parameter_gradients(v, before, by_next_syn, by_v, leak, weight, sum_alpha, sum_beta):
    """V[t] = beta V[t-1] + (1 - beta) syn[t], so that syn follows from the membrane; by_next_syn is dL/dsyn[t+1]."""
    for i in range(by_v.size):
        syn = (v[i] - leak[i] * before[i]) / weight[i]
        sum_alpha[i] += by_next_syn[i] * syn
        sum_beta[i] += by_v[i] * (before[i] - syn)
