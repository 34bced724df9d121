"""Convolution of stride 2 of what is not 0 in x [N, H, W C], compiled by numba; out or grad is [N, H', W' O].

An input at column w meets the output columns j = w // 2 - m with the kernel's columns 2 m + w % 2, so a kernel lies as
[K, C, 2, M O]: for each row, channel and parity its M columns from the last to the first. Thus what an input adds
to a row of outputs is one run of numbers.
"""

import numpy as np
from numba import njit, prange

IMAGES = 64  # images that a thread takes at once


@njit(inline="always")
def _find(row, units):
    """Where a row is not 0, into units; how often."""
    count = 0
    for i in range(row.size):
        units[count] = i
        count += row[i] != 0
    return count


@njit(inline="always")
def _reach(place, num_taps, num_outputs):
    """The outputs [low, high) that an input at this place reaches by a kernel of that length."""
    return max(0, (place - num_taps) // 2 + 1), min(num_outputs, place // 2 + 1)


@njit(inline="always")
def _meet(unit, channels, num_columns, num_outputs, size):
    """Of an input of a row: its channel, its column's parity, where its run of the kernel starts, and the outputs'."""
    column = unit // channels
    left, right = _reach(column, 2 * num_columns, size // num_outputs)
    first = num_columns - 1 - column // 2 + left
    return unit % channels, column % 2, first * num_outputs, left * num_outputs, right * num_outputs


@njit(inline="always")
def _add(value, given, total):
    for i in range(total.size):
        total[i] += value * given[i]


@njit(inline="always")
def add_to_outputs(value, unit, y, kernel, num_outputs, out):
    """Add what an input at this place [W C] of row y gives to its image's outputs [H', W' O]."""
    num_taps, channels, _, run = kernel.shape
    c, parity, start, low, high = _meet(unit, channels, run // num_outputs, num_outputs, out.shape[1])
    top, bottom = _reach(y, num_taps, len(out))
    for i in range(top, bottom):
        _add(value, kernel[y - 2 * i, c, parity, start : start + high - low], out[i, low:high])


@njit(inline="always")
def add_to_kernel(value, unit, y, grad, num_outputs, out):
    """Add what an input at this place [W C] of row y gives to the kernel's gradient, from that of the outputs."""
    num_taps, channels, _, run = out.shape
    c, parity, start, low, high = _meet(unit, channels, run // num_outputs, num_outputs, grad.shape[1])
    top, bottom = _reach(y, num_taps, len(grad))
    for i in range(top, bottom):
        _add(value, grad[i, low:high], out[y - 2 * i, c, parity, start : start + high - low])


@njit(parallel=True, cache=True, error_model="numpy")
def forward(x, kernel, num_outputs, out):
    """Fill out; num_outputs: O."""
    for chunk in prange((len(x) + IMAGES - 1) // IMAGES):
        units = np.empty(x.shape[2], np.int32)
        for n in range(chunk * IMAGES, min(len(x), (chunk + 1) * IMAGES)):
            out[n] = 0
            for y in range(x.shape[1]):
                for k in range(_find(x[n, y], units)):
                    add_to_outputs(x[n, y, units[k]], units[k], y, kernel, num_outputs, out[n])


@njit(parallel=True, cache=True, error_model="numpy")
def backward(x, grad, num_outputs, parts):
    """Add to parts [P, K, C, 2, M O], whose sum is the kernel's gradient; each is of a share of the images."""
    num_parts = len(parts)
    for part in prange(num_parts):
        units = np.empty(x.shape[2], np.int32)
        for n in range(part * len(x) // num_parts, (part + 1) * len(x) // num_parts):
            for y in range(x.shape[1]):
                for k in range(_find(x[n, y], units)):
                    add_to_kernel(x[n, y, units[k]], units[k], y, grad[n], num_outputs, parts[part])


@njit
def _add_taps(columns, i, j, width, means):
    """Add columns [K, L C] of the output at row i and column j to means [H + 1, (W + 1) C], whose borders are extra."""
    for k in range(len(columns)):
        low = (2 * j + 1) * width
        _add(columns.dtype.type(1), columns[k], means[2 * i + k + 1, low : low + columns.shape[1]])


@njit
def _spread(means, width, grad):
    """Hand each mean to its four inputs, [H, W C]."""
    size = grad.shape[1]
    for y in range(len(grad)):
        above, above_right = means[y, :size], means[y, width:]
        below, below_right = means[y + 1, :size], means[y + 1, width:]
        out = grad[y]
        for i in range(size):
            out[i] = (above[i] + above_right[i]) + (below[i] + below_right[i])


@njit
def fold_image(columns, width, means, grad):
    """fold for one image; means [H + 1, (W + 1) C]: scratch."""
    means[:] = 0
    for place in range(columns.shape[0] * columns.shape[1]):
        i, j = place // columns.shape[1], place % columns.shape[1]
        _add_taps(columns[i, j], i, j, width, means)
    _spread(means, width, grad)


@njit(parallel=True, cache=True, error_model="numpy")
def fold(columns, width, grad):
    """Fill grad [N, H, W C], that of x, from columns [N, H', W', K, L C]; width: C.

    columns: of each output, a quarter of the gradient of its K x L inputs, where an input is the mean of 2 x 2.
    """
    num_images, height, size = grad.shape
    for chunk in prange((num_images + IMAGES - 1) // IMAGES):
        means = np.empty((height + 1, size + width), grad.dtype)
        for n in range(chunk * IMAGES, min(num_images, (chunk + 1) * IMAGES)):
            fold_image(columns[n], width, means, grad[n])
