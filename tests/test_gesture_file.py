import gzip
import hashlib
import io
import json
import os
import tarfile
import warnings

import numpy as np
import pytest

from common.data import download, gesture_archive, gesture_file
from common.data.gesture_file import Memory

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


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "known.json")


def test_labels_and_users_come_from_the_names(tmp_path, memory, monkeypatch):
    monkeypatch.setattr(np, "load", None)
    names = ["user12_led/3.npy", "user02_lab/10.npy", "user02_lab/9.npy", "user02_fluorescent_led/0.npy"]
    others = {"user02_lab/._9.npy": b"", "notes": b""}
    folder = write(tmp_path / "set", {name: b"never read" for name in names} | others)
    recordings = gesture_file.read(folder, memory)
    assert [path.relative_to(folder).as_posix() for path in recordings.paths] == [names[k] for k in (3, 2, 1, 0)]
    assert recordings.labels.tolist() == [0, 9, 10, 3] and recordings.users.tolist() == [2, 2, 2, 12]


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
        gesture_file.read(folder, memory)


def test_a_folder_without_recordings_is_an_error(tmp_path, memory):
    with pytest.raises(ValueError, match=f"{tmp_path} holds no recordings userNN_SESSION/LABEL.npy"):
        gesture_file.read(tmp_path, memory)


def test_the_digest_tells_contents_and_names_apart_and_is_read_once(tmp_path, memory, monkeypatch):
    files = {f"user0{user}_a/{label}.npy": npy(EVENTS + user) for user in (1, 2) for label in (0, 1)}
    first = gesture_file.read(write(tmp_path / "a", files), memory)
    assert gesture_file.read(write(tmp_path / "b", files), memory).digest == first.digest
    renamed = {name.replace("user02", "user03"): content for name, content in files.items()}
    assert gesture_file.read(write(tmp_path / "c", renamed), memory).digest != first.digest
    memory.save()
    read, sha256 = [], download.sha256

    def counting(path):
        read.append(path)
        return sha256(path)

    counting.__name__ = "sha256"
    monkeypatch.setattr(download, "sha256", counting)
    again = Memory(tmp_path / "known.json")
    assert gesture_file.read(tmp_path / "a", again).digest == first.digest and not read
    changed = tmp_path / "a" / "user02_a" / "1.npy"
    state = os.stat(changed)
    changed.write_bytes(npy(EVENTS + 7))  # of the same size
    os.utime(changed, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert gesture_file.read(tmp_path / "a", again).digest != first.digest and read == [changed]


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"sha256 x": 3}', "\0\0"])
def test_a_damaged_memory_is_an_empty_one(tmp_path, content):
    (tmp_path / "known.json").write_text(content)
    write(tmp_path / "set", {"user01_a/0.npy": npy(EVENTS)})
    for _ in range(2):
        memory = Memory(tmp_path / "known.json")
        gesture_file.read(tmp_path / "set", memory)
        memory.save()
    key = f"sha256 {tmp_path / 'set' / 'user01_a' / '0.npy'}"
    assert json.loads((tmp_path / "known.json").read_text())[key][1] == hashlib.sha256(npy(EVENTS)).hexdigest()


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("published", [True, False])
def test_events_are_read_from_any_type_of_number(tmp_path, kind, published):
    path = tmp_path / "0.npy"
    for array in (EVENTS.astype(kind), np.asfortranarray(EVENTS.astype(kind))):
        path.write_bytes(npy(array))
        events = gesture_file.events(path, published)
        assert events.dtype == np.int64 and events.tolist() == (EVENTS * [1, 1, 1, 1000]).tolist()
    path.write_bytes(npy(np.array([[1.0, 2.0, 0.0, 0.2505]])))
    assert gesture_file.events(path, published).tolist() == [[1, 2, 0, 250]]


@pytest.mark.parametrize("shape", [(0, 4), (0,)])
def test_a_recording_may_hold_no_events(tmp_path, shape):
    (tmp_path / "0.npy").write_bytes(npy(np.empty(shape)))
    assert gesture_file.events(tmp_path / "0.npy", False).shape == (0, 4)


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
        gesture_file.events(path, False)
    assert "\n" not in str(error.value)


FILES = {f"user0{user}_a/{label}.npy": npy(EVENTS + user) for user in (1, 2) for label in (0, 1)}


def members(top="ibmGestureTrain", prefix=""):
    return {f"{prefix}{top}/{name}": content for name, content in FILES.items()}


def locate(folder, memory, published="0"):
    return gesture_archive.located(folder, "ibmGestureTrain", published, folder.parent / "cache", memory)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("prefix", ["", "./"])
def test_an_archive_is_unpacked_once(tmp_path, memory, monkeypatch, prefix):
    others = {"README": b"", "x/1.npy": b""}
    path = archive(tmp_path / "set" / "ibmGestureTrain.tar.gz", members(prefix=prefix) | others)
    recordings, known = locate(path.parent, memory)
    folder = tmp_path / "cache" / "unpacked" / md5(path) / "ibmGestureTrain"
    assert not known and recordings.labels.tolist() == [0, 1, 0, 1] and recordings.paths[0].parents[1] == folder
    assert recordings.paths[2].read_bytes() == FILES["user02_a/0.npy"]
    assert sorted(os.listdir(path.parent)) == [path.name]
    assert sum(len(files) for _, _, files in os.walk(tmp_path / "cache")) == 4
    monkeypatch.setattr(gesture_archive, "_recordings", None)
    assert locate(path.parent, memory)[0].digest == recordings.digest


def test_what_is_published_is_known_by_the_archive_s_md5(tmp_path, memory):
    path = archive(tmp_path / "set" / "ibmGestureTrain.tar.gz", members())
    published = md5(path)
    assert locate(path.parent, memory, published)[1]
    folder = write(tmp_path / "set" / "ibmGestureTrain", FILES)
    assert locate(path.parent, memory, published)[1]  # unpacked beside it, as tonic does
    path.unlink()
    assert locate(tmp_path / "set", memory, published)[1]  # it was there before
    assert not locate(tmp_path / "set", memory, "another")[1]
    (folder / "user01_a" / "0.npy").write_bytes(npy(EVENTS))
    assert not locate(tmp_path / "set", memory, published)[1]


def test_a_folder_counts_before_an_archive_that_is_another(tmp_path, memory):
    (write(tmp_path / "set" / "ibmGestureTrain", FILES).parent / "ibmGestureTrain.tar.gz").write_bytes(b"")
    recordings, known = locate(tmp_path / "set", memory)
    assert len(recordings.paths) == 4 and not known
    with pytest.raises(ValueError, match=f"{tmp_path} holds one of the set's two parts only: add ibmGestureTrain"):
        locate(tmp_path, memory)


WHOLE = members()
BAD_ARCHIVES = [
    (WHOLE | {"ibmGestureTrain/../../evil.npy": b"x"}, "is unsafe: it holds '.*evil.npy', which leads out of"),
    ({"../ibmGestureTrain/user01_a/0.npy": b"x"}, "is unsafe: .* which leads out of its folder"),
    ({"/ibmGestureTrain/user01_a/0.npy": b"x"}, "is unsafe: .* which leads out of its folder"),
    (WHOLE | {"ibmGestureTrain/user01_a/2.npy": [tarfile.SYMTYPE]}, "is unsafe: .*2.npy', which is no file or folder"),
    (WHOLE | {"ibmGestureTrain/user01_a/2.npy": [tarfile.LNKTYPE]}, "is unsafe: .* which is no file or folder"),
    (WHOLE | {"ibmGestureTrain/pipe": [tarfile.FIFOTYPE]}, "is unsafe: .* which is no file or folder"),
    (members("ibmGestureTest"), "holds recordings in ibmGestureTest/, not in ibmGestureTrain/"),
    ({"ibmGestureTrain/notes": b""}, "holds no recordings ibmGestureTrain/userNN_SESSION/LABEL.npy"),
]


@pytest.mark.parametrize("content, message", BAD_ARCHIVES)
def test_a_wrong_archive_is_an_error_and_writes_nothing(tmp_path, memory, content, message):
    path = archive(tmp_path / "in" / "set" / "ibmGestureTrain.tar.gz", content)
    with pytest.raises(ValueError, match=f"{path} {message}.*; replace it"):
        gesture_archive.located(path.parent, "ibmGestureTrain", "0", tmp_path / "in" / "cache", memory)
    assert [file for _, _, files in os.walk(tmp_path) for file in files] == [path.name]


@pytest.mark.parametrize("cut", [slice(0), slice(5), slice(-200), slice(2, None), slice(10, None)])
def test_a_damaged_archive_is_an_error_and_writes_nothing(tmp_path, memory, cut):
    path = archive(tmp_path / "in" / "set" / "ibmGestureTrain.tar.gz", members())
    path.write_bytes(path.read_bytes()[cut])
    with pytest.raises(ValueError, match=f"{path} is no .tar.gz or a damaged one .*; replace it"):
        gesture_archive.located(path.parent, "ibmGestureTrain", "0", tmp_path / "in" / "cache", memory)
    assert [file for _, _, files in os.walk(tmp_path) for file in files] == [path.name]


def test_a_bit_flipped_in_an_archive_is_noticed(tmp_path, memory):
    path = archive(tmp_path / "in" / "set" / "ibmGestureTrain.tar.gz", members())
    content = bytearray(gzip.decompress(path.read_bytes()))
    packed = bytearray(gzip.compress(bytes(content), 0))
    packed[packed.index(b"\x93NUMPY") + 140] ^= 1
    path.write_bytes(packed)
    with pytest.raises(ValueError, match="damaged one .CRC"):
        locate(path.parent, memory)
