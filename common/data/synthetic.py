"""Data made from a seed."""

import hashlib
from dataclasses import dataclass

import torch

from common.data import Data, Split
from common.data.events import Events

NUM_DIGITS = 20  # classes of spoken_digits; class 2 k + 1 is class 2 k backwards
NUM_CHANNELS = 700
NUM_SPEAKERS = 6
NUM_FORMANTS = 3
WORDS_SEED = 20  # formants and voices are drawn with it, for every split alike


@dataclass(frozen=True, eq=False)
class SpikeTrains(Split):
    """Labelled spike trains, all in memory.  trains: float32 [S, T, N], each 0 or 1.  labels: int64 [S]."""

    trains: torch.Tensor
    labels: torch.Tensor

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
              for seed, train in zip(seeds, trains, strict=True)}
    return Data(samples, samples, samples, (num_inputs,), 1, "Bernoulli spike trains", False, hashes)


def spoken_digits(num_samples, seed, speakers, binning):
    """Events like those of a cochlea that hears digits: formants that move over its channels while a word lasts.

        time = onset + duration p,   channel = formant(p) + voice + jitter + N(0, 15),   p ~ U(0, 1) for each event

    A class is three formants, each a curve through four points at p = 0, 1/3, 2/3, 1; class 2 k + 1 is class 2 k
    backwards, so that the events per channel do not tell the two apart.  A speaker has a voice (a shift of the
    channels), a tempo (words of .4 to 1 s) and a density (about 1,500 events a word), from which each sample departs
    at random; one event in four is noise on any channel.  Classes as even as can be; times are rounded to float16.

    speakers: those who speak, of range(NUM_SPEAKERS).  The same samples for the same seed.
    """
    generator = torch.Generator().manual_seed(seed)
    labels = (torch.arange(num_samples) % NUM_DIGITS)[torch.randperm(num_samples, generator=generator)]
    speaker = torch.tensor(speakers)[torch.randint(len(speakers), (num_samples,), generator=generator)]
    formants, voice, duration, density = _words()
    num_events, duration, onset, shift = _utterances(voice, duration, density, speaker, generator)
    word = torch.arange(num_samples).repeat_interleave(num_events)  # the sample of each event
    phase = torch.rand(len(word), generator=generator, dtype=torch.float64)
    phase = (word + phase).sort().values - word  # ascending within a word
    times = (onset[word] + duration[word] * phase).half().float()
    backwards = labels[word] % 2 == 1
    place = 3 * torch.where(backwards, 1 - phase, phase)
    left = place.long().clamp(0, 2)
    formant = torch.randint(NUM_FORMANTS, (len(word),), generator=generator)
    start, stop = (formants[labels[word] // 2, formant, left + k] for k in (0, 1))
    channel = start + (stop - start) * (place - left) + shift[word]
    channel += 15 * torch.randn(len(word), generator=generator)
    noise = torch.rand(len(word), generator=generator) < 0.25
    channel = torch.where(noise, NUM_CHANNELS * torch.rand(len(word), generator=generator), channel)
    units = channel.clamp(0, NUM_CHANNELS - 1).int()
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), num_events.cumsum(0)])
    return Events(times, units, offsets, labels, speaker, NUM_CHANNELS, binning)


def _words():
    """(formants [NUM_DIGITS / 2, 3, 4], each speaker's voice, duration and density), the same in every run."""
    generator = torch.Generator().manual_seed(WORDS_SEED)
    middles = torch.tensor([180.0, 350.0, 520.0])[:, None]
    formants = middles + 80 * (2 * torch.rand(NUM_DIGITS // 2, NUM_FORMANTS, 4, generator=generator) - 1)
    order = torch.randperm(NUM_SPEAKERS, generator=generator) / (NUM_SPEAKERS - 1)
    voice, duration, density = 60 * (order - 0.5), 0.85 - 0.3 * order, 1300 + 400 * order.flip(0)
    return formants, voice, duration, density


def _utterances(voice, duration, density, speaker, generator):
    """(number of events, duration, onset, shift of the channels) of each sample."""
    vary = torch.randn(4, len(speaker), generator=generator).clamp(-2, 2)
    num_events = (density[speaker] * (1 + 0.15 * vary[0])).long()
    return num_events, duration[speaker] * (1 + 0.1 * vary[1]), 0.02 + 0.005 * vary[2], voice[speaker] + 25 * vary[3]
