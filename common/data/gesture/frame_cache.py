"""What Frames read: counts from a file on disk, made once; or recordings, changed at random each time."""

import contextlib
import sys
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from common import atomic
from common.data import bad_file
from common.data.gesture import frames, tonic_folder

VERSION = 1  # the cached files' own; with another number they are made anew


@dataclass(frozen=True, eq=False)
class Cached:
    """The frames of all recordings of a folder.  counts: unsigned [R, T, 2, H, W], mapped from the disk.

    durations: float64 [R, T], us.
    """

    counts: np.ndarray
    durations: np.ndarray

    def read(self, samples, labels):
        """samples: int64 [B] -> (counts, uint8 or int32 [B, T, 2, H, W], durations [B, T], labels)."""
        counts = self.counts[samples]
        if counts.dtype != np.uint8:  # wider unsigned types are new to torch
            counts = counts.astype(np.int32)
        return counts, self.durations[samples], labels


@dataclass(frozen=True, eq=False)
class Augmented:
    """The recordings of a folder, decoded and changed each time they are read."""

    recordings: tonic_folder.Recordings
    framing: frames.Framing
    augmentation: object

    def read(self, samples, labels):
        """samples: int64 [B] -> (counts [B, T, 2, H, W], durations [B, T], labels, some of them swapped)."""
        durations = np.zeros((len(samples), self.framing.num_steps))
        counts = np.zeros((len(samples), *self.framing.shape), np.int32)
        labels = labels.clone()
        for k, sample in enumerate(samples):
            path = self.recordings.paths[sample]
            events = tonic_folder.events(path, self.recordings.published)
            events, labels[k] = self.augmentation(events, labels[k].item())
            _count(self.framing, events, counts[k], durations[k], path)
        return counts, durations, labels


def cached(recordings, framing, folder):
    """Return the Cached of a folder's recordings, from the file in `folder` that has it, else from their events.

    The file's name says all that it depends on: the recordings' digest, and the framing but for its normalization.
    One that is cut off is made anew.  Of two processes that make it at once, each writes one of its own, and the
    later takes the place of the other.  ValueError for recordings that are damaged, OSError for a full disk.
    """
    dt = f"-{framing.dt_ms}ms" if framing.dt_ms else ""
    name = f"{recordings.digest}-{framing.split_by}-{framing.num_steps}{dt}-{framing.downsample}-{VERSION}.npy"
    shape = (len(recordings.paths), *framing.shape)
    if (found := _open(folder / name, shape)) is None:
        for kind in frames.KINDS:
            if _write(folder / name, recordings, framing, np.zeros(shape[1:], kind)):
                break
        found = _open(folder / name, shape)
        print(f"frames: {(folder / name).stat().st_size / 1e6:.0f} MB written to {folder / name}", file=sys.stderr)
    return found


def _open(path, shape):
    """The Cached in a file, or None if there is none or not a whole one."""
    with contextlib.suppress(OSError, ValueError, EOFError):
        counts = np.lib.format.open_memmap(path, "r")
        with open(path, "rb") as file:
            file.seek(counts.offset + counts.nbytes)
            durations = np.load(file, allow_pickle=False)
        if counts.shape == shape and durations.shape == shape[:2] and counts.dtype in frames.KINDS:
            return Cached(counts, durations)
    return None


def _write(path, recordings, framing, frame):
    """Write counts, then durations, of all recordings; whether the type of `frame` [T, 2, H, W] holds the counts."""
    durations = np.zeros((len(recordings.paths), framing.num_steps))
    with contextlib.suppress(_Full), atomic.file(path) as file:
        _write_header(file, frame.dtype, (len(durations), *frame.shape))
        for place, its_durations in zip(tqdm(recordings.paths, "frames", leave=False, disable=None), durations,
                                        strict=True):
            frame[:] = 0
            _count(framing, tonic_folder.events(place, recordings.published), frame, its_durations, place)
            file.write(frame)
        _write_header(file, durations.dtype, durations.shape)
        file.write(durations)
        return True
    return False


def _write_header(file, dtype, shape):
    """What an .npy file begins with; numpy's own writing of an array does not say when the disk is full."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


class _Full(Exception):
    """A count exceeds its type."""


def _count(framing, events, frame, durations, path):
    result = framing.count(events, frame, durations)
    if result == frames.FULL:
        raise _Full
    if result != frames.DONE:
        place, top = events[result, :3].tolist(), frames.SIDE - 1
        raise bad_file(path, f"event {result} is off the sensor: x, y and polarity must lie in 0..{top}, 0..{top} and "
                             f"0..1, found {place}")
