"""A folder of three recordings, and the file of their frames beside it."""

from pathlib import Path

import numpy as np
from helpers.gesture_set import recording

from common.data.gesture import frame_cache, tonic_folder
from common.data.gesture.frames import Framing
from common.data.gesture.tonic_folder import Memory

FRAMING = Framing("number", 5, downsample=4)


def made(folder):
    """`folder` with three recordings, the second without events."""
    place = folder / "user01_a"
    place.mkdir(parents=True)
    for label, num_events in enumerate((100, 0, 33)):
        np.save(place / f"{label}.npy", recording(num_events, label) // [1, 1, 1, 1000])
    return folder


def read(folder):
    return tonic_folder.read(folder, Memory(Path("/nowhere/known.json")))


def cached(folder, framing=FRAMING):
    return frame_cache.cached(read(folder), framing, folder.parent / "frames")


def files(folder):
    return sorted(path.name for path in (folder.parent / "frames").iterdir())
