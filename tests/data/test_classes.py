"""Classes that no sample is of."""

import pytest
import torch
from helpers import gesture_machine, image_set, shd_set
from helpers.gesture_machine import made

from common.data import count_classes
from common.data.gesture import TEST, TRAIN
from common.data.shd import TEST as SHD_TEST
from common.data.shd import TRAIN as SHD_TRAIN

TOLD = "the training set of data has no samples of {}, which are {} of its {} classes; labels are numbered from 0\n"


def test_gestures_numbered_from_1_are_told(tmp_path, monkeypatch, capsys):
    house = gesture_machine.machine(tmp_path, monkeypatch)
    gesture_machine.write_set(house / "data", {TRAIN: made((1, 2), range(1, 11)), TEST: made((8,), range(1, 11))})
    assert gesture_machine.load(house).num_classes == 11
    assert TOLD.format([0], 1, 11) in capsys.readouterr().err


def test_spoken_digits_numbered_from_1_are_told(tmp_path, monkeypatch, capsys):
    house = shd_set.machine(tmp_path, monkeypatch)
    files = {}
    for number, file in enumerate((SHD_TRAIN, SHD_TEST)):
        arrays = shd_set.made(first=number)
        arrays["labels"] += 1
        del arrays["keys"]
        files[file] = shd_set.hdf5(arrays)
    shd_set.write(house / "data", files)
    assert shd_set.load(house).num_classes == 5
    assert TOLD.format([0], 1, 5) in capsys.readouterr().err


def test_digits_that_are_not_there_are_told(tmp_path, monkeypatch, capsys):
    house = image_set.machine(tmp_path, monkeypatch)
    files = image_set.made_set(offset=1)
    labels = files[image_set.TRAIN_LABELS]
    files[image_set.TRAIN_LABELS] = labels.replace(b"\x07", b"\x06").replace(b"\x03", b"\x02")
    image_set.write(house / "data", files)
    assert image_set.load(house).num_classes == 10
    assert TOLD.format([3, 7], 2, 10) in capsys.readouterr().err


def test_more_classes_than_samples_are_refused(capsys):
    labels = torch.arange(20)
    assert count_classes(labels, "mine") == count_classes(labels % 7, "mine", 7) + 13 == 20
    assert capsys.readouterr().err == ""
    assert count_classes(labels[:1], "mine", 2) == 2  # a small set of known classes is no wrongly numbered one
    assert "mine has no samples of [1]" in capsys.readouterr().err
    with pytest.raises(ValueError, match="mine has 20 samples of classes 0 to 1019; number its labels from 0"):
        count_classes(labels + 1000, "mine")
