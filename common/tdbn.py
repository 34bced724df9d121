"""Threshold-dependent batch norm."""

import torch
from torch import nn
from torch.nn import functional as F


class TDBatchNorm2d(nn.BatchNorm2d):
    """Batch norm of currents over time, batch and space, scaled to the neurons' firing threshold.

        y = lambda_c alpha theta (x - mean_c) / sqrt(var_c + eps) + beta_c

    so that y is distributed as N(0, (alpha theta)^2) at the start.  lambda (`weight`) is 1 and beta (`bias`) 0 at
    first; mean and variance are a channel's over [T, B, H, W] while training, else running ones, as nn.BatchNorm2d's.
    channels: of the currents.  threshold: theta > 0, in units of the membrane.  alpha: > 0; 1, or 1 / sqrt(2) where
    two paths meet, in whose sum the variances add.  ValueError for values outside these.
    Source: Zheng et al. 2020 (arXiv 2011.05280).
    """

    def __init__(self, channels, threshold, alpha=1.0):
        super().__init__(channels)
        if not threshold > 0 or not alpha > 0:
            raise ValueError(f"threshold and alpha must exceed 0, got {threshold} and {alpha}")
        self.threshold, self.alpha = threshold, alpha

    def forward(self, current):
        """current [T, B, C, H, W] -> the same shape; normalised once if it is static, and again static."""
        num_steps = len(current)
        if self.training:
            self.num_batches_tracked += 1
        if current.stride(0) != 0:
            return self._norm(current.flatten(0, 1), self.running_var).unflatten(0, current.shape[:2])
        moved = self.running_var.clone()
        once = self._norm(current[0], moved)
        if self.training:  # the variance of T times as many values, of which n - 1 count
            kept, count = (1 - self.momentum) * self.running_var, once[:, 0].numel()
            self.running_var.copy_(kept + (moved - kept) * (num_steps * (count - 1) / (num_steps * count - 1)))
        return once.expand(num_steps, *once.shape)

    def _norm(self, x, running_var):
        """x [N, C, H, W] -> the same shape; the running statistics move."""
        return F.batch_norm(x, self.running_mean, running_var, self.scale, self.bias, self.training,
                            self.momentum, self.eps)  # fmt: skip

    @property
    def scale(self):
        """What the normalised currents are multiplied by, [C]."""
        return self.alpha * self.threshold * self.weight

    @torch.no_grad()
    def move_statistics(self, mean, variance):
        """The running statistics after a batch of this mean and variance (n - 1), both [C], normalised elsewhere."""
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)

    def extra_repr(self):
        return f"{self.num_features}, threshold={self.threshold:.4g}, alpha={self.alpha:.4g}"
