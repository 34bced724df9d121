"""Spikes as events: a split of recordings, and a batch of them sorted into time steps."""

import dataclasses
import math
from dataclasses import dataclass

import torch

from common.data import sorting


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
        counts, mask = (None if self.counts is None else self.counts[first:last],
                        None if self.mask is None else self.mask[start:stop])  # fmt: skip
        return EventBatch((stop - start, *self.shape[1:]), row_starts - first, self.units[first:last], counts, mask)

    def to(self, device):
        moved = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return EventBatch(**{name: value.to(device) if isinstance(value, torch.Tensor) else value
                             for name, value in moved.items()})  # fmt: skip


@dataclass(frozen=True)
class Binning:
    """How events become steps: an event falls into step floor(time / dt), and is dropped if that is num_steps or more.

    length: "fixed", num_steps for every sample, or "sample", up to and with its last event, num_steps at most; or
    "batch", as many as the longest of its batch, of which a shorter one leaves the first ones empty.
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

    def end(self):
        """Where reading stops, seconds."""
        return min(self.num_steps * self.dt_ms, self.window_ms or math.inf) / 1000


@dataclass(frozen=True)
class Augmentation:
    """A random change of each sample, each time it is asked for, drawn from torch's global generator.

        time <- (1 + a) time,  channel <- round(middle + (1 + c) (channel - middle)) + k

    with a ~ U(-scale_time, scale_time), c ~ U(-scale_channels, scale_channels), or both from one draw with
    `scale_together`, and k any whole number up to shift * num_units either way.  All in [0, 1).
    Unlike an affine transform of the dense image, it keeps the number of events (but for those that leave the
    channels), where an image is resampled and they grow with its area; and time is scaled from the onset, with the
    sample's length, where an image is scaled about its middle and cut to its old length.
    Source: NECOTIS/Stochastic-Parallelizable-Spiking-Neuron-SPSN@c46d169, shift .1 and scales of .3 together.
    """

    shift: float = 0.0
    scale_time: float = 0.0
    scale_channels: float = 0.0
    scale_together: bool = False

    def __post_init__(self):
        for key in ("shift", "scale_time", "scale_channels"):
            if not 0 <= getattr(self, key) < 1:
                raise ValueError(f"{key} must lie in [0, 1), got {getattr(self, key)}")

    def draw(self, num_samples, num_units):
        """Return (factors of time, factors of the channels, shifts of the channels), each float64 [num_samples]."""
        swing = 2 * torch.rand(2, num_samples, dtype=torch.float64) - 1
        limit = round(self.shift * num_units)
        shifts = torch.randint(-limit, limit + 1, (num_samples,)).double()
        channel_swing = swing[0] if self.scale_together else swing[1]
        return 1 + self.scale_time * swing[0], 1 + self.scale_channels * channel_swing, shifts


@dataclass(frozen=True, eq=False)
class Events:
    """Labelled recordings, all in memory, in one store of events that the splits of a set share.

    times: float32 [E], seconds, 0 or more.  units: int32 [E].  offsets: int64 [R + 1]: the events of recording r are
    offsets[r] to offsets[r + 1].  samples: int64 [S], the recordings of this split, or None: all, in order.
    labels, speakers: int64 [S].  device: where batches go; they are made on the CPU.
    """

    times: torch.Tensor
    units: torch.Tensor
    offsets: torch.Tensor
    labels: torch.Tensor
    speakers: torch.Tensor
    num_units: int
    binning: Binning
    augmentation: Augmentation | None = None
    samples: torch.Tensor | None = None
    device: str | torch.device = "cpu"

    def __len__(self):
        return len(self.labels)

    def to(self, device):
        return dataclasses.replace(self, device=device)

    def take(self, indices):
        """The Events at `indices`, an int64 tensor or a slice, of the same store."""
        samples = torch.arange(len(self)) if self.samples is None else self.samples
        return dataclasses.replace(self, samples=samples[indices], labels=self.labels[indices],
                                   speakers=self.speakers[indices])  # fmt: skip

    def cut_share(self):
        """Share of the store's events, of all splits, that come after the binning's end."""
        return (self.times >= self.binning.end()).double().mean().item()

    def batch(self, indices):
        """indices: int64 [B] or a slice -> (EventBatch, int64 labels [B])."""
        chosen = self.take(indices)
        spans = self.offsets[chosen.samples], self.offsets[chosen.samples + 1]
        changes = self.augmentation.draw(len(chosen), self.num_units) if self.augmentation else None
        events = _sorted_into_steps(self, spans, changes)
        return events.to(self.device), chosen.labels.to(self.device)


def _sorted_into_steps(events, spans, changes):
    """The EventBatch of the recordings at spans, (int64 [B] starts, int64 [B] stops), each changed as drawn."""
    binning, num_samples = events.binning, len(spans[0])
    if changes is None:
        changes = torch.ones(num_samples), torch.ones(num_samples), torch.zeros(num_samples)
    row_starts, units, lengths = sorting.into_steps(
        events.times.numpy(), events.units.numpy(), *(ends.numpy() for ends in spans),
        *(change.double().numpy() for change in changes), binning.dt_ms, binning.window_ms or math.inf,
        binning.num_steps, events.num_units, binning.length == "fixed", binning.length == "batch",
        binning.values == "binary")  # fmt: skip
    lengths = torch.from_numpy(lengths)
    num_steps = (len(row_starts) - 1) // num_samples if num_samples else binning.num_steps
    own = (torch.arange(num_steps)[:, None] < lengths).float() if binning.length == "sample" else None
    shape = (num_steps, num_samples, events.num_units)
    return EventBatch(shape, torch.from_numpy(row_starts), torch.from_numpy(units), mask=own)
