"""HDF5 files that are whole: read, or the cause named for which they cannot be; nobody is told to replace them."""

import fcntl
import io
import multiprocessing
import struct

import h5py
import numpy as np
import pytest
from helpers.shd_set import OTHER, hdf5, load, made, write, zipped

from common.data.shd import TRAIN, layout
from common.data.shd import hdf5 as reader


@pytest.mark.parametrize("size", [512, 2048])
def test_a_user_block_as_matlab_s_is_passed_over(house, size):
    content = bytearray(hdf5(made(first=1), userblock_size=size))
    content[:20] = b"MATLAB 7.3 MAT-file,"
    write(house / "data", OTHER | {TRAIN: bytes(content)})
    assert len(load(house).train) == 20


def open_to_write(path, libver, opened, done):
    with h5py.File(path, "a", libver=libver) as file:
        file.attrs["open"] = 1
        file.flush()
        opened.set()
        done.wait(60)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_a_file_that_another_program_holds_is_read_or_the_cause_named(house, libver):
    write(house / "data", OTHER | {TRAIN: hdf5(made(first=1), libver=libver)})
    context = multiprocessing.get_context("fork")
    opened, done = context.Event(), context.Event()
    writer = context.Process(target=open_to_write, args=(house / "data" / TRAIN, libver, opened, done))
    writer.start()
    assert opened.wait(60)
    try:
        if libver == "earliest":
            assert len(load(house).train) == 20
        else:
            with pytest.raises(ValueError, match=f"{TRAIN} is being written, or was not closed") as error:
                load(house)
            assert "replace" not in str(error.value)
    finally:
        done.set()
        writer.join(60)
    assert len(load(house).train) == 20


def test_a_locked_file_is_read(house):
    with open(write(house / "data", OTHER) / TRAIN, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert len(load(house).train) == 20


def with_filter(code):
    """made(), its labels through a filter of that number, which stands where deflate's was."""
    arrays = made(first=1)
    labels = arrays.pop("labels")
    content = io.BytesIO(hdf5(arrays))
    with h5py.File(content, "a") as file:
        file.create_dataset("labels", data=labels, chunks=(5,), compression="gzip")
    number, deflate = (struct.pack("<4H", number, 8, 1, 1) + b"deflate" for number in (code, 1))
    assert content.getvalue().count(deflate) == 1
    return content.getvalue().replace(deflate, number)


@pytest.mark.parametrize("code", [32001, 32015, 32768])  # blosc, zstd, anyone's
def test_a_filter_that_is_not_installed_is_named(house, code):
    assert not h5py.h5z.filter_avail(code)
    write(house / "data", OTHER | {TRAIN: with_filter(code)})
    with pytest.raises(ValueError, match=rf"{TRAIN} needs the HDF5 filters \[{code}\]: pip install hdf5") as error:
        load(house)
    assert "replace" not in str(error.value)


def test_a_pack_that_python_cannot_open_is_no_damaged_one(house):
    """A compression of another number, and a password's flag, in both heads of what is packed."""
    pack = bytearray(zipped(OTHER[TRAIN]))
    places = [pack.index(b"PK\x03\x04"), pack.index(b"PK\x01\x02") + 2]
    for offset, value, message in ((8, 97, "compression method is not supported"), (6, 1, "encrypted")):
        changed = bytearray(pack)
        for place in places:
            changed[place + offset] = value
        write(house / "data", OTHER)
        (house / "data" / TRAIN).unlink()
        (house / "data" / f"{TRAIN}.zip").write_bytes(changed)
        with pytest.raises(ValueError, match=f"{TRAIN}.zip cannot be unpacked here: .*{message}"):
            load(house)


SLOW = """
import sys, time
for part in range(8):
    print("spikes/times of samples", part, file=sys.stderr, flush=True)
    time.sleep(0.4)
sys.exit(2)
"""


def test_a_long_time_is_no_stall(house, monkeypatch):
    """Eight parts of .4 s, where one may take .5 to 1."""
    monkeypatch.setattr(reader, "PATIENCE", 0.5)
    (house / "reader.py").write_text(SLOW)
    monkeypatch.setattr(layout, "__file__", str(house / "reader.py"))
    write(house / "data", OTHER)
    with pytest.raises(ValueError, match=f"{TRAIN} spikes/times of samples 7$"):
        load(house)


def test_want_of_memory_is_no_damage(house, monkeypatch):
    (house / "reader.py").write_text("import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr(layout, "__file__", str(house / "reader.py"))
    write(house / "data", OTHER)
    with pytest.raises(ValueError, match=f"{TRAIN} takes more memory than there is, in its head") as error:
        load(house)
    assert "damaged" not in str(error.value)


def test_more_recordings_than_are_read_in_a_part(house):
    many = {name: values if name == "keys" else np.array(values)[np.arange(1000) % 20] if name in (
        "labels", "speakers") else [*values] * 50 for name, values in made(first=1).items()}
    write(house / "data", OTHER | {TRAIN: hdf5(many)})
    assert len(load(house).train) == 1000
