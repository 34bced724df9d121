"""What Frames read: counts from a file on disk, made once; or recordings, changed at random each time."""

import contextlib
import io
import math
import sys
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from common.data import bad_file, download
from common.data.gesture import frames, tonic_folder

VERSION = 2  # the cached files' own; with another number they are made anew


@dataclass(frozen=True, eq=False)
class Cached:
    """The frames of all recordings of a folder.  counts: unsigned [R, T, 2, H, W], mapped from the disk.

    durations: float64 [R, T], us.  totals: float64 [R, 3], how many events a recording has, how many of them are in
    its frames, and how many us it lasts.
    """

    counts: np.ndarray
    durations: np.ndarray
    totals: np.ndarray

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
    A damaged one is made anew.  ValueError for recordings that are damaged, OSError for a disk without room.
    """
    dt = f"-{framing.dt_ms}ms" if framing.dt_ms else ""
    key = f"{recordings.digest[:32]}-{framing.split_by}-{framing.num_steps}{dt}-{framing.downsample}-{VERSION}"
    size = len(recordings.paths) * math.prod(framing.shape)

    def make(part):
        print(f"frames: writing {math.ceil(size / 1e6)} MB (more if a count exceeds 255) to {folder}", file=sys.stderr)
        for kind in frames.KINDS:
            if _write(part, recordings, framing, np.zeros(framing.shape, kind)):
                break

    path, _ = download.made_once(folder, key, ".npy", make, size)
    with open(path, "rb") as file:
        try:
            counts = np.lib.format.open_memmap(path, "r")
            file.seek(counts.offset + counts.nbytes)
        except OSError:  # a file system that maps no files
            counts = np.load(file)
        durations, totals = np.load(file), np.load(file)
    return Cached(counts, durations, totals)


def _write(path, recordings, framing, frame):
    """Write the parts of Cached for all recordings; whether the type of `frame` [T, 2, H, W] holds the counts."""
    durations, totals = np.zeros((len(recordings.paths), framing.num_steps)), np.zeros((len(recordings.paths), 3))
    with contextlib.suppress(_Full), open(path, "wb") as file:
        header = {"descr": frame.dtype.str, "fortran_order": False, "shape": (len(totals), *frame.shape)}
        np.lib.format.write_array_header_1_0(file, header)
        for k, place in enumerate(tqdm(recordings.paths, "frames", leave=False, disable=None)):
            frame[:] = 0
            events = tonic_folder.events(place, recordings.published)
            _count(framing, events, frame, durations[k], place)
            totals[k] = len(events), frame.sum(), np.ptp(events[:, 3]) if len(events) else 0
            file.write(frame)
        rest = io.BytesIO()  # numpy's own writing to a file does not say when the disk is full
        np.save(rest, durations)
        np.save(rest, totals)
        file.write(rest.getbuffer())
        return True
    return False


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
