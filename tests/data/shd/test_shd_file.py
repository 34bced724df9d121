"""What is in an HDF5 file of SHD's layout: checked, unpacked, and no damage that goes unnoticed."""

import hashlib
import os
import time

import numpy as np
import pytest
from helpers.shd_set import KEYS, LISTS, OTHER, PUBLISHED, hdf5, load, made, write, zipped

from common.data import shd
from common.data.events import Binning
from common.data.shd import TEST, TRAIN, layout
from common.data.shd import hdf5 as reader


def test_times_in_float16_do_not_overflow(house):
    late = made() | {"times": [np.full(k + 3, 65.0) for k in range(20)]}
    write(house / "data", OTHER | {TRAIN: hdf5(late)})
    inputs, _ = load(house, binning=Binning(1.0, 10**5)).train.batch(slice(0, 1))
    assert inputs.dense().nonzero()[:, 0].tolist() == [65000]


@pytest.mark.parametrize("end", [".gz", ".zip"])
def test_a_packed_file_is_unpacked_once(house, monkeypatch, end):
    write(house / "data", OTHER, end)
    unpacked, unpack = [], reader._unpack
    monkeypatch.setattr(reader, "_unpack", lambda path, target: unpacked.append(path.name) or unpack(path, target))
    first, second = load(house), load(house)
    assert unpacked == [TRAIN + end, TEST + end] and first.hashes == second.hashes
    made = sorted((house / "cache" / "SHD" / "unpacked").iterdir())
    assert len(made) == 2 and all(path.suffix == ".h5" for path in made)
    made[0].write_bytes(made[0].read_bytes()[:-100])
    assert load(house).hashes == first.hashes and len(unpacked) == 3
    write(house / "data", {TEST: PUBLISHED[TEST]}, end)
    assert load(house).hashes[TEST] == shd.PUBLISHED.hashes[TEST] and len(unpacked) == 4


def test_the_hash_is_tested_before_the_hdf5_library_sees_a_file(house, monkeypatch):
    monkeypatch.setattr(layout, "read", None)
    monkeypatch.setattr(reader, "_read_apart", None)
    write(house / "data" / "SHD", {TRAIN: PUBLISHED[TRAIN], TEST: PUBLISHED[TEST][:-1] + b"?"})
    with pytest.raises(ValueError, match="does not hold the published SHD"):
        load(house, source="published")


def with_value(name, sample, value, place=0, **options):
    """made(), the sample's value at `place` (of `name`) another."""
    arrays = made()
    if name in LISTS:
        arrays[name][sample][place] = value
    else:
        arrays[name] = arrays[name].astype(np.int64)
        arrays[name][sample] = value
    return hdf5(arrays, **options)


def without(name):
    return hdf5({key: values for key, values in made().items() if key != name})


SIGNED = {"times": np.float32, "units": np.int32}
WIDE = {"times": np.float64, "units": np.int64}
EMPTY = {"times": [], "units": [], "labels": np.empty(0, int), "speakers": np.empty(0, int), "keys": KEYS}
FAULTS = [  # (content, what the message says)
    (with_value("times", 7, np.nan, 2), "sample 7: a time must be finite and 0 s or later, found nan"),
    (with_value("times", 8, np.inf, 9), "sample 8: a time must be finite and 0 s or later, found inf"),
    (with_value("times", 19, -0.5, 21), "sample 19: a time must be finite and 0 s or later, found -0.5"),
    (with_value("units", 0, 700, 2), "sample 0: a unit must lie in 0..699, found 700"),
    (with_value("units", 5, 65535), "sample 5: a unit must lie in 0..699, found 65535"),
    (with_value("units", 6, -1, kinds=SIGNED), "sample 6: a unit must lie in 0..699, found -1"),
    (with_value("units", 6, 2**32 + 5, kinds=WIDE), "sample 6: a unit must lie in 0..699, found 4294967301"),
    (with_value("times", 3, 1e300, kinds=WIDE), "sample 3: a time must be finite and 0 s or later, found inf"),
    (hdf5(made() | {"labels": np.full(20, 2**63, np.uint64)}), "sample 0: the label must be in 0..3, found 9223"),
    (with_value("labels", 4, 4), "sample 4: the label must be in 0..3, found 4"),
    (with_value("labels", 11, -1), "sample 11: the label must be in 0..3, found -1"),
    (hdf5(made() | {"times": [[0.5]] * 20, "units": [[3]] * 12 + [[3, 4]] + [[3]] * 7}),
     "sample 12 has 1 times and 2 units"),
    (hdf5(made() | {"times": [[0.5]] * 9 + [[]] + [[0.5]] * 10, "units": [[3]] * 9 + [[]] + [[3]] * 10}),
     "sample 9 has no events"),
    (hdf5(EMPTY), "holds no samples"),
    (without("times"), "has not the layout of SHD: it lacks spikes/times"),
    (without("labels"), "has not the layout of SHD: it lacks labels"),
    (hdf5({"keys": KEYS}), "it lacks spikes/times, spikes/units, labels"),
    (hdf5(made() | {"labels": np.zeros(19, int)}), "unequal lengths, 20 spikes/times, 20 spikes/units, 19 labels"),
    (hdf5(made() | {"times": np.ones((20, 4)), "units": np.ones((20, 4), int)}, {}),
     "spikes/times holds no lists of floats"),
    (hdf5(made(), {"times": np.int32, "units": np.uint16}), "spikes/times holds no lists of floats"),
    (hdf5(made() | {"labels": np.zeros(20)}), "labels holds no whole numbers"),
    (PUBLISHED[TRAIN][:-1], f"is damaged .*truncated file: .* stored_eof = {len(PUBLISHED[TRAIN])}"),
    (PUBLISHED[TRAIN][:1000], "is damaged .*truncated file: eof = 1000"),
    (hdf5(made(), libver="latest")[:-1], "is damaged .*truncated file"),
    (b"<!DOCTYPE html><html>404</html>", "is no HDF5 file, it begins with b'<!DOCTYPE html>"),
    (b"", "is no HDF5 file, it begins with b''"),
    (PUBLISHED[TRAIN][:8] + b"\xff" * 80 + PUBLISHED[TRAIN][88:], "is "),
]


@pytest.mark.parametrize("content, message", FAULTS)
def test_a_file_that_is_not_what_it_should_be_is_named(house, content, message):
    write(house / "data", {TRAIN: content, TEST: OTHER[TEST]})
    with pytest.raises(ValueError, match=f"{house / 'data' / TRAIN} .*{message}.*; replace it"):
        load(house)


def test_the_test_file_is_tested_too_and_by_the_training_file_s_classes(house):
    write(house / "data", {TRAIN: OTHER[TRAIN], TEST: with_value("labels", 2, 9)})
    with pytest.raises(ValueError, match=f"{TEST} sample 2: the label must be in 0..3, found 9"):
        load(house)
    write(house / "data", {TEST: hdf5(made() | {"keys": [b"zero", b"one", b"two", b"three"]})})
    with pytest.raises(ValueError, match=f"{TEST} names other classes in extra/keys than .*{TRAIN}"):
        load(house)


def test_speakers_are_needed_only_where_some_are_held_out(house):
    write(house / "data", {TRAIN: without("speakers"), TEST: OTHER[TEST]})
    assert load(house).train.speakers.unique().tolist() == [0]
    with pytest.raises(ValueError, match=r"val_speakers must be among .* \[0\], got \[1\]"):
        load(house, val_speakers=[1])


def test_without_names_the_classes_are_those_of_the_labels(house):
    nameless = {key: values for key, values in made(first=4).items() if key != "keys"}
    write(house / "data", {TRAIN: without("keys"), TEST: hdf5(nameless)})
    assert load(house).num_classes == 4
    write(house / "data", {TEST: hdf5(nameless | {"labels": np.full(20, 5)})})
    with pytest.raises(ValueError, match=f"{TEST} sample 0: the label must be in 0..3, found 5"):
        load(house)


def test_zeros_may_be_what_was_recorded(house):
    one = made() | {"times": [np.full(300, 0.25)] * 20, "units": [np.zeros(300)] * 20}
    some = made() | {"times": [np.full(300, 0.5)] * 20, "units": [np.full(300, 9) for _ in range(20)]}
    some["units"][3][5:200] = 0
    write(house / "data", {TRAIN: hdf5(one), TEST: hdf5(some)})
    assert len(load(house).train) == 20


def test_the_published_files_are_taken_as_they_are(house, monkeypatch):
    published = {TRAIN: hdf5(made() | {"times": [[]] * 20, "units": [[]] * 20}), TEST: PUBLISHED[TEST]}
    hashes = {file: hashlib.sha256(content).hexdigest() for file, content in published.items()}
    monkeypatch.setattr(shd, "PUBLISHED", shd.PUBLISHED._replace(hashes=hashes))
    write(house / "data", published)
    inputs, _ = load(house, source="published").train.batch(slice(0, 4))
    assert not inputs.dense().any()


@pytest.mark.parametrize("first, fault", [
    (0, r"damaged in spikes/units of samples \d+ to \d+ \("),  # the head of a heap of spikes
    (1024, r"damaged: the HDF5 library finds no end in spikes/units of samples \d+ to \d+, for 2 s"),
])
def test_a_hole_in_the_middle_of_a_file_is_an_error_and_no_hang(house, monkeypatch, first, fault):
    monkeypatch.setattr(reader, "PATIENCE", 2)
    content = hdf5({name: values if name == "keys" else [*values] * 10 for name, values in made().items()})
    place = content.index(b"GCOL", len(content) // 2) + first
    write(house / "data", {TRAIN: content[:place] + bytes(2048) + content[place + 2048:], TEST: OTHER[TEST]})
    started = time.monotonic()
    with pytest.raises(ValueError, match=f"{TRAIN} is {fault}"):
        load(house)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("script, message", [
    ("import time; time.sleep(60)", "finds no end in spikes/units of samples 16 to 31, for 1 s"),
    ("import os; os.kill(os.getpid(), 11)", r"crashes in spikes/units of samples 16 to 31 \(status -11\)"),
])
def test_a_hang_or_a_crash_is_told_with_its_place(house, monkeypatch, script, message):
    monkeypatch.setattr(reader, "PATIENCE", 1)
    (house / "reader.py").write_text(
        f"import sys\nprint('spikes/units of samples 16 to 31', file=sys.stderr, flush=True)\n{script}")
    monkeypatch.setattr(layout, "__file__", str(house / "reader.py"))
    write(house / "data", OTHER)
    with pytest.raises(ValueError, match=f"{TRAIN} is damaged: the HDF5 library {message}"):
        load(house)


@pytest.mark.parametrize("end, damage", [
    (".gz", lambda pack: pack[:-1]), (".gz", lambda pack: pack[:40]),
    (".gz", lambda pack: pack[:-6] + bytes([pack[-6] ^ 1]) + pack[-5:]),
    (".zip", lambda pack: pack[:-30]), (".zip", lambda pack: pack[:100] + b"\xff" * 9 + pack[109:]),
    (".zip", lambda pack: zipped(b"", "readme.txt")), (".zip", lambda pack: zipped(b"", "a.h5 b.h5")),
])
def test_a_damaged_pack_is_named_and_leaves_nothing(house, end, damage):
    path = write(house / "data", OTHER, end) / (TRAIN + end)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=f"{path} is a damaged packed file"):
        load(house)
    assert os.listdir(house / "cache" / "SHD" / "unpacked") == []
