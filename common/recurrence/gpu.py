"""Triton's loops for a GPU, imported when its first current arrives: that takes a while."""

import functools
import importlib

import torch


def can_run(current):
    """Whether the kernels know this device and dtype, and Triton is there."""
    return current.device.type == "cuda" and current.dtype in (torch.float32, torch.float64) and has_triton()


@functools.cache
def has_triton():
    try:
        importlib.import_module("triton")
    except ImportError:
        return False
    return True


def load(name):
    """The module common.recurrence.`name`, which imports triton."""
    return importlib.import_module(f"common.recurrence.{name}")
