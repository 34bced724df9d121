"""Calls of numba's compiled kernels beside torch."""

import sys

import numba
import numpy as np
import torch
from numba.core import event
from tqdm import tqdm


class _Announcement(event.Listener):
    """Says, once in a process, that a kernel is being compiled; not of one that is loaded from numba's cache."""

    said = False

    def on_start(self, _):
        if not self.said:
            tqdm.write("compiling for this machine, once; up to a minute ...", file=sys.stderr)
        self.said = True

    def on_end(self, _):
        pass


event.register("numba:compile", _Announcement())


def can_run(x):
    """Whether the kernels know the device and dtype of a tensor: the CPU, float32 or float64."""
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)


def run(kernel, *arguments):
    """Call a kernel on as many threads as torch uses, and leave torch's number as it was: numba's OpenMP sets it."""
    threads = torch.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    kernel(*arguments)
    torch.set_num_threads(threads)


def empty(shape, dtype):
    """A tensor for a kernel to fill, in memory that numpy finds.

    torch aligns large tensors to huge pages, and the gap that a freed one leaves between others may be too short for
    the next one of its size.
    """
    return torch.from_numpy(np.empty(shape, str(dtype).removeprefix("torch.")))
