"""A file of frames that is damaged, or that the file system does not map or has no room for."""

import errno
import shutil

import numpy as np
import pytest
from helpers.frame_folder import cached, files, made

from common.data.gesture import tonic_folder


@pytest.fixture
def folder(tmp_path):
    return made(tmp_path / "set")


@pytest.mark.parametrize("damage", [0, 60, 200, -8, -100, "type"])
def test_a_damaged_file_is_made_anew(folder, damage):
    first = cached(folder)
    path = folder.parent / "frames" / files(folder)[0]
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content.replace(b"|u1", b"|i1") if damage == "type" else content[:damage])
    again = cached(folder)
    assert (again.counts == first.counts).all() and path.read_bytes() == content


def test_a_flipped_byte_is_noticed_wherever_it_is(folder):
    first = cached(folder)
    counts, durations = first.counts.copy(), first.durations.copy()
    path = folder.parent / "frames" / files(folder)[0]
    content = path.read_bytes()
    places = np.random.default_rng(0).integers(0, len(content), 40)
    for place in [*places, 8, 128, len(content) - 1]:
        damaged = bytearray(content)
        damaged[place] ^= 4
        path.write_bytes(damaged)
        again = cached(folder)
        assert (again.counts == counts).all() and (again.durations == durations).all()
        assert path.read_bytes() == content


def test_where_no_file_can_be_mapped_it_is_read(folder, monkeypatch):
    first = cached(folder)

    def unmappable(*_, **__):
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(np, "memmap", unmappable)
    monkeypatch.setattr(tonic_folder, "events", None)
    again = cached(folder)
    assert type(again.counts) is np.ndarray
    assert (again.counts == first.counts).all() and (again.durations == first.durations).all()


def test_a_disk_that_would_be_full_is_told_before(folder, monkeypatch):
    usage = shutil.disk_usage(folder)
    size = 3 * 5 * 2 * 32 * 32
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=size - 1))
    monkeypatch.setattr(tonic_folder, "events", None)
    with pytest.raises(OSError, match="the disk is full: cannot write .*make room .* XDG_CACHE_HOME .it takes 0 MB or"):
        cached(folder)
    assert files(folder) == []
