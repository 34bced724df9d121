"""A small set in the layout of DVS128 Gesture, and a machine for which it is the published one."""

import functools
import hashlib
import tempfile
from pathlib import Path

import numpy as np
from helpers.gesture_set import archive, npy, write

from common.data import download, gesture
from common.data.gesture import FIGSHARE, TEST, TRAIN, scene
from common.data.gesture import PUBLISHED as DVS_GESTURE
from common.data.gesture.frames import Framing

SMALL = {"framing": Framing("number", 2, downsample=8)}


def made(users, labels=range(11), first=0):
    """{name: a recording}: of each user and label, user + label + 1 + first events at x = user, y = label."""
    return {f"user{user:02}_led/{label}.npy": npy(np.tile([[user, label, 1, 3]], (user + label + 1 + first, 1)))
            for user in users for label in labels}


PUBLISHED = {TRAIN: made((1, 2, 3)), TEST: made((8, 9))}
OTHER = {TRAIN: made((1, 2, 3), first=1), TEST: made((8, 9), first=1)}


@functools.cache
def archives():
    """{part: the content of its archive} of PUBLISHED."""
    packed = {}
    with tempfile.TemporaryDirectory() as folder:
        for part, files in PUBLISHED.items():
            members = {f"{part}/{name}": content for name, content in files.items()}
            packed[part] = archive(Path(folder) / f"{part}.tar.gz", members).read_bytes()
    return packed


def publish(monkeypatch, *mirrors):
    """Have these mirrors, by the site's numbers, the archives."""
    hashes = {part: "md5:" + hashlib.md5(content).hexdigest() for part, content in archives().items()}
    urls = {part: [f"{mirror}{FIGSHARE[part]}" for mirror in mirrors] for part in hashes}
    monkeypatch.setattr(gesture, "PUBLISHED", DVS_GESTURE._replace(hashes=hashes, urls=urls))


def write_set(folder, parts, packed=False):
    """A set as folders, or as the published archives."""
    for part, files in parts.items():
        write(folder, {f"{part}.tar.gz": archives()[part]}) if packed else write(folder / part, files)
    return folder


def machine(tmp_path, monkeypatch):
    """A machine with nothing on it and no network, for which DVS128 Gesture is PUBLISHED."""
    monkeypatch.setattr(download, "cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("SNN_DATA", str(tmp_path / "shared"))
    publish(monkeypatch, "http://127.0.0.1:1/a/", "http://127.0.0.1:1/b/")
    monkeypatch.setattr(scene, "make", lambda folder: write_set(folder, OTHER))
    return tmp_path


def load(house, **options):
    return gesture.load(str(house / "data"), **SMALL | options)
