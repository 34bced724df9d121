"""Calls of numba's compiled kernels beside torch."""

import numba
import torch


def run(kernel, *arguments):
    """Call a kernel on as many threads as torch uses, and leave torch's number as it was: numba's OpenMP sets it."""
    threads = torch.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    kernel(*arguments)
    torch.set_num_threads(threads)
