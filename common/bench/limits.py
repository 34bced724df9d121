"""The machine's own limits, on as many threads as torch uses, and what a workload takes at them.

Each is that of the quickest of many short calls, so that it holds on a machine that others use too.
"""

import time

import torch

SIDE, NUM_PRODUCTS = 512, 300  # square matrices, large enough for full speed, small enough for a core's cache
LARGE, PIECE = 2**25, 2**20  # numbers in a vector, 128 MB, and in a piece of it, walked through one after the other


def measured():
    """{"float32", "bf16": FLOP per second of a matrix product; "memory": bytes per second of a triad}.

    A triad, a = b + 2 c, counts as 12 bytes a number.
    """
    return {"float32": _product(torch.float32), "bf16": _product(torch.bfloat16), "memory": _triad()}


def seconds(count, machine, precision):
    """The time {"dense", "least"} that a counts.Count takes where nothing but the `machine` holds it up."""
    moving = count.bytes / machine["memory"]
    return {"dense": max(count.dense_flop / machine[precision], moving),
            "least": max(count.least_flop / machine[precision], moving)}


def _product(dtype):
    a, b, out = (torch.ones(SIDE, SIDE, dtype=dtype) for _ in range(3))
    return 2 * SIDE**3 / min(_seconds(torch.mm, a, b, out=out) for _ in range(NUM_PRODUCTS))


def _triad():
    pieces = list(zip(*(torch.ones(LARGE).split(PIECE) for _ in range(3)), strict=True))
    return 12 * PIECE / min(_seconds(torch.add, b, c, alpha=2.0, out=a) for _ in range(3) for a, b, c in pieces)


def _seconds(call, *arguments, **options):
    start = time.perf_counter()
    call(*arguments, **options)
    return time.perf_counter() - start
