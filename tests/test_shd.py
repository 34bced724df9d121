import gzip
import hashlib
import io
import os
import shutil
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from common.data import download, shd, shd_file, shd_layout
from common.data.events import Augmentation, Binning
from common.data.shd import TEST, TRAIN

REAL = Path(os.environ.get("SNN_DATA") or "-") / "fsdd_shd"
PLACES = ["data/SHD", "data", "shared/SHD", "cache/SHD"]  # in the order they are asked
KEYS = [b"null", b"eins", b"zwei", b"drei"]
NAMES = {"times": "spikes/times", "units": "spikes/units", "labels": "labels", "speakers": "extra/speaker",
         "keys": "extra/keys"}  # fmt: skip
LISTS = {"times": np.float16, "units": np.uint16}


def made(num_samples=20, speakers=(0, 1, 2), first=0):
    """The arrays of a file: sample k has the label k % 4 and k + 3 events, at k, k + 1, ... ms on channel k."""
    numbers = range(first, first + num_samples)
    return {
        "times": [np.arange(k, 2 * k + 3) / 1000 for k in numbers],
        "units": [np.full(k + 3, k) for k in numbers],
        "labels": np.array([k % 4 for k in numbers], np.uint16),
        "speakers": np.array([speakers[k % len(speakers)] for k in numbers], np.uint16),
        "keys": KEYS,
    }


def hdf5(arrays, kinds=LISTS, **options):
    """The bytes of a file of `arrays` in SHD's layout."""
    content = io.BytesIO()
    with h5py.File(content, "w", **options) as file:
        for name, values in arrays.items():
            if name in kinds:
                dataset = file.create_dataset(NAMES[name], (len(values),), dtype=h5py.vlen_dtype(kinds[name]))
                for k, value in enumerate(values):
                    dataset[k] = value
            else:
                file.create_dataset(NAMES[name], data=values)
    return content.getvalue()


def zipped(content, name=TRAIN):
    pack = io.BytesIO()
    with zipfile.ZipFile(pack, "w", zipfile.ZIP_DEFLATED) as file:
        for part in name.split():
            file.writestr(part, content)
    return pack.getvalue()


PACKS = {"": lambda content: content, ".gz": gzip.compress, ".zip": zipped}
PUBLISHED = {TRAIN: hdf5(made()), TEST: hdf5(made(8, (2, 3), first=30))}
OTHER = {TRAIN: hdf5(made(first=1)), TEST: hdf5(made(8, (2, 3), first=31))}


def write(folder, files, end=""):
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / (file + end)).write_bytes(PACKS[end](content))
    return folder


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch):
    """A machine with nothing on it and no network, for which SHD is PUBLISHED."""
    monkeypatch.setattr(download, "cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("SNN_DATA", str(tmp_path / "shared"))
    hashes = {file: hashlib.sha256(content).hexdigest() for file, content in PUBLISHED.items()}
    monkeypatch.setattr(shd, "SHA256", hashes)
    monkeypatch.setattr(shd, "MIRRORS", ("http://127.0.0.1:1/a/", "http://127.0.0.1:1/b/"))
    return tmp_path


def load(house, **options):
    return shd.load(str(house / "data"), **options)


def numbers(split):
    """The number k of each sample of a made set, by its channel."""
    return [int(split.units[split.offsets[r]]) for r in split.samples]


@pytest.mark.parametrize("end", PACKS)
@pytest.mark.parametrize("source", ["auto", "published"])
def test_the_published_set_is_known_by_its_content(house, capsys, end, source):
    write(house / "data" / "SHD", PUBLISHED, end)
    data = load(house, source=source)
    assert (data.name, data.stand_in, data.in_shape, data.num_classes) == ("SHD", False, (700,), 4)
    assert (len(data.train), len(data.val), len(data.test)) == (20, 0, 8)
    assert data.hashes == {file: hashlib.sha256(content).hexdigest() for file, content in PUBLISHED.items()}
    assert capsys.readouterr().err == ""
    assert sorted(os.listdir(house / "data" / "SHD")) == [TEST + end, TRAIN + end]


def test_what_is_in_the_files_is_in_the_splits(house):
    write(house / "data", PUBLISHED)
    data = load(house, binning=Binning(1.0, 100))
    assert sorted(numbers(data.train)) == list(range(20))
    for split, speakers in ((data.train, (0, 1, 2)), (data.test, (2, 3))):
        chosen = numbers(split) if split.samples is not None else list(range(30, 38))
        assert split.labels.tolist() == [k % 4 for k in chosen]
        assert split.speakers.tolist() == [speakers[k % len(speakers)] for k in chosen]
        assert (split.times.dtype, split.units.dtype) == (torch.float32, torch.int32)
        assert (split.labels.dtype, split.speakers.dtype) == (torch.int64, torch.int64)
        dense = split.batch(slice(None))[0].dense()
        for sample, k in enumerate(chosen):
            expected = torch.zeros(100)
            for ms in range(k, 2 * k + 3):  # float16 seconds, as stored
                expected[int(float(np.float16(ms / 1000)) * 1000)] += 1
            assert torch.equal(dense[:, sample, k], expected) and dense[:, sample].sum() == k + 3


def test_times_in_float16_do_not_overflow(house):
    late = made() | {"times": [np.full(k + 3, 65.0) for k in range(20)]}
    write(house / "data", OTHER | {TRAIN: hdf5(late)})
    inputs, _ = load(house, binning=Binning(1.0, 10**5)).train.batch(slice(0, 1))
    assert inputs.dense().nonzero()[:, 0].tolist() == [65000]


@pytest.mark.parametrize("end", [".gz", ".zip"])
def test_a_packed_file_is_unpacked_once(house, monkeypatch, end):
    write(house / "data", OTHER, end)
    unpacked, unpack = [], shd_file.unpack
    monkeypatch.setattr(shd_file, "unpack", lambda path, target: unpacked.append(path.name) or unpack(path, target))
    first, second = load(house), load(house)
    assert unpacked == [TRAIN + end, TEST + end] and first.hashes == second.hashes
    made = sorted((house / "cache" / "SHD" / "unpacked").iterdir())
    assert len(made) == 2 and all(path.suffix == ".h5" for path in made)
    made[0].write_bytes(made[0].read_bytes()[:-100])
    assert load(house).hashes == first.hashes and len(unpacked) == 3
    write(house / "data", {TEST: PUBLISHED[TEST]}, end)
    assert load(house).hashes[TEST] == shd.SHA256[TEST] and len(unpacked) == 4


@pytest.mark.parametrize("first", range(len(PLACES)))
def test_the_places_are_asked_in_order(house, capsys, first):
    for place in PLACES[first + 1:]:
        write(house / place, OTHER)  # would be noticed
    write(house / PLACES[first], PUBLISHED)
    assert load(house).name == "SHD"
    note = f"SHD: not in {house / 'data'}, taken from {house / PLACES[first]}\n"
    assert capsys.readouterr().err == (note if first >= 2 else "")


def test_an_incomplete_or_damaged_cache_is_no_set(house):
    for content in ({TRAIN: PUBLISHED[TRAIN]}, {TRAIN: PUBLISHED[TRAIN], TEST: OTHER[TEST]}):
        write(house / "cache" / "SHD", content)
        assert load(house).name == "synthetic spoken digits"


@pytest.mark.parametrize("folder, name", [("data/SHD", "SHD (not the published)"), ("data", "data")])
def test_another_set_goes_by_its_folders_name(house, capsys, folder, name):
    write(house / folder, {TRAIN: PUBLISHED[TRAIN], TEST: OTHER[TEST]})
    data = load(house)
    assert (data.name, data.stand_in, len(data.test)) == (name, True, 8)
    message = capsys.readouterr().err
    assert "NOT the published SHD" in message and str(house / folder) in message
    assert TEST in message and TRAIN not in message
    with pytest.raises(ValueError, match=f"does not hold the published SHD.*{TEST}.*source=auto"):
        load(house, source="published")


def test_the_hash_is_tested_before_the_hdf5_library_sees_a_file(house, monkeypatch):
    monkeypatch.setattr(shd_layout, "read", None)
    monkeypatch.setattr(shd_file, "_read_apart", None)
    write(house / "data" / "SHD", {TRAIN: PUBLISHED[TRAIN], TEST: PUBLISHED[TEST][:-1] + b"?"})
    with pytest.raises(ValueError, match="does not hold the published SHD"):
        load(house, source="published")


@pytest.mark.parametrize("file", [TRAIN, TEST])
def test_a_missing_file_is_named(house, file):
    write(house / "data", {other: content for other, content in PUBLISHED.items() if other != file})
    with pytest.raises(ValueError, match=f"{house / 'data'} holds only one of.*: add {file}"):
        load(house)


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


def with_zeros(name, num_values, num_zeros):
    """made(), sample 3 of num_values events of which the middle num_zeros are 0 in `name`."""
    arrays = made()
    arrays["times"][3], arrays["units"][3] = np.full(num_values, 0.5), np.full(num_values, 9)
    arrays[name][3][5 : 5 + num_zeros] = 0
    return hdf5(arrays)


SIGNED = {"times": np.float32, "units": np.int32}
EMPTY = {"times": [], "units": [], "labels": np.empty(0, int), "speakers": np.empty(0, int), "keys": KEYS}
FAULTS = [  # (content, what the message says)
    (with_value("times", 7, np.nan, 2), "sample 7: a time must be finite and 0 s or later, found nan"),
    (with_value("times", 8, np.inf, 9), "sample 8: a time must be finite and 0 s or later, found inf"),
    (with_value("times", 19, -0.5, 21), "sample 19: a time must be finite and 0 s or later, found -0.5"),
    (with_value("units", 0, 700, 2), "sample 0: a unit must lie in 0..699, found 700"),
    (with_value("units", 5, 65535), "sample 5: a unit must lie in 0..699, found 65535"),
    (with_value("units", 6, -1, kinds=SIGNED), "sample 6: a unit must lie in 0..699, found -1"),
    (with_value("labels", 4, 4), "sample 4: the label must be in 0..3, found 4"),
    (with_value("labels", 11, -1), "sample 11: the label must be in 0..3, found -1"),
    (hdf5(made() | {"times": [[0.5]] * 20, "units": [[3]] * 12 + [[3, 4]] + [[3]] * 7}),
     "sample 12 has 1 times and 2 units"),
    (hdf5(made() | {"times": [[0.5]] * 9 + [[]] + [[0.5]] * 10, "units": [[3]] * 9 + [[]] + [[3]] * 10}),
     "sample 9 has no events"),
    (with_zeros("times", 400, 128), "sample 3 is damaged: 128 zeros or more in a row"),
    (with_zeros("units", 200, 195), "sample 3 is damaged: 128 zeros or more in a row"),
    (hdf5(EMPTY), "holds no samples"),
    (without("times"), "has not the layout of SHD: it lacks spikes/times"),
    (without("labels"), "has not the layout of SHD: it lacks labels"),
    (without("speakers"), "has not the layout of SHD: it lacks extra/speaker"),
    (hdf5({"keys": KEYS}), "it lacks spikes/times, spikes/units, labels, extra/speaker"),
    (hdf5(made() | {"labels": np.zeros(19, int)}), "unequal lengths, 20 spikes/times, 20 spikes/units, 19 labels"),
    (hdf5(made() | {"times": np.ones((20, 4)), "units": np.ones((20, 4), int)}, {}),
     "spikes/times holds no lists of floats"),
    (hdf5(made(), {"times": np.int32, "units": np.uint16}), "spikes/times holds no lists of floats"),
    (hdf5(made() | {"labels": np.zeros(20)}), "labels holds no whole numbers"),
    (PUBLISHED[TRAIN][:-1], f"is cut off: it should have {len(PUBLISHED[TRAIN])} bytes and has"),
    (PUBLISHED[TRAIN][:1000], "is cut off: .* has 1000"),
    (hdf5(made(), libver="latest")[:-1], "is cut off: it should have"),
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


def test_without_names_the_classes_are_those_of_the_labels(house):
    nameless = {key: values for key, values in made(first=4).items() if key != "keys"}
    write(house / "data", {TRAIN: without("keys"), TEST: hdf5(nameless)})
    assert load(house).num_classes == 4
    write(house / "data", {TEST: hdf5(nameless | {"labels": np.full(20, 5)})})
    with pytest.raises(ValueError, match=f"{TEST} sample 0: the label must be in 0..3, found 5"):
        load(house)


def test_zeros_at_the_end_of_a_recording_and_the_start_of_the_next_are_no_hole(house):
    arrays = made() | {"units": [np.full(300, 7) for _ in range(20)], "times": [np.full(300, 0.25)] * 20}
    arrays["units"][3][-100:] = arrays["units"][4][:100] = 0
    write(house / "data", OTHER | {TRAIN: hdf5(arrays)})
    assert len(load(house).train) == 20


def test_all_zeros_may_be_a_recording_of_one_channel(house):
    one = made() | {"times": [np.full(300, 0.25)] * 20, "units": [np.zeros(300)] * 20}
    write(house / "data", {TRAIN: hdf5(one), TEST: with_zeros("units", 200, 127)})
    assert len(load(house).train) == 20


def test_the_published_files_are_taken_as_they_are(house, monkeypatch):
    published = {TRAIN: hdf5(made() | {"times": [[]] * 20, "units": [[]] * 20}), TEST: PUBLISHED[TEST]}
    monkeypatch.setattr(shd, "SHA256", {file: hashlib.sha256(c).hexdigest() for file, c in published.items()})
    write(house / "data", published)
    inputs, _ = load(house, source="published").train.batch(slice(0, 4))
    assert not inputs.dense().any()


@pytest.mark.parametrize("first, fault", [
    (0, r"damaged in spikes/units of samples \d+ to \d+ \("),  # the head of a heap of spikes
    (1024, r"damaged: the HDF5 library finds no end in spikes/units of samples \d+ to \d+, for 2 s"),
])
def test_a_hole_in_the_middle_of_a_file_is_an_error_and_no_hang(house, monkeypatch, first, fault):
    monkeypatch.setattr(shd_file, "PATIENCE", 2)
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
    monkeypatch.setattr(shd_file, "PATIENCE", 1)
    (house / "reader.py").write_text(
        f"import sys\nprint('spikes/units of samples 16 to 31', file=sys.stderr, flush=True)\n{script}")
    monkeypatch.setattr(shd_layout, "__file__", str(house / "reader.py"))
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


@pytest.mark.parametrize("options, message", [
    ({"source": "synthetic"}, "source must be .*got 'synthetic'"),
    ({"val_fraction": -0.1}, "val_fraction -0.1"),
    ({"val_fraction": 1.0}, "val_fraction 1.0"),
    ({"val_fraction": 0.99}, "val_fraction 0.99 of 20"),
    ({"val_fraction": 0.01}, "val_fraction 0.01 of 20"),
    ({"val_speakers": [1, 3]}, r"val_speakers must be among .* \[0, 1, 2\], got \[1, 3\]"),
    ({"val_speakers": [2, 1, 0]}, r"val_speakers \[2, 1, 0\] leave nobody to train on"),
    ({"val_fraction": 0.2, "val_speakers": [1]}, r"exclude each other, got 0.2 and \[1\]"),
    ({"subset": 21}, r"subset must lie in 0\.\.20, the training samples of SHD, got 21"),
    ({"subset": 11, "val_fraction": 0.5}, r"subset must lie in 0\.\.10"),
    ({"subset": -1}, "subset must lie in .*got -1"),
])
def test_a_bad_argument_is_named(house, options, message):
    write(house / "data", PUBLISHED)
    with pytest.raises(ValueError, match=message):
        load(house, **options)


@pytest.mark.parametrize("fraction, expected", [(0.2, [1, 1, 1, 1]), (0.5, [3, 2, 3, 2])])
def test_a_fraction_is_held_out_evenly_over_the_classes_and_the_same_in_every_run(house, fraction, expected):
    write(house / "data", PUBLISHED)
    data = load(house, val_fraction=fraction)
    assert sorted(numbers(data.train) + numbers(data.val)) == list(range(20))
    assert sorted(data.val.labels.bincount(minlength=4).tolist()) == sorted(expected)
    torch.manual_seed(7)
    again = load(house, val_fraction=fraction)
    assert numbers(again.val) == numbers(data.val) and numbers(again.train) == numbers(data.train)


def test_speakers_are_held_out_whole(house):
    write(house / "data", PUBLISHED)
    data = load(house, val_speakers=[2, 0])
    assert sorted(numbers(data.val)) == [k for k in range(20) if k % 3 != 1]
    assert sorted(numbers(data.train)) == [k for k in range(20) if k % 3 == 1]
    assert set(data.train.speakers.tolist()) == {1} and set(data.val.speakers.tolist()) == {0, 2}
    assert numbers(data.train) != sorted(numbers(data.train))


def test_a_subset_is_of_the_training_set_alone_and_grows_by_adding(house):
    write(house / "data", PUBLISHED)
    whole, five, ten = (load(house, subset=subset, val_fraction=0.2) for subset in (0, 5, 10))
    assert numbers(five.train) == numbers(ten.train)[:5] == numbers(whole.train)[:5]
    assert numbers(five.val) == numbers(whole.val) and len(five.test) == 8


def test_only_the_training_split_is_augmented_and_all_are_binned_as_said(house):
    write(house / "data", PUBLISHED)
    augmentation, binning = Augmentation(0.1), Binning(2.0, 50, "sample", "binary")
    data = load(house, val_fraction=0.2, subset=5, augmentation=augmentation, binning=binning)
    assert data.train.augmentation is augmentation and data.val.augmentation is data.test.augmentation is None
    assert {split.binning for split in (data.train, data.val, data.test)} == {binning}
    assert load(house).test.binning == Binning(3.0, 333)


def test_events_stand_in_when_asked_for(house, capsys, monkeypatch):
    monkeypatch.setattr(download, "fetch", None)
    write(house / "data", PUBLISHED)
    data = load(house, source="sample", val_fraction=0.2)
    assert (data.name, data.stand_in, data.in_shape) == ("synthetic spoken digits", True, (700,))
    assert [len(split) for split in (data.train, data.val, data.test)] == [1600, 400, 500] and data.num_classes == 20
    assert set(data.test.speakers.tolist()) - set(data.train.speakers.tolist()) == {5}
    assert set(data.hashes) == {"spoken_digits_train", "spoken_digits_test"} and len(set(data.hashes.values())) == 2
    message = capsys.readouterr().err
    assert "NOT the set SHD" in message and "source=published" in message and str(house / "data" / "SHD") in message


def test_events_stand_in_where_nothing_can_be_had(house, capsys):
    assert load(house).name == "synthetic spoken digits"
    message = capsys.readouterr().err
    assert "cannot download" in message and "NOT the set SHD" in message
    assert not list(house.rglob("*.h5*"))


def test_only_the_published_set_will_do_if_so_asked(house):
    with pytest.raises(ValueError) as caught:
        load(house, source="published")
    assert all(f"{mirror}{file}.gz" in str(caught.value) for mirror in shd.MIRRORS for file in (TRAIN, TEST))
    assert str(house / "data" / "SHD") in str(caught.value)


def test_a_download_goes_on_from_mirror_to_mirror_and_file_to_file(house, monkeypatch):
    """The mirror `a` gives another set's file for one of the two; the cache is kept unpacked."""
    given = {"a": write(house / "a", {TRAIN: PUBLISHED[TRAIN], TEST: OTHER[TEST]}, ".gz"),
             "b": write(house / "b", PUBLISHED, ".gz")}  # fmt: skip
    asked = []

    def transfer(url, path):
        mirror, file = url.split("/")[-2:]
        asked.append((mirror, file))
        shutil.copy(given[mirror] / file, path)

    monkeypatch.setattr(download, "_transfer", transfer)
    data = load(house, source="published")
    assert (data.name, data.stand_in, len(data.train)) == ("SHD", False, 20)
    assert asked == [("a", TRAIN + ".gz"), ("a", TEST + ".gz"), ("b", TEST + ".gz")]
    assert sorted(os.listdir(house / "cache" / "SHD")) == [TEST, TRAIN]
    load(house)
    assert len(asked) == 3


@pytest.mark.skipif(not REAL.is_dir(), reason="$SNN_DATA has no fsdd_shd")
def test_real_recordings(house):
    data = shd.load(REAL, val_speakers=[0], binning=Binning(1.0, 3000, "sample"))
    assert (data.name, data.stand_in, data.num_classes, data.in_shape) == ("fsdd_shd", True, 10, (700,))
    assert [len(split) for split in (data.train, data.val, data.test)] == [1900, 475, 625]
    assert data.test.speakers.bincount().tolist() == [25, 25, 25, 25, 500, 25]
    assert len(data.train.times) / 2375 == pytest.approx(4085.056, abs=1e-3)
    inputs, _ = data.test.batch(slice(None, 100))
    assert len(inputs.units) == data.test.offsets[100] and inputs.mask.sum(0).mean() == pytest.approx(400, abs=60)


def test_one_file_twice_a_file_for_a_folder_and_times_in_milliseconds_are_refused(house):
    write(house / "data", {TRAIN: OTHER[TRAIN], TEST: OTHER[TRAIN]})
    with pytest.raises(ValueError, match="hold the same recordings"):
        load(house)
    with pytest.raises(ValueError, match="data_dir must name a folder"):
        shd.load(str(house / "data" / TRAIN))
    arrays = made(first=31) | {"times": [1000.0 + values for values in made(first=31)["times"]]}
    write(house / "data", OTHER | {TEST: hdf5(arrays)})
    with pytest.raises(ValueError, match="no event of the test set of data comes before 0.999 s"):
        load(house)


def test_events_that_come_too_late_are_counted_and_told(house, capsys):
    write(house / "data", OTHER)
    load(house)
    assert "left out" not in capsys.readouterr().err
    load(house, binning=Binning(1.0, 35))
    times = np.concatenate(made(first=1)["times"]).astype(np.float16).astype(np.float32)
    share = (times >= 0.035).mean()
    assert 0 < share < 1
    assert f"the training set of data: {share:.2%} of the events come after 0.035 s and are" in capsys.readouterr().err
