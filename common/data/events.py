"""Spikes as events: a split of recordings, and a batch of them sorted into time steps."""

import functools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch

from common.data import Split, report_times, sorting


@dataclass(frozen=True, eq=False)
class EventBatch:
    """A sequence [T, B, N] that is almost all zeros, as the events in it.

    The events of row t B + b are row_starts[row] to row_starts[row + 1] (int64 [T B + 1]).
    units: int32 [E], their inputs.  counts: float32 [E], how many events each stands for, or None: one each, and
    equal ones may stand side by side.  mask: float32 [T, B], 1 where a step is the sample's own, or None: all are.
    """

    shape: tuple
    row_starts: torch.Tensor
    units: torch.Tensor
    counts: torch.Tensor | None = None
    mask: torch.Tensor | None = None

    def dense(self):
        """The sequence, float32 [T, B, N]."""
        num_steps, num_samples, num_units = self.shape
        rows = torch.arange(num_steps * num_samples, device=self.units.device).repeat_interleave(self.row_starts.diff())
        values = torch.ones(len(self.units), device=self.units.device) if self.counts is None else self.counts
        sequence = torch.zeros(num_steps * num_samples * num_units, device=self.units.device)
        return sequence.index_add_(0, rows * num_units + self.units, values).view(self.shape)

    def steps(self, steps):
        """The batch of the `steps`, a slice, alone."""
        start, stop, _ = steps.indices(self.shape[0])
        row_starts = self.row_starts[start * self.shape[1] : stop * self.shape[1] + 1]
        first, last = row_starts[0], row_starts[-1]
        counts = None if self.counts is None else self.counts[first:last]
        mask = None if self.mask is None else self.mask[start:stop]
        return EventBatch((stop - start, *self.shape[1:]), row_starts - first, self.units[first:last], counts, mask)

    def to(self, device):
        return EventBatch(self.shape, *(None if part is None else part.to(device)
                                        for part in (self.row_starts, self.units, self.counts, self.mask)))


@dataclass(frozen=True)
class Binning:
    """How events become steps: an event falls into step floor(time / dt), and is dropped if that is num_steps or more.

    The edges of the steps are rounded to float32, as times are, so that an event on one is in the step that begins; of
    float16, which is coarser, each time counts as the number that it is.
    length: "fixed", num_steps for every sample; "sample", to the step of its last event, num_steps at most; or "batch",
    as the longest sample of its batch, where shorter ones begin with empty steps.
    values: "count", the events of a channel in one step add up, or "binary", they count once.
    window_ms: where to stop reading a recording; 0: at its end.
    """

    dt_ms: float
    num_steps: int
    length: str = "fixed"
    values: str = "count"
    window_ms: float = 0

    def __post_init__(self):
        if not 0 < self.dt_ms < math.inf:
            raise ValueError(f"dt_ms must exceed 0 and be finite, got {self.dt_ms}")
        if not (isinstance(self.num_steps, int) and self.num_steps >= 1):
            raise ValueError(f"num_steps must be a whole number, 1 or more, got {self.num_steps}")
        if self.length not in ("fixed", "sample", "batch"):
            raise ValueError(f'length must be "fixed", "sample" or "batch", got {self.length!r}')
        if self.values not in ("count", "binary"):
            raise ValueError(f'values must be "count" or "binary", got {self.values!r}')
        if not 0 <= self.window_ms < math.inf:
            raise ValueError(f"window_ms must be 0 or more and finite, got {self.window_ms}")

    @functools.cached_property
    def edges(self):
        """Where the steps begin and the last one ends, float32 [num_steps + 1], seconds."""
        return np.array(sorting.edges(self.dt_ms, self.num_steps, Fraction(1, 1000)), np.float32)

    @functools.cached_property
    def window(self):
        """Where reading a recording stops, seconds, as float32 has them."""
        return float(np.float32(self.window_ms / 1000 if self.window_ms else math.inf))


@dataclass(frozen=True, eq=False)
class Events(Split):
    """Labelled recordings, all in memory, in one store of events that the splits of a set share.

    times: float32 [E], seconds, 0 or more.  units: int32 [E].  offsets: int64 [R + 1]: the events of recording r are
    offsets[r] to offsets[r + 1].  samples: int64 [S], the recordings of this split, or None: all, in order.
    labels, speakers: int64 [S].  augmentation: a SpokenDigitsAugmentation, or None.  device: where batches go; they
    are made on the CPU.
    """

    PER_SAMPLE = ("samples", "labels", "speakers")

    times: torch.Tensor
    units: torch.Tensor
    offsets: torch.Tensor
    labels: torch.Tensor
    speakers: torch.Tensor
    num_units: int
    binning: Binning
    augmentation: object = None
    samples: torch.Tensor | None = None
    device: str | torch.device = "cpu"

    def __post_init__(self):
        if self.samples is None:
            object.__setattr__(self, "samples", torch.arange(len(self.labels)))

    def report_times(self, name):
        """data.report_times of the store's recordings, which all splits share."""
        times, starts = self.times.numpy(), self.offsets[:-1][self.offsets.diff() > 0].numpy()
        lasting = np.maximum.reduceat(times, starts) if len(starts) else times
        end = min(self.binning.window, self.binning.edges[-1].item())
        report_times(name, "s", lasting, (times >= end).sum(), len(times), end)

    def batch(self, indices):
        """indices: int64 [B] or a slice -> (EventBatch, int64 labels [B])."""
        chosen, binning = self.take(indices), self.binning
        num_samples = len(chosen)
        spans = self.offsets[chosen.samples], self.offsets[chosen.samples + 1]
        if self.augmentation:
            changes = self.augmentation.draw(num_samples, self.num_units)
        else:
            ones = torch.ones(num_samples, dtype=torch.float64)
            changes = ones, ones, 0 * ones
        row_starts, units, lengths = map(torch.from_numpy, sorting.into_steps(
            *(part.numpy() for part in (self.times, self.units, *spans, *changes)), binning.edges, binning.window,
            self.num_units, binning.length == "fixed", binning.length == "batch", binning.values == "binary"))
        num_steps = (len(row_starts) - 1) // num_samples if num_samples else binning.num_steps
        own = (torch.arange(num_steps)[:, None] < lengths).float() if binning.length == "sample" else None
        events = EventBatch((num_steps, num_samples, self.num_units), row_starts, units, mask=own)
        return events.to(self.device), chosen.labels.to(self.device)
