"""Leaky integrate-and-fire neurons that learn their membrane time constant."""

import math

import torch
from torch import nn

from common.recurrence import LIFConstants, lif, lif_spikes
from common.surrogate import ATan


class PLIF(nn.Module):
    """Parametric leaky integrate-and-fire neurons.

        u[t] = v[t-1] + (x[t] - v[t-1]) / tau          membrane, v[-1] = 0
        s[t] = 1 if u[t] >= theta else 0               spike
        v[t] = u[t] (1 - s[t])                         reset to zero, in the same step
        1 / tau = sigmoid(w),   w learnt

    init_tau: tau at first, steps, > 1.  shape: () for one tau; that of one step of one sample, (C, H, W) or (N,),
    for one per neuron.  tau_std: standard deviation of tau at first, steps, >= 0: tau = 1 + LogNormal of mean
    init_tau - 1, so that none is below 1; drawn by torch's generator.  surrogate: ds/du, by default ATan(2).
    threshold: theta > 0, a buffer, as LIF's.  detach_reset: False lets the gradient pass through the reset.
    learn: False keeps w.  ValueError for values outside these.
    Source: Fang et al. 2021 (arXiv 2007.05785); one tau per neuron:
    Anananas42/tu-delft-bsc-thesis-computer-science@f7b139b, Eq. 13.
    """

    def __init__(self, init_tau=2.0, surrogate=None, shape=(), tau_std=0.0, threshold=1.0, detach_reset=True,
                 learn=True):
        super().__init__()
        if not 1 < init_tau < math.inf:
            raise ValueError(f"init_tau must exceed 1 step and be finite, got {init_tau}")
        if not 0 <= tau_std < math.inf:
            raise ValueError(f"tau_std must be 0 or more and finite, got {tau_std}")
        if not 0 < threshold < math.inf:
            raise ValueError(f"threshold must exceed 0 and be finite, got {threshold}")
        self.surrogate, self.detach_reset = surrogate or ATan(), detach_reset
        self.register_buffer("threshold", torch.tensor(float(threshold)))
        mean = init_tau - 1
        spread = math.log(1 + (tau_std / mean) ** 2)  # the variance of log(tau - 1) = -w
        w = torch.full(shape, spread / 2 - math.log(mean))
        if tau_std:
            w += math.sqrt(spread) * torch.randn(shape)
        self.w = nn.Parameter(w, requires_grad=learn)

    @property
    def tau(self):
        """Steps, of the shape of w."""
        return 1 + torch.exp(-self.w)

    def forward(self, current):
        """current [T, B, ...] -> spikes [T, B, ...], each 0 or 1."""
        return lif_spikes(current, *self.constants())

    def trace(self, current):
        """current [T, B, ...] -> (spikes, membrane before the reset), both [T, B, ...]."""
        return lif(current, *self.constants())

    def constants(self):
        decay, gain = torch.sigmoid(-self.w), torch.sigmoid(self.w)
        return LIFConstants(decay, gain, self.threshold, self.surrogate, "zero", self.detach_reset, inclusive=True)

    def extra_repr(self):
        shape = f" on average, shape={tuple(self.w.shape)}" if self.w.ndim else ""
        return f"tau={self.tau.mean().item():.4g}{shape}{', learnt' if self.w.requires_grad else ''}"
