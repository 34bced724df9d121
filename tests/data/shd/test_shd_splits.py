"""Splits of SHD: what they hold, what is held out, what is augmented, what is refused."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.shd_set import OTHER, PUBLISHED, hdf5, load, made, write

from common.data import shd
from common.data.events import Binning
from common.data.shd import TEST, TRAIN
from common.data.shd.augmentation import SpokenDigitsAugmentation

REAL = Path(os.environ.get("SNN_DATA") or "-") / "fsdd_shd"


def numbers(split):
    """The number k of each sample of a made set, by its channel."""
    return [int(split.units[split.offsets[r]]) for r in split.samples]


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
    augmentation, binning = SpokenDigitsAugmentation(0.1), Binning(2.0, 50, "sample", "binary")
    data = load(house, val_fraction=0.2, subset=5, augmentation=augmentation, binning=binning)
    assert data.train.augmentation is augmentation and data.val.augmentation is data.test.augmentation is None
    assert {split.binning for split in (data.train, data.val, data.test)} == {binning}
    assert load(house).test.binning == Binning(3.0, 333)


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
    with pytest.raises(ValueError, match="hold the same samples"):
        load(house)
    with pytest.raises(ValueError, match="data_dir must name a folder"):
        shd.load(str(house / "data" / TRAIN))
    arrays = made(first=31) | {"times": [1000.0 + values for values in made(first=31)["times"]]}
    write(house / "data", OTHER | {TEST: hdf5(arrays)})
    with pytest.raises(ValueError, match="the test set of data: half its recordings last 1000 s .* to be in ms"):
        load(house)


def test_events_that_come_too_late_are_counted_and_told(house, capsys):
    write(house / "data", OTHER)
    load(house)
    assert "left out" not in capsys.readouterr().err
    load(house, binning=Binning(1.0, 35))
    times = np.concatenate(made(first=1)["times"]).astype(np.float16).astype(np.float32)
    fraction = (times >= 0.035).mean()
    assert 0 < fraction < 1
    message = f"the training set of data: {fraction:.2%} of the events come after 0.035 s and are"
    assert message in capsys.readouterr().err
