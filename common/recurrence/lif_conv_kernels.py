"""LIF on a static current and a convolution of stride 2 of its spikes, compiled by numba.

A sample's spikes lie one after the other, by step, row of the image and place in the row, W C of them; ends [B, T, H]
tells where in them each row ends. The convolution is that of event_conv_kernels.
"""

import numpy as np
from numba import njit, prange

from common.kernels.event_conv_kernels import add_to_kernel, add_to_outputs, fold_image
from common.recurrence.kernels import derivatives


@njit(inline="always")
def _charge(x, leak, theta, zero_reset, u):
    """The next potentials from u, those of the step before, and the static currents; all [N]."""
    zero = u.dtype.type(0)
    drop = zero if zero_reset else theta
    for i in range(u.size):
        fired = u[i] > theta
        u[i] = leak * (zero if fired and zero_reset else u[i]) + x[i] - (drop if fired else zero)


@njit(inline="always")
def _record(u, theta, fired, count, places):
    """Append where potentials fire, as long as there is room for a row; how many there are then."""
    if count + u.size > places.size:
        return count
    for i in range(u.size):
        fired[i] = u[i] > theta
    for i in range(u.size):
        places[count] = i
        count += fired[i]
    return count


@njit(parallel=True, cache=True, error_model="numpy")
def spikes(current, decay, threshold, zero_reset, places, ends):
    """Fill places [B, M + W C] and ends for a static current [B, H, W C]; an end beyond M: there are more."""
    leak, theta = decay[0], threshold[0]
    num_samples, num_steps, height = ends.shape
    for b in prange(num_samples):
        u, fired = np.zeros(current.shape[1:], current.dtype), np.empty(current.shape[2], np.uint8)
        count = 0
        for t in range(num_steps):
            for y in range(height):
                _charge(current[b, y], leak, theta, zero_reset, u[y])
                count = _record(u[y], theta, fired, count, places[b])
                ends[b, t, y] = count


@njit(parallel=True, cache=True, error_model="numpy")
def count(places, ends, counts):
    """Add each spike to its place in counts [P, H, W C]; each of them is of a share of the samples."""
    num_samples, num_steps, height = ends.shape
    num_parts = len(counts)
    for part in prange(num_parts):
        for b in range(part * num_samples // num_parts, (part + 1) * num_samples // num_parts):
            begin = 0
            for t in range(num_steps):
                for y in range(height):
                    for k in range(begin, ends[b, t, y]):
                        counts[part, y, places[b, k]] += 1
                    begin = ends[b, t, y]


@njit(parallel=True, cache=True, error_model="numpy")
def forward(places, ends, kernel, num_outputs, out):
    """Fill out [T, B, H', W' O]; num_outputs: O."""
    num_samples, num_steps, height = ends.shape
    one = out.dtype.type(1)
    for b in prange(num_samples):
        count = 0
        for t in range(num_steps):
            out[t, b] = 0
            for y in range(height):
                for k in range(count, ends[b, t, y]):
                    add_to_outputs(one, places[b, k], y, kernel, num_outputs, out[t, b])
                count = ends[b, t, y]


@njit(parallel=True, cache=True, error_model="numpy")
def backward(places, ends, grad, num_outputs, parts):
    """Add to parts [P, K, C, 2, M O], whose sum is the kernel's gradient; each is of a share of the samples."""
    num_samples, num_steps, height = ends.shape
    num_parts, one = len(parts), grad.dtype.type(1)
    for part in prange(num_parts):
        for b in range(part * num_samples // num_parts, (part + 1) * num_samples // num_parts):
            count = 0
            for t in range(num_steps):
                for y in range(height):
                    for k in range(count, ends[b, t, y]):
                        add_to_kernel(one, places[b, k], y, grad[t, b], num_outputs, parts[part])
                    count = ends[b, t, y]


@njit(parallel=True, cache=True, error_model="numpy")
def by_current(columns, channels, current, decay, threshold, zero_reset, kind, parameter, offset, grad):
    """Fill grad [B, H, W C], of the static current, from columns [T, B, H', W', K, L C] as fold takes them.

    As x is the same throughout, du[t]/dx = decay du[t-1]/dx (1 - h s[t-1]) + 1 runs forwards in time.
    """
    leak, theta = decay[0], threshold[0]
    num_samples, height, size = grad.shape
    for b in prange(num_samples):
        means = np.empty((height + 1, size + channels), grad.dtype)
        state, slope = np.zeros((3, height, size), grad.dtype), np.empty(size, grad.dtype)
        by_spikes, u, reach = state[0], state[1], state[2]
        total = np.zeros((height, size))  # double, as there may be many steps
        for t in range(len(columns)):
            fold_image(columns[t, b], channels, means, by_spikes)
            for y in range(height):
                _extend(leak, theta, zero_reset, u[y], reach[y])
                _charge(current[b, y], leak, theta, zero_reset, u[y])
                derivatives(u[y], theta, kind, parameter, offset, slope)
                _add_product(by_spikes[y], slope, reach[y], total[y])
        grad[b] = total


@njit(inline="always")
def _extend(leak, theta, zero_reset, u, reach):
    """du[t-1]/dx in `reach` becomes du[t]/dx, by the potentials of the step before."""
    zero, one = u.dtype.type(0), u.dtype.type(1)
    for i in range(u.size):
        reach[i] = leak * (zero if zero_reset and u[i] > theta else reach[i]) + one


@njit(inline="always")
def _add_product(first, second, third, total):
    for i in range(total.size):
        total[i] += first[i] * second[i] * third[i]
