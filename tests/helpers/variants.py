"""What every loop over time is held to: layouts of a sequence [T, B, C, H, W] in memory, and variants of LIF."""

import itertools

import torch

from common.surrogate import ATan, FastSigmoid, Rectangle

LAYOUTS = {
    "channels_last": lambda x: x.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, x.shape[:2]),
    "time_last": lambda x: x.movedim(0, -1).contiguous().movedim(-1, 0),
    "every_other": lambda x: torch.stack([x, -x], dim=-1).flatten(-2)[..., ::2],
    "static": lambda x: x[0].expand_as(x),
}
SURROGATES = [FastSigmoid(10.0), ATan(2.0), Rectangle(0.5), Rectangle(0.5, -0.9)]
VARIANTS = list(itertools.product(["subtract", "zero"], [True, False], [True, False], SURROGATES))


def pairwise(*factors):
    """Few rows of the factors' product, in which any two factors take every pair of their values."""
    rows = list(itertools.product(*(range(len(factor)) for factor in factors)))
    pairs = {row: set(itertools.combinations(enumerate(row), 2)) for row in rows}
    missing, chosen = set().union(*pairs.values()), []
    while missing:
        chosen.append(max(rows, key=lambda row: len(pairs[row] & missing)))
        missing -= pairs[chosen[-1]]
    return [tuple(factor[k] for factor, k in zip(factors, row, strict=True)) for row in chosen]
