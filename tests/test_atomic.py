"""Files and folders of a cache; what checkpoints ask of a write stands with them."""

import os
import socket

import pytest

from common import atomic


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "cache", tmp_path / "file" / "deep" / "cache"):
        with pytest.raises(OSError, match=f"cannot write {place}: .*; make it writable"), atomic.file(place):
            pass
        with pytest.raises(OSError, match=f"cannot write {place}: .*; make it writable"), atomic.folder(place):
            pass


@pytest.mark.skipif(not atomic.NAMESPACE.exists(), reason="Linux has namespaces of processes")
def test_processes_of_two_namespaces_share_no_file_and_leave_each_other_s_alone(tmp_path, monkeypatch):
    path = tmp_path / "file"
    name = f"{socket.gethostname()}-{{}}.{2**22 + 1}.part"  # of a process that is none here
    here, elsewhere = (tmp_path / f"file.{name.format(space)}" for space in (atomic.NAMESPACE.stat().st_ino, 17))
    for unfinished in (here, elsewhere):
        unfinished.write_text("")
    with atomic.file(path) as file:
        file.write(b"new")
    assert sorted(tmp_path.iterdir()) == [path, elsewhere]


def test_a_stopped_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic.file(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]
    with atomic.file(path) as file:
        file.write(b"new")
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["file"]


def test_a_folder_is_made_once_and_whole(tmp_path):
    for content in ("first", "second"):
        with atomic.folder(tmp_path / "folder") as part:
            (part / content).write_text("")
    assert os.listdir(tmp_path) == ["folder"] and os.listdir(tmp_path / "folder") == ["first"]
    with pytest.raises(KeyboardInterrupt), atomic.folder(tmp_path / "other") as part:
        (part / "half").write_text("")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["folder"]
