"""Splits of recordings of gestures: what a batch holds, what is held out, what is augmented."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.gesture_machine import OTHER, PUBLISHED, load, made, write_set
from helpers.gesture_set import npy, write

from common.data import gesture
from common.data.gesture import TEST, TRAIN, tonic_folder
from common.data.gesture.augmentation import GestureAugmentation
from common.data.gesture.frames import Framing

REAL = Path(os.environ.get("SNN_DATA") or "-") / "dvs_objects"


def test_what_is_in_the_files_is_in_the_splits(house):
    write_set(house / "data", PUBLISHED)
    data = load(house, framing=Framing("time", 3))
    assert sorted(zip(data.train.users.tolist(), data.train.labels.tolist(), strict=True)) == [
        (user, label) for user in (1, 2, 3) for label in range(11)]
    for split in (data.train, data.test):
        frames, labels = split.batch(slice(None))
        assert frames.shape == (len(split), 3, 2, 128, 128) and labels.equal(split.labels)
        for k in range(len(split)):
            user, label = split.users[k].item(), split.labels[k].item()
            assert frames[k].sum() == frames[k, 2, 1, label, user] == user + label + 1


def test_the_test_set_may_have_other_frames(house):
    write_set(house / "data", PUBLISHED)
    data = load(house, framing=Framing("dt", 3, 5.0), framing_test=Framing("dt", 7, 5.0), val_fraction=0.4)
    assert [split.batch(slice(2))[0].shape[1] for split in (data.train, data.val, data.test)] == [3, 3, 7]


def test_validation_by_class_by_user_and_a_subset(house):
    write_set(house / "data", PUBLISHED)
    data = load(house, val_fraction=1 / 3, subset=5)
    assert (len(data.train), len(data.test)) == (5, 22) and sorted(data.val.labels.tolist()) == list(range(11))
    again = load(house, val_fraction=1 / 3)
    assert again.val.users.equal(data.val.users) and again.train.labels[:5].equal(data.train.labels)
    data = load(house, val_users=[2])
    assert set(data.train.users.tolist()) == {1, 3} and data.val.users.tolist() == [2] * 11
    for split in (data.train, data.val):
        frames, labels = split.batch(torch.arange(len(split)))
        assert frames.sum((1, 2, 3, 4)).tolist() == (split.users + labels + 1).tolist()


@pytest.mark.parametrize("options, message", [
    ({"source": "here"}, 'source must be "auto", "published" or "sample"'),
    ({"val_fraction": 1.0}, "val_fraction 1.0 of 33 must leave samples"),
    ({"val_fraction": 0.001}, "and some to validate on"),
    ({"val_fraction": 0.1, "val_users": [1]}, "val_fraction and val_users exclude each other"),
    ({"val_users": [8]}, r"val_users must be among the training set's users \[1, 2, 3\], got \[8\]"),
    ({"val_users": [3, 2, 1]}, "leave nobody to train on"),
    ({"subset": 34}, "subset must lie in 0..33"),
])
def test_a_wrong_argument_is_an_error(house, options, message):
    write_set(house / "data", PUBLISHED)
    with pytest.raises(ValueError, match=message):
        load(house, **options)


def test_another_set_has_as_many_classes_as_labels_and_its_test_set_no_more(house):
    write_set(house / "data", {TRAIN: made((1, 2), range(5)), TEST: made((8,), range(4))})
    assert load(house).num_classes == 5
    write(house / "data" / TEST, made((8,), range(6)))
    with pytest.raises(ValueError, match=f"{house}.*user08_led/5.npy: the label, its name, must lie in 0..4"):
        load(house)


def test_a_test_set_that_is_the_training_set_is_refused(house):
    write_set(house / "data", {TRAIN: PUBLISHED[TRAIN], TEST: PUBLISHED[TRAIN]})
    with pytest.raises(ValueError, match=f"{TRAIN} and {TEST} hold the same samples"):
        load(house)


@pytest.mark.parametrize("content, message", [
    (b"", "is no .npy file"),
    (npy(np.array([[1, 2, 3, 4]])), "event 0 is off the sensor"),
    (npy(np.array([[1, 2, 1, 4], [1, 128, 1, 4]])), "event 1 is off the sensor"),
])
@pytest.mark.parametrize("part", [TRAIN, TEST])
@pytest.mark.parametrize("augmentation", [None, GestureAugmentation(drop=0.1)])
def test_a_damaged_recording_is_named_before_training(house, part, content, message, augmentation):
    write_set(house / "data", PUBLISHED)
    path = house / "data" / part / next(iter(PUBLISHED[part]))
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path} {message}"):
        load(house, augmentation=augmentation)
    path.write_bytes(npy(np.empty((0, 4))))
    data = load(house, augmentation=augmentation)
    frames = (data.train if part == TRAIN else data.test).batch(slice(None))[0]
    assert (~frames.flatten(1).any(1)).sum() == 1


def test_an_augmented_recording_is_read_each_time_and_validation_is_left_alone(house, monkeypatch):
    write_set(house / "data", PUBLISHED, packed=True)
    data = load(house, val_users=[1], augmentation=GestureAugmentation(flip_lr=True), framing=Framing("number", 1))
    frames, labels = data.train.batch(slice(None))
    columns = frames.sum((1, 2, 3)).argmax(1)
    flipped = columns == 127 - data.train.users
    assert (columns == torch.where(flipped, 127 - data.train.users, data.train.users)).all()
    assert 0 < flipped.sum() < 22 and (labels == data.train.labels)[~flipped].all()
    swapped = torch.tensor([0, 2, 1, 6, 5, 4, 3, 7, 8, 9, 10])[data.train.labels]
    assert (labels == swapped)[flipped].all()
    monkeypatch.setattr(tonic_folder, "events", None)
    assert data.val.batch(slice(None))[1].equal(data.val.labels)


def test_only_the_gestures_are_mirrored(house):
    write_set(house / "data", OTHER)
    with pytest.raises(ValueError, match="flip_lr swaps classes of DVS128 Gesture, which data need not have"):
        load(house, augmentation=GestureAugmentation(flip_lr=True))
    assert load(house, source="sample", augmentation=GestureAugmentation(flip_lr=True)).stand_in


@pytest.mark.skipif(not REAL.is_dir(), reason="needs dvs_objects in $SNN_DATA")
def test_real_recordings_in_this_layout(house, capsys):
    tonic = pytest.importorskip("tonic")
    data = gesture.load(REAL, framing=Framing("dt", 8, 25.0), val_fraction=0.15)
    assert (len(data.train), len(data.val), len(data.test), data.num_classes) == (128, 22, 106, 5)
    assert (data.name, data.stand_in) == ("dvs_objects/DVSGesture", True)
    frame = tonic.transforms.ToFrame((128, 128, 2), time_window=25000, include_incomplete=True)
    for user, label in ((6, 0), (17, 3)):
        events = np.load(REAL / "DVSGesture" / TRAIN / f"user{user:02}_session2" / f"{label}.npy")
        fields = np.lib.recfunctions.unstructured_to_structured(
            events * [1, 1, 1, 1000], tonic.datasets.DVSGesture.dtype)
        for split in (data.train, data.val):
            place = ((split.users == user) & (split.labels == label)).nonzero()[:, 0]
            for frames in split.batch(place)[0]:
                assert (frames.numpy() == frame(fields)[:8]).all()
