"""What Frames read: counts from a file on disk, made once; or recordings, changed at random each time."""

import contextlib
import sys
import zlib
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from common import atomic
from common.data import bad_file
from common.data.gesture import frames, tonic_folder

VERSION = 2  # the cached files' own; with another number they are made anew
NUM_NOTES = 4  # numbers beside a recording's durations


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
    A damaged one, by its checksums, is made anew.  Of two processes that make it at once, each writes one of its own,
    and the later takes the place of the other.  ValueError for recordings that are damaged, OSError for a disk that
    lacks room or a file that cannot be read.
    """
    dt = f"-{framing.dt_ms}ms" if framing.dt_ms else ""
    name = f"{recordings.digest}-{framing.split_by}-{framing.num_steps}{dt}-{framing.downsample}-{VERSION}.npy"
    shape = (len(recordings.paths), *framing.shape)
    if (found := _open(folder / name, shape)) is None:
        for kind in frames.KINDS:
            if _write(folder / name, recordings, framing, np.zeros(shape[1:], kind)):
                break
        if (found := _open(folder / name, shape)) is None:
            raise OSError(f"cannot read {folder / name}, which was just written; set XDG_CACHE_HOME to another disk")
    return found


def _open(path, shape):
    """The Cached in a file, or None if there is none or not a whole one."""
    with contextlib.suppress(OSError, ValueError, EOFError):
        with open(path, "rb") as file:
            try:
                counts = np.lib.format.open_memmap(path, "r")
                file.seek(counts.offset + counts.nbytes)
            except OSError:  # a file system that maps no files
                counts = np.load(file, allow_pickle=False)
            notes = np.load(file, allow_pickle=False)
        if counts.shape == shape and notes.shape == (shape[0], shape[1] + NUM_NOTES) and counts.dtype in frames.KINDS:
            if all(_checksum(*recording) == recording[1][-1] for recording in zip(counts, notes, strict=True)):
                return Cached(counts, notes[:, : -NUM_NOTES], notes[:, -NUM_NOTES:-1])
    return None


def _checksum(frame, note):
    return zlib.crc32(note[:-1].copy(), zlib.crc32(frame))


def _write(path, recordings, framing, frame):
    """Write counts, then notes, of all recordings; whether the type of `frame` [T, 2, H, W] holds the counts.

    A recording's notes are its durations, its totals and a checksum of all of them and the counts.
    """
    notes = np.zeros((len(recordings.paths), framing.num_steps + NUM_NOTES))
    size = len(notes) * frame.nbytes + notes.nbytes
    print(f"frames: writing {size / 1e6:.0f} MB to {path}", file=sys.stderr)
    with contextlib.suppress(_Full), atomic.file(path, size) as file:
        _write_header(file, frame.dtype, (len(notes), *frame.shape))
        for place, note in zip(tqdm(recordings.paths, "frames", leave=False, disable=None), notes, strict=True):
            frame[:] = 0
            events = tonic_folder.events(place, recordings.published)
            _count(framing, events, frame, note[: -NUM_NOTES], place)
            note[-NUM_NOTES:-1] = len(events), frame.sum(), np.ptp(events[:, 3]) if len(events) else 0
            note[-1] = _checksum(frame, note)
            file.write(frame)
        _write_header(file, notes.dtype, notes.shape)
        file.write(notes)
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
