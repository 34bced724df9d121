"""A folder in the layout of tonic's DVSGesture: its recordings by their names, and the events of one of them."""

import contextlib
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import atomic
from common.data import bad_file, download

NAME = re.compile(r"(?P<folder>user(?P<user>\d{1,9})_[^/]+)/(?P<label>\d{1,9})\.npy")
NUM_CLASSES = 11
LONGEST = 10**9  # ms


@dataclass(frozen=True, eq=False)
class Recordings:
    """The recordings of a folder, in order of user, session and label.

    paths: their files.  labels, users: int64 [R], from the names.  digest: sha256 over names and contents.
    published: whether they are known to be the published ones.
    """

    paths: list
    labels: np.ndarray
    users: np.ndarray
    digest: str
    published: bool = False


class Memory:
    """Remembers, in a file, what was computed from other files, until their size, times or inode change."""

    def __init__(self, path):
        self.path, self.known = path, _read_dict(path)

    def of(self, path, name, compute=None):
        """compute(path), or its hash `name`, remembered from an earlier call if the file has not changed since."""
        status = os.stat(path)
        state = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        key = f"{name} {Path(path).absolute()}"
        entry = self.known.get(key)
        if not (isinstance(entry, list) and len(entry) == 2 and entry[0] == state):
            self.known[key] = entry = [state, compute(path) if compute else download.hash_of(path, name)]
        return entry[1]

    def matches(self, path, digest, unzip=False):
        """download.matches for the md5 of a file as it is."""
        return path.is_file() and f"md5:{self.of(path, 'md5')}" == digest

    def save(self):
        if self.known != _read_dict(self.path):
            with atomic.file(self.path) as file:
                file.write(json.dumps(self.known, indent=0).encode())


def _read_dict(path):
    """The dict in a JSON file; an empty one if there is none or it is damaged."""
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}
    return {}


def digest_of(contents):
    """sha256 over a set: contents: {name: sha256 of the file}."""
    lines = "".join(f"{content} {name}\n" for name, content in sorted(contents.items()))
    return hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()


def read(folder, memory):
    """Return the Recordings in `folder`/userNN_session/LABEL.npy, whose contents stay unread once the Memory has them.

    ValueError for names that are none of the layout, labels beyond 0..10, and a folder without recordings.
    """
    found = []
    for path in sorted(folder.rglob("*.npy")):
        name = path.relative_to(folder).as_posix()
        if f"/{name}".count("/."):  # a hidden file that an editor or a Mac has left
            continue
        if not (match := NAME.fullmatch(name)):
            raise ValueError(f"{path}: a recording is a userNN_SESSION/LABEL.npy below {folder}; rename or remove it")
        if int(match["label"]) >= NUM_CLASSES:
            raise ValueError(f"{path}: the label, its name, must lie in 0..{NUM_CLASSES - 1}; rename or remove it")
        found.append((int(match["user"]), match["folder"], int(match["label"]), name))
    if not found:
        raise ValueError(f"{folder} holds no recordings userNN_SESSION/LABEL.npy; fill it, or remove it")
    users, _, labels, names = zip(*sorted(found), strict=True)
    paths = [folder / name for name in names]
    contents = {name: memory.of(path, "sha256") for name, path in zip(names, paths, strict=True)}
    return Recordings(paths, np.array(labels, np.int64), np.array(users, np.int64), digest_of(contents))


def events(path, published):
    """The events of a recording, int64 [N, 4]: x, y, polarity and time in us; none if the file holds an empty array.

    published: whether the file is known to be; of any other, what its columns hold is tested first (not where on the
    sensor: that is for who counts).  ValueError, naming the file and the event, for what is damaged or no recording.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror or error})") from error
    except Exception as error:  # a damaged file makes numpy raise what it happens to run into
        said = "it is empty" if not os.path.getsize(path) else str(error).splitlines()[0] if str(error) else repr(error)
        raise bad_file(path, f"is no .npy file or a damaged one ({said})") from error
    if not isinstance(array, np.ndarray):
        raise bad_file(path, "is no .npy file but an archive of them")
    if array.shape == (0,):
        return np.empty((0, 4), np.int64)
    if array.ndim != 2 or array.shape[1] != 4 or array.dtype.kind not in "iuf":
        raise bad_file(path, f"holds {array.dtype} {list(array.shape)}, no list of events [N, 4]: x, y, polarity, ms")
    if array.dtype.kind == "f":
        array = array.astype(np.float64)  # float16 overflows at 65.5 ms in us
    if not published and (fault := _fault(array)):
        raise bad_file(path, fault)
    recording = array.astype(np.int64)
    recording[:, 3] = np.rint(1000.0 * array[:, 3])
    return recording


def _fault(array):
    """What is wrong with an event, or None."""
    times = array[:, 3]
    for wrong, rule in (
        (~((times >= 0) & (times <= LONGEST)), f"the time must lie in 0..{LONGEST} ms"),
        (np.concatenate([[False], times[1:] < times[:-1]]), "the time must not fall below that of the event before"),
    ):
        if wrong.any():
            return f"event {wrong.argmax()}: {rule}, found {times[wrong.argmax()]}"
    if array.dtype.kind == "f":
        right = ((np.trunc(array[:, :3]) == array[:, :3]) & (abs(array[:, :3]) < 2**31)).all(1)
        if not right.all():
            return f"event {right.argmin()}: x, y and polarity must be whole numbers, found {array[right.argmin(), :3]}"
    return None
