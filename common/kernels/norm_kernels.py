"""Batch norm by step of y [T, N, C], channels last, compiled by numba.  Sums over a batch are taken in double."""

from numba import njit, prange

ROWS = 256  # pixels that a thread takes at once


@njit(parallel=True, cache=True, error_model="numpy")
def statistics(y, mean, squares):
    """Of each chunk of ROWS pixels of y [T, N, C]: mean, and sum of squared distances from it; [T, K, C] in double."""
    num_steps, num_pixels, channels = y.shape
    num_chunks = mean.shape[1]
    for task in prange(num_steps * num_chunks):
        t, chunk = task // num_chunks, task % num_chunks
        low, high = chunk * ROWS, min(num_pixels, (chunk + 1) * ROWS)
        total, spread = mean[t, chunk], squares[t, chunk]
        total[:], spread[:] = 0, 0
        for i in range(low, high):
            for c in range(channels):
                total[c] += y[t, i, c]
        for c in range(channels):
            total[c] /= high - low
        for i in range(low, high):
            for c in range(channels):
                spread[c] += (y[t, i, c] - total[c]) ** 2


@njit(parallel=True, cache=True, error_model="numpy")
def backward(y, mean, scale, shift, slope, grad):
    """grad of the normalised currents [T, N, C] becomes that of y: scale grad + shift + slope (y - mean)."""
    num_steps, num_pixels, channels = y.shape
    num_chunks = (num_pixels + ROWS - 1) // ROWS
    for task in prange(num_steps * num_chunks):
        t, chunk = task // num_chunks, task % num_chunks
        for i in range(chunk * ROWS, min(num_pixels, (chunk + 1) * ROWS)):
            for c in range(channels):
                grad[t, i, c] = scale[t, c] * grad[t, i, c] + (shift[t, c] + slope[t, c] * (y[t, i, c] - mean[t, c]))


@njit(parallel=True, cache=True, error_model="numpy")
def sums(y, mean, grad, totals):
    """Of each chunk of ROWS pixels: the sums of grad and of grad (y - mean), into totals [T, K, 2, C], double."""
    num_steps, num_pixels, channels = y.shape
    num_chunks = totals.shape[1]
    for task in prange(num_steps * num_chunks):
        t, chunk = task // num_chunks, task % num_chunks
        plain, centred = totals[t, chunk, 0], totals[t, chunk, 1]
        plain[:], centred[:] = 0, 0
        for i in range(chunk * ROWS, min(num_pixels, (chunk + 1) * ROWS)):
            for c in range(channels):
                plain[c] += grad[t, i, c]
            for c in range(channels):
                centred[c] += grad[t, i, c] * (y[t, i, c] - mean[t, c])
