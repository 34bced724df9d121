"""A few recordings of events, by hand and at random."""

import torch

from common.data.events import Events


def made(recordings, binning, num_units=5, augmentation=None):
    """Events of recordings, each a list of (seconds, unit); recording k has label k and speaker 10 + k."""
    times = torch.tensor([time for events in recordings for time, _ in events], dtype=torch.float32)
    units = torch.tensor([unit for events in recordings for _, unit in events], dtype=torch.int32)
    offsets = torch.tensor([0, *map(len, recordings)]).cumsum(0)
    labels = torch.arange(len(recordings))
    return Events(times, units, offsets, labels, labels + 10, num_units, binning, augmentation)


def random_events(binning, seed=3, num_samples=6, augmentation=None):
    """Recordings of 0 to 40 events that share bins, at float16 times up to 60 ms, not in order."""
    generator = torch.Generator().manual_seed(seed)
    recordings = []
    for num_events in [0, *torch.randint(1, 41, (num_samples - 1,), generator=generator).tolist()]:
        times = (0.06 * torch.rand(num_events, generator=generator)).half().float()
        units = torch.randint(0, 5, (num_events,), generator=generator)
        recordings.append(list(zip(times.tolist(), units.tolist(), strict=True)))
    return recordings, made(recordings, binning, augmentation=augmentation)
