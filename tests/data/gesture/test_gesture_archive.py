import gzip
import hashlib
import os
import tarfile

import pytest
from helpers.gesture_set import EVENTS, archive, npy, write

from common.data.gesture import archive as gesture_archive
from common.data.gesture.tonic_folder import Memory


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "known.json")


FILES = {f"user0{user}_a/{label}.npy": npy(EVENTS + user) for user in (1, 2) for label in (0, 1)}


def members(top="ibmGestureTrain", prefix=""):
    return {f"{prefix}{top}/{name}": content for name, content in FILES.items()}


def locate(folder, memory, published="0"):
    path = folder / "ibmGestureTrain"
    path = path if path.is_dir() else folder / "ibmGestureTrain.tar.gz"
    return gesture_archive.located(path, "ibmGestureTrain", "md5:" + published, folder.parent / "cache", memory)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("prefix", ["", "./"])
def test_an_archive_is_unpacked_once(tmp_path, memory, monkeypatch, prefix):
    others = {"README": b"", "x/1.npy": b""}
    path = archive(tmp_path / "set" / "ibmGestureTrain.tar.gz", members(prefix=prefix) | others)
    recordings = locate(path.parent, memory)
    folder = tmp_path / "cache" / "unpacked" / md5(path) / "ibmGestureTrain"
    assert not recordings.published and recordings.labels.tolist() == [0, 1, 0, 1]
    assert recordings.paths[0].parents[1] == folder
    assert recordings.paths[2].read_bytes() == FILES["user02_a/0.npy"]
    assert sorted(os.listdir(path.parent)) == [path.name]
    assert sum(len(files) for _, _, files in os.walk(tmp_path / "cache")) == 4
    monkeypatch.setattr(gesture_archive, "_recordings", None)
    assert locate(path.parent, memory).digest == recordings.digest


@pytest.mark.parametrize("names", [["0.npy"], ["0.npy", "1.npy"], []])
@pytest.mark.parametrize("content", [npy(EVENTS + 3), None])
def test_an_archive_whose_unpacked_files_were_changed_is_unpacked_again(tmp_path, memory, capsys, names, content):
    path = archive(tmp_path / "set" / "ibmGestureTrain.tar.gz", members())
    recordings = locate(path.parent, memory)
    for file in [file for file in recordings.paths if file.name in names]:
        file.write_bytes(content) if content else file.unlink()
    again = locate(path.parent, memory, md5(path))
    assert again.published and again.digest == recordings.digest
    assert capsys.readouterr().err.count("unpacking") == (2 if names else 1)


def test_what_is_published_is_known_by_the_archive_s_md5(tmp_path, memory):
    path = archive(tmp_path / "set" / "ibmGestureTrain.tar.gz", members())
    published = md5(path)
    assert locate(path.parent, memory, published).published
    folder = write(tmp_path / "set" / "ibmGestureTrain", FILES)
    assert locate(path.parent, memory, published).published  # unpacked beside it, as tonic does
    path.unlink()
    assert locate(tmp_path / "set", memory, published).published  # it was there before
    assert not locate(tmp_path / "set", memory, "another").published
    (folder / "user01_a" / "0.npy").write_bytes(npy(EVENTS))
    assert not locate(tmp_path / "set", memory, published).published


def test_a_folder_counts_before_an_archive_that_is_another(tmp_path, memory):
    (write(tmp_path / "set" / "ibmGestureTrain", FILES).parent / "ibmGestureTrain.tar.gz").write_bytes(b"")
    recordings = locate(tmp_path / "set", memory)
    assert len(recordings.paths) == 4 and not recordings.published


WHOLE = members()


BAD_ARCHIVES = [
    (WHOLE | {"ibmGestureTrain/../../evil.npy": b"x"}, "is unsafe: it holds '.*evil.npy', which leads out of"),
    ({"../ibmGestureTrain/user01_a/0.npy": b"x"}, "is unsafe: .* which leads out of its folder"),
    ({"/ibmGestureTrain/user01_a/0.npy": b"x"}, "is unsafe: .* which leads out of its folder"),
    (WHOLE | {"ibmGestureTrain/user01_a/2.npy": [tarfile.SYMTYPE]}, "is unsafe: .*2.npy', which is no file or folder"),
    (WHOLE | {"ibmGestureTrain/user01_a/2.npy": [tarfile.LNKTYPE]}, "is unsafe: .* which is no file or folder"),
    (WHOLE | {"ibmGestureTrain/pipe": [tarfile.FIFOTYPE]}, "is unsafe: .* which is no file or folder"),
    (members("ibmGestureTest"), "holds recordings in ibmGestureTest/, not in ibmGestureTrain/"),
    (WHOLE | {f"./{next(iter(WHOLE))}": b"x"}, "holds './ibmGestureTrain/user01_a/0.npy' twice"),
    ({"ibmGestureTrain/notes": b""}, "holds no recordings ibmGestureTrain/userNN_SESSION/LABEL.npy"),
]


@pytest.mark.parametrize("content, message", BAD_ARCHIVES)
def test_a_wrong_archive_is_an_error_and_writes_nothing(tmp_path, memory, content, message):
    path = archive(tmp_path / "in" / "set" / "ibmGestureTrain.tar.gz", content)
    with pytest.raises(ValueError, match=f"{path} {message}.*; replace it"):
        gesture_archive.located(path, "ibmGestureTrain", "0", tmp_path / "in" / "cache", memory)
    assert [file for _, _, files in os.walk(tmp_path) for file in files] == [path.name]


@pytest.mark.parametrize("cut", [slice(0), slice(5), slice(-200), slice(2, None), slice(10, None)])
def test_a_damaged_archive_is_an_error_and_writes_nothing(tmp_path, memory, cut):
    path = archive(tmp_path / "in" / "set" / "ibmGestureTrain.tar.gz", members())
    path.write_bytes(path.read_bytes()[cut])
    with pytest.raises(ValueError, match=f"{path} is no archive or a damaged one .*; replace it"):
        gesture_archive.located(path, "ibmGestureTrain", "0", tmp_path / "in" / "cache", memory)
    assert [file for _, _, files in os.walk(tmp_path) for file in files] == [path.name]


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_an_archive_cut_within_a_recording_is_an_error_and_writes_nothing(tmp_path, memory, part, zipped):
    noise = {f"ibmGestureTrain/user01_a/{label}.npy": os.urandom(300_000) for label in range(3)}
    path = archive(tmp_path / "in" / "set" / "ibmGestureTrain.tar.gz", noise)
    content = path.read_bytes() if zipped else gzip.decompress(path.read_bytes())
    path.write_bytes(content[: int(part * len(content))])
    for read in (lambda: gesture_archive.located(path, "ibmGestureTrain", "0", tmp_path / "in" / "cache", memory),
                 lambda: gesture_archive.content(path)):
        with pytest.raises(ValueError, match=f"{path} is no archive or a damaged one .*; replace it"):
            read()
    assert [file for _, _, files in os.walk(tmp_path) for file in files] == [path.name]


@pytest.mark.parametrize("zipped", [True, False])
def test_an_archive_cut_between_recordings_is_an_error(tmp_path, memory, zipped):
    path = archive(tmp_path / "set" / "ibmGestureTrain.tar.gz", members())
    with tarfile.open(path) as file:
        place = file.getmembers()[2].offset
    content = gzip.decompress(path.read_bytes())[:place]
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(ValueError, match=f"{path} is no archive or a damaged one .unexpected end of data"):
        locate(path.parent, memory)


def test_a_bit_flipped_in_an_archive_is_noticed(tmp_path, memory):
    path = archive(tmp_path / "in" / "set" / "ibmGestureTrain.tar.gz", members())
    content = bytearray(gzip.decompress(path.read_bytes()))
    packed = bytearray(gzip.compress(bytes(content), 0))
    packed[packed.index(b"\x93NUMPY") + 140] ^= 1
    path.write_bytes(packed)
    with pytest.raises(ValueError, match="damaged one .CRC"):
        locate(path.parent, memory)
