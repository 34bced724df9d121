"""Random changes of a recording's events, by tonic's transforms, and a shift, which tonic has not."""

import contextlib
from dataclasses import dataclass

import numpy as np
import torch

from common.data.gesture.frames import SIDE

MIRRORED = (0, 2, 1, 6, 5, 4, 3, 7, 8, 9, 10)  # waves change hands; a right arm clockwise, a left arm counter-clockwise
SENSOR = (SIDE, SIDE, 2)
FIELDS = np.dtype([(name, "i8") for name in "xypt"])
EXACT = np.dtype([(name, "f8") for name in "xypt"])  # for jitter: tonic cuts off what a type does not hold


@dataclass(frozen=True)
class GestureAugmentation:
    """A random change of each recording, each time it is read, all off by default, in this order.

    shift_pixels: the whole recording is moved, up to so many pixels along x and along y.  A whole number, 0 or more.
    drop: a fraction of the events, drawn from 0 to this, is left out.  In [0, 1).
    jitter_pixels, jitter_ms: standard deviation by which each event is moved; what leaves the sensor is left out.
    noise: so many events are added, anywhere on the sensor and in the recording's time.
    flip_lr: every other recording, on average, is mirrored left to right, and its label is that of the mirrored
    gesture: only for DVS128 Gesture's classes.
    The numbers come from torch's global generator, or from a generator that one of its numbers seeds.
    """

    flip_lr: bool = False
    jitter_pixels: float = 0.0
    jitter_ms: float = 0.0
    drop: float = 0.0
    noise: int = 0
    shift_pixels: int = 0

    def __post_init__(self):
        if not 0 <= self.drop < 1:
            raise ValueError(f"drop must lie in [0, 1), got {self.drop}")
        for key in ("jitter_pixels", "jitter_ms"):
            if not 0 <= getattr(self, key) < np.inf:
                raise ValueError(f"{key} must be 0 or more and finite, got {getattr(self, key)}")
        for key in ("noise", "shift_pixels"):
            if not (isinstance(getattr(self, key), int) and getattr(self, key) >= 0):
                raise ValueError(f"{key} must be a whole number, 0 or more, got {getattr(self, key)}")

    def __call__(self, events, label):
        """events: int64 [N, 4], x, y, polarity and us, in time's order -> (the same, changed; the label)."""
        from tonic import transforms  # only here: it takes a second

        flip = self.flip_lr and torch.rand(()).item() < 0.5
        if self.shift_pixels:
            shift = torch.randint(-self.shift_pixels, self.shift_pixels + 1, (2,)).tolist()
            events = events + np.array([*shift, 0, 0])
        with _seeded(torch.randint(2**32, ()).item()):
            fields = np.ascontiguousarray(events).view(FIELDS)[:, 0]
            for transform in self._transforms(transforms, flip):
                fields = transform(fields)
        changed = np.column_stack([fields[name] for name in FIELDS.names])
        inside = ((changed[:, :2] >= 0) & (changed[:, :2] < SIDE)).all(1)
        return changed[inside], MIRRORED[label] if flip else label

    def _transforms(self, transforms, flip):
        if self.drop:
            yield transforms.DropEvent(p=(0.0, self.drop))
        yield lambda fields: fields.astype(EXACT)
        if self.jitter_pixels:
            yield transforms.SpatialJitter(SENSOR, self.jitter_pixels**2, self.jitter_pixels**2)
        if self.jitter_ms:
            yield transforms.TimeJitter(1000 * self.jitter_ms, clip_negative=False, sort_timestamps=True)
        yield _rounded
        if self.noise:
            yield transforms.UniformNoise(SENSOR, self.noise)
        if flip:
            yield transforms.RandomFlipLR(SENSOR, p=1.0)


def _rounded(fields):
    whole = np.empty(len(fields), FIELDS)
    for name in FIELDS.names:
        whole[name] = np.rint(fields[name])
    return whole


@contextlib.contextmanager
def _seeded(seed):
    """numpy's global generator, which tonic uses, from `seed` on; afterwards as it was."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
