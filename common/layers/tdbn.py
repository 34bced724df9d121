"""Threshold-dependent batch norm."""

import torch
from torch import nn
from torch.nn import functional as F

from common.kernels.norm_step import norm_batch
from common.sequence import is_static


class TDBatchNorm2d(nn.BatchNorm2d):
    """Batch norm of currents over time, batch and space, scaled to the neurons' initial firing threshold.

        y = lambda_c alpha theta (x - mean_c) / sqrt(var_c + eps) + beta_c

    so that y is distributed as N(0, (alpha theta)^2) at the start.  lambda (`weight`) is 1 and beta (`bias`) 0 at
    first; mean and variance are a channel's over [T, B, H, W] while training, else running ones, as nn.BatchNorm2d's.
    channels: of the currents.  threshold: theta > 0, in units of the membrane; a threshold_schedule does not move it.
    alpha: > 0; 1, or 1 / sqrt(2) where two paths meet, in whose sum the variances add.  ValueError for values outside
    these.
    Source: Zheng et al. 2020 (arXiv 2011.05280).
    """

    def __init__(self, channels, threshold, alpha=1.0):
        super().__init__(channels)
        if not threshold > 0 or not alpha > 0:
            raise ValueError(f"threshold and alpha must exceed 0, got {threshold} and {alpha}")
        self.threshold, self.alpha = threshold, alpha

    def forward(self, current):
        """current [T, B, C, H, W] -> the same shape; normalised once if it is static, and again static."""
        num_repeats = len(current) if is_static(current) else 1
        x = current[0] if num_repeats > 1 else current.flatten(0, 1)
        if self.training:
            normalised, mean, variance = norm_batch(x, self.scale, self.bias, self.eps)
            num_values = x[:, 0].numel()  # per channel; the running variance (n - 1) is over num_repeats times as many
            self.move_statistics(mean, variance * (num_repeats * (num_values - 1) / (num_repeats * num_values - 1)))
        else:
            normalised = F.batch_norm(x, self.running_mean, self.running_var, self.scale, self.bias, eps=self.eps)
        if num_repeats > 1:
            return normalised.expand(num_repeats, *normalised.shape)
        return normalised.unflatten(0, current.shape[:2])

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
