"""Batch norm of every step of a sequence by its own statistics."""

import torch
from torch import nn

from common.kernels import compiled
from common.kernels.norm_step import norm_batch, norm_steps


class StepBatchNorm2d(nn.BatchNorm2d):
    """nn.BatchNorm2d of each step of a current [T, B, C, H, W], as if it were called T times; compiled on the CPU.

    While training, a step is normalised by its own statistics over [B, H, W], and the running ones move once a step.
    """

    def forward(self, current):
        """current [T, B, C, H, W] -> the same shape."""
        if not self.training:
            return super().forward(current.flatten(0, 1)).unflatten(0, current.shape[:2])
        if not compiled.can_run(current):
            norm = super().forward
            return torch.stack([norm(step) for step in current])
        normalised, mean, variance = norm_steps(current, self.weight, self.bias, self.eps)
        self.move_statistics(mean, variance)
        return normalised

    def static(self, current, num_steps):
        """current [B, C, H, W] of every step -> the same shape; the running statistics move `num_steps` times."""
        if not self.training:
            return super().forward(current)
        normalised, mean, variance = norm_batch(current, self.weight, self.bias, self.eps)
        self.move_statistics(mean.expand(num_steps, -1), variance.expand(num_steps, -1))
        return normalised

    @torch.no_grad()
    def move_statistics(self, mean, variance):
        """The running statistics after steps of this mean and variance (n - 1), both [T, C], normalised elsewhere."""
        num_steps, kept = len(mean), 1 - self.momentum
        weights = kept ** torch.arange(num_steps - 1, -1, -1, dtype=mean.dtype, device=mean.device)[:, None]
        for running, values in ((self.running_mean, mean), (self.running_var, variance)):
            running.mul_(kept**num_steps).add_((self.momentum * weights * values).sum(0))
        self.num_batches_tracked += num_steps
