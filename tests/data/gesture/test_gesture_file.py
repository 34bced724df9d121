import hashlib
import io
import json
import os
import warnings

import numpy as np
import pytest
from helpers.gesture_set import EVENTS, npy, write

from common.data import download
from common.data.gesture import tonic_folder
from common.data.gesture.tonic_folder import Memory


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "known.json")


def test_labels_and_users_come_from_the_names(tmp_path, memory, monkeypatch):
    monkeypatch.setattr(np, "load", None)
    names = ["user12_led/3.npy", "user02_lab/10.npy", "user02_lab/9.npy", "user02_fluorescent_led/0.npy"]
    others = {"user02_lab/._9.npy": b"", "notes": b""}
    folder = write(tmp_path / "set", {name: b"never read" for name in names} | others)
    recordings = tonic_folder.read(folder, memory)
    assert [path.relative_to(folder).as_posix() for path in recordings.paths] == [names[k] for k in (3, 2, 1, 0)]
    assert recordings.labels.tolist() == [0, 9, 10, 3] and recordings.users.tolist() == [2, 2, 2, 12]


def test_a_folder_s_name_may_be_of_any_bytes(tmp_path, memory):
    recordings = tonic_folder.read(write(tmp_path / "set", {os.fsdecode(b"user01_\xff/2.npy"): npy(EVENTS)}), memory)
    memory.save()
    assert recordings.labels.tolist() == [2] and recordings.digest


@pytest.mark.parametrize("name, message", [
    ("user01_a/11.npy", "11.npy: the label, its name, must lie in 0..10"),
    ("user01_a/-1.npy", "a recording is a userNN_SESSION/LABEL.npy"),
    ("user01_a/clap.npy", "a recording is a userNN_SESSION/LABEL.npy"),
    ("user01/0.npy", "a recording is a userNN_SESSION/LABEL.npy"),
    ("usernn_a/0.npy", "a recording is"),
    ("0.npy", "a recording is"),
    ("user01_a/deep/0.npy", "a recording is"),
])
def test_a_name_of_another_layout_is_an_error(tmp_path, memory, name, message):
    folder = write(tmp_path / "set", {"user01_a/0.npy": npy(EVENTS), name: npy(EVENTS)})
    with pytest.raises(ValueError, match=f"{folder}.*{message}"):
        tonic_folder.read(folder, memory)


def test_a_folder_without_recordings_is_an_error(tmp_path, memory):
    with pytest.raises(ValueError, match=f"{tmp_path} holds no recordings userNN_SESSION/LABEL.npy"):
        tonic_folder.read(tmp_path, memory)


def test_the_digest_tells_contents_and_names_apart_and_is_read_once(tmp_path, memory, monkeypatch):
    files = {f"user0{user}_a/{label}.npy": npy(EVENTS + user) for user in (1, 2) for label in (0, 1)}
    first = tonic_folder.read(write(tmp_path / "a", files), memory)
    assert tonic_folder.read(write(tmp_path / "b", files), memory).digest == first.digest
    renamed = {name.replace("user02", "user03"): content for name, content in files.items()}
    assert tonic_folder.read(write(tmp_path / "c", renamed), memory).digest != first.digest
    memory.save()
    read, hash_of = [], download.hash_of
    monkeypatch.setattr(download, "hash_of", lambda *arguments: read.append(arguments[0]) or hash_of(*arguments))
    again = Memory(tmp_path / "known.json")
    assert tonic_folder.read(tmp_path / "a", again).digest == first.digest and not read
    changed = tmp_path / "a" / "user02_a" / "1.npy"
    state = os.stat(changed)
    changed.write_bytes(npy(EVENTS + 7))  # of the same size
    os.utime(changed, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert tonic_folder.read(tmp_path / "a", again).digest != first.digest and read == [changed]


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"sha256 x": 3}', "\0\0"])
def test_a_damaged_memory_is_an_empty_one(tmp_path, content):
    (tmp_path / "known.json").write_text(content)
    write(tmp_path / "set", {"user01_a/0.npy": npy(EVENTS)})
    for _ in range(2):
        memory = Memory(tmp_path / "known.json")
        tonic_folder.read(tmp_path / "set", memory)
        memory.save()
    key = f"sha256 {tmp_path / 'set' / 'user01_a' / '0.npy'}"
    assert json.loads((tmp_path / "known.json").read_text())[key][1] == hashlib.sha256(npy(EVENTS)).hexdigest()


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("published", [True, False])
def test_events_are_read_from_any_type_of_number(tmp_path, kind, published):
    path = tmp_path / "0.npy"
    for array in (EVENTS.astype(kind), np.asfortranarray(EVENTS.astype(kind))):
        path.write_bytes(npy(array))
        events = tonic_folder.events(path, published)
        assert events.dtype == np.int64 and events.tolist() == (EVENTS * [1, 1, 1, 1000]).tolist()
    path.write_bytes(npy(np.array([[1.0, 2.0, 0.0, 0.2505]])))
    assert tonic_folder.events(path, published).tolist() == [[1, 2, 0, 250]]


@pytest.mark.parametrize("shape", [(0, 4), (0,)])
def test_a_recording_may_hold_no_events(tmp_path, shape):
    (tmp_path / "0.npy").write_bytes(npy(np.empty(shape)))
    assert tonic_folder.events(tmp_path / "0.npy", False).shape == (0, 4)


def with_value(row, column, value):
    array = EVENTS.astype(np.float64 if isinstance(value, float) else np.int64)
    array[row, column] = value
    return npy(array)


def zipped():
    content = io.BytesIO()
    np.savez(content, EVENTS)
    return content.getvalue()


FAULTS = [
    (b"", "is no .npy file or a damaged one .it is empty"),
    (b"<!DOCTYPE html>", "is no .npy file or a damaged one"),
    (npy(EVENTS)[:100], "is no .npy file or a damaged one"),
    (npy(EVENTS)[:-1], "is no .npy file or a damaged one"),
    (npy(EVENTS)[:9] + b"\xff" * 90 + npy(EVENTS)[99:], "is no .npy file or a damaged one"),
    (npy(EVENTS).replace(b"(3, 4), ", b"(9**9,)"), "is no .npy file or a damaged one"),
    (npy(np.ones((10**5, 4)))[:200], "is no .npy file or a damaged one"),
    (npy(np.array([[1, None, 2, 3]])), "is no .npy file or a damaged one .*allow_pickle"),
    (zipped(), "is no .npy file but an archive"),
    (npy(EVENTS[:, :3]), r"holds int64 \[3, 3\], no list of events \[N, 4\]"),
    (npy(EVENTS[0]), r"holds int64 \[4\], no list"),
    (npy(EVENTS.astype(complex)), "holds complex128"),
    (npy(EVENTS.astype("S4")), ".*no list of events"),
    (with_value(1, 3, -1), "event 1: the time must lie in 0..1000000000 ms, found -1"),
    (with_value(2, 3, 2**60), "event 2: the time must lie in"),
    (with_value(2, 3, float("nan")), "event 2: the time must lie in .* found nan"),
    (with_value(0, 3, 9), "event 1: the time must not fall below that of the event before, found 5"),
    (with_value(2, 0, 1.5), r"event 2: x, y and polarity must be whole numbers, found \[  1.5 127.    1. \]"),
    (with_value(1, 2, float("inf")), "event 1: x, y and polarity must be whole"),
]


@pytest.mark.parametrize("content, message", FAULTS)
def test_a_file_that_is_no_recording_is_named(tmp_path, content, message):
    path = tmp_path / "user01_a" / "0.npy"
    write(tmp_path, {"user01_a/0.npy": content})
    with warnings.catch_warnings(), pytest.raises(ValueError, match=f"{path} {message}.*; replace it") as error:
        warnings.simplefilter("error")
        tonic_folder.events(path, False)
    assert "\n" not in str(error.value)


