"""Random tensors of a fixed seed."""

import torch


def uniform(*shape, low=0.0, high=1.0, dtype=torch.float64, seed=0):
    return low + (high - low) * torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def normal(*shape, mean=0.0, std=1.0, dtype=torch.float64, seed=0):
    return mean + std * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
