"""Leaky integrate-and-fire neurons."""

import torch
from torch import nn

from common.neurons.carry import lif_from
from common.recurrence import LIFConstants, lif, lif_spikes


class LIF(nn.Module):
    """Leaky integrate-and-fire neurons.

        u[t] = beta u[t-1] + x[t] - theta s[t-1]          reset="subtract": theta comes off, undecayed, at the next step
        u[t] = beta u[t-1] (1 - s[t-1]) + x[t]            reset="zero"
        s[t] = 1 if u[t] > theta else 0                   spike

    beta: decay per step, in (0, 1).  threshold: theta > 0, in units of u; a buffer, so that annealing
    moves it and a checkpoint keeps it.  surrogate: ds/du, see common.surrogate.  detach_reset: False
    lets the gradient pass through the reset.  ValueError for values outside these.
    Source: snnTorch `Leaky`, reset_mechanism="subtract"; reset="zero" with detach_reset=False: STBP (Wu et al. 2018).
    """

    def __init__(self, beta, threshold, surrogate, reset="subtract", detach_reset=True):
        super().__init__()
        if not 0 < beta < 1:
            raise ValueError(f"beta must lie in (0, 1), got {beta}")
        if not threshold > 0:
            raise ValueError(f"threshold must exceed 0, got {threshold}")
        if reset not in ("subtract", "zero"):
            raise ValueError(f"reset must be 'subtract' or 'zero', got {reset!r}")
        self.beta, self.surrogate, self.reset, self.detach_reset = beta, surrogate, reset, detach_reset
        self.register_buffer("threshold", torch.tensor(float(threshold)))

    def forward(self, current):
        """current [T, B, ...] -> spikes [T, B, ...], each 0 or 1."""
        return lif_spikes(current, *self.constants())

    def trace(self, current):
        """current [T, B, ...] -> (spikes, membrane before the reset), both [T, B, ...]."""
        return lif(current, *self.constants())

    def continued(self, current, carry):
        """current [T, B, ...] -> (spikes, carry), going on from `carry`; see common.neurons.carry."""
        return lif_from(carry, current, self.constants())

    def constants(self):
        return LIFConstants(self.beta, 1.0, self.threshold, self.surrogate, self.reset, self.detach_reset)

    def extra_repr(self):
        return f"beta={self.beta}, threshold={self.threshold.item():.4g}, {self.surrogate}, reset={self.reset!r}"
