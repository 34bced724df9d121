"""Networks whose convolutions and linear layers compute in bfloat16, all else in single precision.

The weights, their updates, norms and neurons stay in float32: a connection's inputs and weights are rounded to
bfloat16, 8 significant bits (spikes and binarized weights are exact), its products are summed in float32, and the sums
rounded again.
A net's `precision` is "float32" or "bf16", whose gain needs a CPU with AMX or AVX-512 BF16, or a GPU.
"""

import functools
import sys

import torch

from common.sequence import UNRECORDED, full


def check(precision):
    """ValueError for a precision of another name; warns of "bf16" on a CPU that has no instructions for it (no GPU)."""
    if precision not in ("float32", "bf16"):
        raise ValueError(f"precision must be 'float32' or 'bf16', got {precision!r}")
    if precision == "bf16" and not torch.cuda.is_available():
        _warn_if_slow()


@functools.cache
def _warn_if_slow():
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {"bf16": True}
    if not any(known.get(feature) for feature in ("amx_bf16", "avx512_bf16", "bf16")):
        print("warning: this CPU has no instructions for bfloat16; precision=float32 is faster here", file=sys.stderr)


def autocast(forward):
    """Decorates the forward(self, x, record) of a net: its connections in bfloat16 if self.precision is "bf16"."""

    @functools.wraps(forward)
    def in_precision(self, x, record=UNRECORDED):
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            return full(forward(self, x, record))

    return in_precision
