"""Data made from a seed."""

import hashlib
from dataclasses import dataclass

import torch

from common.data import Data


@dataclass(frozen=True, eq=False)
class SpikeTrains:
    """Labelled spike trains, all in memory.  trains: float32 [S, T, N], each 0 or 1.  labels: int64 [S]."""

    trains: torch.Tensor
    labels: torch.Tensor

    def __len__(self):
        return len(self.labels)

    def to(self, device):
        return SpikeTrains(self.trains.to(device), self.labels.to(device))

    def batch(self, indices):
        """indices: int64 [B] -> (spike trains [B, T, N], labels [B])."""
        return self.trains[indices], self.labels[indices]


def bernoulli_train(num_steps, num_inputs, seed):
    """Spikes [T, N], each Bernoulli(p) with p ~ U(0, 1) of its own.  Source: snn-tha@f9c0b51, its spike-timing task."""
    generator = torch.Generator().manual_seed(seed)
    return torch.bernoulli(torch.rand(num_steps, num_inputs, generator=generator), generator=generator)


def spike_timing(num_steps, num_inputs, spike_time, seeds):
    """Data whose sample k is the one input of the trial with seeds[k], labelled with the step to spike at."""
    if not spike_time < num_steps:
        raise ValueError(f"spike_time must be below num_steps = {num_steps}, got {spike_time}")
    trains = torch.stack([bernoulli_train(num_steps, num_inputs, seed) for seed in seeds])
    samples = SpikeTrains(trains, torch.full((len(seeds),), spike_time))
    hashes = {f"seed {seed}": hashlib.sha256(train.numpy().tobytes()).hexdigest()
              for seed, train in zip(seeds, trains, strict=True)}  # fmt: skip
    return Data(samples, samples, samples, (num_inputs,), 1, "Bernoulli spike trains", False, hashes)
