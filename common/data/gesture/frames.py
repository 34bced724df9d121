"""Recordings of an event camera as sequences of frames, that count each pixel's events of either polarity."""

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from numba import njit

from common.data import Split, sorting

SIDE = 128  # pixels of the sensor, either way
SMALLEST = 1e-5  # divisor of max, norm (a variance) and sum; as SpikingJelly
RESOLUTION = 1000  # us, of the times in a recording: a frame's duration is no shorter
SPLITS = ("number", "time", "dt")
NUMBER, TIME, DT = range(3)  # the compiled code's numbers for SPLITS
DONE, FULL = -1, -2  # count_events returns one of these, or the index of a bad event
KINDS = (np.uint8, np.uint16, np.uint32)  # types of counts; the first that holds them is used


def _none(frames, durations):
    return frames


def _frequency(frames, durations):
    """Events per second."""
    return frames / (durations.clamp(min=RESOLUTION) / 1e6)[..., None, None, None]


def _max(frames, durations):
    return frames / frames.amax((-2, -1), keepdim=True).clamp(min=SMALLEST)


def _norm(frames, durations):
    variance, mean = torch.var_mean(frames, (-2, -1), keepdim=True)
    return (frames - mean) / variance.clamp(min=SMALLEST).sqrt()


def _sum(frames, durations):
    return frames / frames.sum((-2, -1), keepdim=True).clamp(min=SMALLEST)


NORMALIZATIONS = {"none": _none, "frequency": _frequency, "max": _max, "norm": _norm, "sum": _sum}


@dataclass(frozen=True)
class Framing:
    """How the events of a recording become num_steps frames [2, H, W] of counts.

    split_by: "number", frame j has the events N // T j to N // T (j + 1);
      "time", those in [t0 + D j, t0 + D (j + 1)), D = (t_last - t0) // T in us; both leave the rest to the last frame;
      "dt", those in [t0 + dt_ms j, t0 + dt_ms (j + 1)), where what is later is dropped and frames may stay empty.
    t0 is the time of the recording's first event.  dt_ms: of "dt", else None.
    normalization, of each frame and polarity: "none", "max" (divided by its largest count), "norm" (mean 0, variance
    1), "sum" (divided by its events), or "frequency": events per second of the frame's own duration, which for
    "number" ends with the next frame's first event.  downsample: pixel (x, y) counts at (x // downsample, y //
    downsample); it divides 128.
    Source: SpikingJelly, integrate_events_to_frames; its frequencies are per us.
    """

    split_by: str
    num_steps: int
    dt_ms: float | None = None
    normalization: str = "none"
    downsample: int = 1

    def __post_init__(self):
        if self.split_by not in SPLITS:
            raise ValueError(f"split_by must be one of {list(SPLITS)}, got {self.split_by!r}")
        if not (isinstance(self.num_steps, int) and self.num_steps >= 1):
            raise ValueError(f"num_steps must be a whole number, 1 or more, got {self.num_steps}")
        if (self.split_by == "dt") != (self.dt_ms is not None):
            raise ValueError(f"dt_ms goes with split_by=dt, got {self.dt_ms} with split_by={self.split_by}")
        if self.dt_ms is not None and not 0 < self.dt_ms < math.inf:
            raise ValueError(f"dt_ms must exceed 0 and be finite, got {self.dt_ms}")
        if self.normalization not in NORMALIZATIONS:
            raise ValueError(f"normalization must be one of {list(NORMALIZATIONS)}, got {self.normalization!r}")
        if not (isinstance(self.downsample, int) and self.downsample >= 1 and SIDE % self.downsample == 0):
            raise ValueError(f"downsample must be a whole number that divides {SIDE}, got {self.downsample}")

    @functools.cached_property
    def edges(self):
        """Where the frames of "dt" begin and the last one ends, int64 [num_steps + 1], us after the first event.

        Times are whole us: an event at or after an edge between two of them is at or after the later one.
        """
        return np.array([math.ceil(edge) for edge in sorting.edges(self.dt_ms or 0, self.num_steps, 1000)])

    @property
    def shape(self):
        """(T, 2, H, W), that of a recording's frames."""
        return self.num_steps, 2, SIDE // self.downsample, SIDE // self.downsample

    def count(self, events, frames, durations):
        """count_events of a recording."""
        durations[:] = 1000 * (self.dt_ms or 0.0)
        return count_events(events, SPLITS.index(self.split_by), self.edges, self.downsample, frames, durations)

    def normalise(self, frames, durations):
        """frames: float32 [..., 2, H, W] of counts.  durations: float32 [...], us.  -> float32 [..., 2, H, W]"""
        return NORMALIZATIONS[self.normalization](frames, durations)


@njit(cache=True, error_model="numpy")
def count_events(events, split, edges, downsample, frames, durations):
    """Add a recording to zeroed `frames`, unsigned [T, P, H, W], and fill `durations`, float64 [T], us, but for DT.

    events: int64 [N, 4], x, y, polarity and time in us.  split: NUMBER, TIME or DT.  See Framing.
    Returns DONE, the index of the first event off the sensor, or FULL if a count exceeds the type of `frames`.
    """
    num_steps, num_polarities, height, width = frames.shape
    num_events = len(events)
    if not num_events:
        return DONE
    start, end = events[:, 3].min(), events[:, 3].max()
    part = num_events // num_steps if split == NUMBER else (end - start) // num_steps
    if split == TIME:
        durations[:] = part
        durations[-1] = end - start - part * (num_steps - 1)
    elif split == NUMBER:
        for step in range(num_steps):
            after = num_events - 1 if step == num_steps - 1 else (step + 1) * part
            durations[step] = events[after, 3] - events[step * part, 3]
    for k in range(num_events):
        x, y, polarity, time = events[k]
        if not (0 <= x < width * downsample and 0 <= y < height * downsample and 0 <= polarity < num_polarities):
            return k
        if split == DT:
            step = sorting.step_of(time - start, edges)
            if step == num_steps:
                continue
        else:
            place = k if split == NUMBER else time - start
            step = min(place // part, num_steps - 1) if part else num_steps - 1
        frames[step, polarity, y // downsample, x // downsample] += 1
        if frames[step, polarity, y // downsample, x // downsample] == 0:
            return FULL
    return DONE


@dataclass(frozen=True, eq=False)
class Frames(Split):
    """Labelled recordings as frames.  labels, users: int64 [S].  samples: int64 [S], their numbers in `store`.

    store: what has the counts; store.read(samples, labels) -> (counts, integers [B, T, 2, H, W], their durations
    float64 [B, T] in us, labels).  device: where batches go.
    """

    PER_SAMPLE = ("labels", "users", "samples")

    labels: torch.Tensor
    users: torch.Tensor
    samples: torch.Tensor
    store: object
    framing: Framing
    device: str | torch.device = "cpu"

    def batch(self, indices):
        """indices: int64 [B] or a slice -> (float32 frames [B, T, 2, H, W], int64 labels [B]).

        In memory time is first, so that the sequence [T, B, 2, H, W] of them is no copy.
        """
        chosen = self.take(indices)
        counts, durations, labels = self.store.read(chosen.samples.numpy(), chosen.labels)
        counts = torch.from_numpy(counts).to(self.device).transpose(0, 1)
        frames = counts.to(torch.float32, memory_format=torch.contiguous_format)
        durations = torch.from_numpy(durations).float().to(self.device).T
        return self.framing.normalise(frames, durations).transpose(0, 1), labels.to(self.device)
