"""Recordings as tonic keeps those of DVS128 Gesture, a few events each."""

import io
import tarfile

import numpy as np

from common.data.gesture.frames import SIDE

EVENTS = np.array([[1, 2, 0, 0], [3, 4, 1, 5], [127, 127, 1, 5]])


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def archive(path, members):
    """A .tar.gz; members: {name: content, or [the type of something that is no file]}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                member.size = len(content)
            else:
                member.type, member.linkname = content[0], "/etc/passwd"
            file.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
    return path


def recording(num_events, seed=0, milliseconds=100):
    """Events int64 [N, 4] at whole milliseconds, in time's order, on a few pixels."""
    generator = np.random.default_rng(seed)
    events = generator.integers(0, [SIDE, 9, 2, milliseconds], (num_events, 4))
    events[:, 3] = 1000 * np.sort(events[:, 3]) + 7000
    return events


def slowly(parts, side=SIDE):
    """Counts of lists of events, one for each frame, by numpy's histogram."""
    edges = [np.arange(size + 1) - 0.5 for size in (2, side, side)]
    scale = [1, SIDE // side, SIDE // side]
    return np.stack([np.histogramdd(part[:, [2, 1, 0]] // scale, edges)[0] for part in parts])
