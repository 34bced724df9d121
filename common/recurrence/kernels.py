"""The LIF recurrence compiled by numba: time inside, neurons in chunks that stay in the first-level cache.

Arrays are [T, N] with N neurons times samples, or [1, N] for a row that holds at every step; decay and
gain are [N], or [1] for all. No fast-math: the forward pass rounds as the plain loop does, to the bit.
"""

import numpy as np
from numba import njit, prange

CHUNK = 1024
FAST_SIGMOID, ATAN, RECTANGLE = 0, 1, 2


@njit(inline="always")
def row(rows, t):
    return rows[t if rows.shape[0] > 1 else 0]


@njit(inline="always")
def chunk_of(values, low, high):
    return values[low:high] if values.size > 1 else np.full(high - low, values[0])


@njit(inline="always")
def derivatives(membrane, threshold, kind, parameter, offset, out):
    """ds/du of a chunk of membranes [n] into out [n]; NaN for a kind that is none of the three.

    parameter: the slope of the fast sigmoid, alpha of atan, the rectangle's half-width.
    """
    one = membrane.dtype.type(1)
    if kind == FAST_SIGMOID:
        for i in range(out.size):
            root = one / (parameter * abs(membrane[i] - threshold) + one)
            out[i] = root * root
    elif kind == ATAN:
        half = membrane.dtype.type(0.5) * parameter
        steepness = membrane.dtype.type(np.pi) * half
        for i in range(out.size):
            distance = steepness * (membrane[i] - threshold)
            out[i] = half / (one + distance * distance)
    elif kind == RECTANGLE:
        height = membrane.dtype.type(0.5) / parameter
        for i in range(out.size):
            out[i] = height if abs(membrane[i] - threshold - offset) < parameter else 0 * one
    else:
        for i in range(out.size):
            out[i] = np.nan


@njit(parallel=True, cache=True, error_model="numpy")
def lif_forward(current, decay, gain, threshold, zero_reset, inclusive, spikes, membrane):
    """Fill spikes and membrane [T, N]; the two may be one array, which then holds the spikes."""
    one, zero = threshold.dtype.type(1), threshold.dtype.type(0)
    theta = threshold[0]
    num_steps, size = membrane.shape
    for chunk in prange((size + CHUNK - 1) // CHUNK):
        low, high = chunk * CHUNK, min(size, (chunk + 1) * CHUNK)
        leak, weight = chunk_of(decay, low, high), chunk_of(gain, low, high)
        kept, drop = np.zeros(high - low, membrane.dtype), np.zeros(high - low, membrane.dtype)
        for t in range(num_steps):
            x, u, s = row(current, t)[low:high], membrane[t, low:high], spikes[t, low:high]
            for i in range(high - low):
                potential = leak[i] * kept[i] + weight[i] * x[i] - drop[i]
                fired = potential >= theta if inclusive else potential > theta
                u[i] = potential
                s[i] = one if fired else zero
                kept[i] = zero if fired and zero_reset else potential
                drop[i] = theta if fired and not zero_reset else zero


@njit(parallel=True, cache=True, error_model="numpy")
def lif_backward(grad_spikes, grad_membrane, membrane, decay, gain, threshold, zero_reset, inclusive, detached,
                 kind, parameter, offset, grad_current, grad_decay, grad_gain):
    """Fill grad_current [T, N]; add to grad_decay and grad_gain [N] unless they are empty.

    dL/du[t] = g s'(u) + g_u + decay (1 - h s) dL/du[t+1] - s'(u) (h decay u + k theta) dL/du[t+1],
    the last term only if the reset passes gradient; `carried` holds dL/du.
    """
    theta = threshold[0]
    num_steps, size = membrane.shape
    for chunk in prange((size + CHUNK - 1) // CHUNK):
        low, high = chunk * CHUNK, min(size, (chunk + 1) * CHUNK)
        leak, weight = chunk_of(decay, low, high), chunk_of(gain, low, high)
        carried, slope = np.zeros(high - low, membrane.dtype), np.empty(high - low, membrane.dtype)
        for t in range(num_steps - 1, -1, -1):
            u, out = membrane[t, low:high], grad_current[t, low:high]
            derivatives(u, theta, kind, parameter, offset, slope)
            step_back(carried, u, leak, theta, slope, zero_reset, inclusive, detached, out)
            if grad_spikes.size:
                g = row(grad_spikes, t)[low:high]
                for i in range(high - low):
                    carried[i] += g[i] * slope[i]
            if grad_membrane.size:
                g = row(grad_membrane, t)[low:high]
                for i in range(high - low):
                    carried[i] += g[i]
            for i in range(high - low):
                out[i] = weight[i] * carried[i]
            if grad_decay.size:
                _add_parameter_gradients(membrane, t, low, carried, leak, weight, theta, zero_reset, inclusive,
                                         grad_decay[low:high], grad_gain[low:high])


@njit(inline="always")
def step_back(carried, u, leak, theta, slope, zero_reset, inclusive, detached, scratch):
    """dL/du[t+1] in `carried` becomes its share of dL/du[t], through the leak and the reset."""
    if not detached:
        for i in range(carried.size):
            scratch[i] = slope[i] * (leak[i] * u[i] if zero_reset else theta) * carried[i]
    if zero_reset:
        for i in range(carried.size):
            if u[i] > theta or (inclusive and u[i] == theta):
                carried[i] = 0
    for i in range(carried.size):
        carried[i] *= leak[i]
    if not detached:
        for i in range(carried.size):
            carried[i] -= scratch[i]


@njit(inline="always")
def _add_parameter_gradients(membrane, t, low, carried, leak, weight, theta, zero_reset, inclusive, by_decay, by_gain):
    """u = decay kept + gain x - drop, so that x follows from the membrane and need not be saved."""
    zero = membrane.dtype.type(0)
    for i in range(carried.size):
        kept = drop = zero
        if t > 0:
            kept = membrane[t - 1, low + i]
            if kept > theta or (inclusive and kept == theta):
                if zero_reset:
                    kept = zero
                else:
                    drop = theta
        by_decay[i] += carried[i] * kept
        by_gain[i] += carried[i] * (membrane[t, low + i] - leak[i] * kept + drop) / weight[i]


@njit(parallel=True, cache=True, error_model="numpy")
def static_forward(current, decay, gain, threshold, zero_reset, inclusive, spikes):
    """lif_forward for the current [N] of every step, without the membrane."""
    one, zero = threshold.dtype.type(1), threshold.dtype.type(0)
    leak, weight, theta = decay[0], gain[0], threshold[0]
    num_steps, size = spikes.shape
    for chunk in prange((size + CHUNK - 1) // CHUNK):
        low, high = chunk * CHUNK, min(size, (chunk + 1) * CHUNK)
        x = current[low:high]
        kept, drop = np.zeros(high - low, spikes.dtype), np.zeros(high - low, spikes.dtype)
        for t in range(num_steps):
            s = spikes[t, low:high]
            for i in range(high - low):
                potential = leak * kept[i] + weight * x[i] - drop[i]
                fired = potential >= theta if inclusive else potential > theta
                s[i] = one if fired else zero
                kept[i] = zero if fired and zero_reset else potential
                drop[i] = theta if fired and not zero_reset else zero


@njit(parallel=True, cache=True, error_model="numpy")
def static_backward(grad_spikes, current, decay, gain, threshold, zero_reset, inclusive, kind, parameter, offset,
                    num_steps, grad):
    """Fill grad [N], of the current that holds at every step, with the membrane computed anew.

    As x is the same throughout, du[t]/dx = decay du[t-1]/dx (1 - h s[t-1]) + gain runs forwards in time too.
    """
    zero = threshold.dtype.type(0)
    leak, weight, theta = decay[0], gain[0], threshold[0]
    for chunk in prange((current.size + CHUNK - 1) // CHUNK):
        low, high = chunk * CHUNK, min(current.size, (chunk + 1) * CHUNK)
        x, total = current[low:high], np.zeros(high - low)  # double, as there may be many steps
        kept, drop = np.zeros(high - low, grad.dtype), np.zeros(high - low, grad.dtype)
        potential, by_current, slope = np.zeros((3, high - low), grad.dtype)
        for t in range(num_steps):
            g = row(grad_spikes, t)[low:high]
            for i in range(high - low):
                potential[i] = leak * kept[i] + weight * x[i] - drop[i]
                by_current[i] = leak * by_current[i] + weight
            derivatives(potential, theta, kind, parameter, offset, slope)
            for i in range(high - low):
                total[i] += g[i] * slope[i] * by_current[i]
                fired = potential[i] >= theta if inclusive else potential[i] > theta
                kept[i] = zero if fired and zero_reset else potential[i]
                drop[i] = theta if fired and not zero_reset else zero
                by_current[i] = zero if fired and zero_reset else by_current[i]
        grad[low:high] = total
