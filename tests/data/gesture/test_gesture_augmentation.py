import numpy as np
import pytest
import torch

from common.data.gesture.augmentation import MIRRORED, GestureAugmentation

GESTURES = ["hand clapping", "right hand wave", "left hand wave", "right arm clockwise", "right arm counter-clockwise",
            "left arm clockwise", "left arm counter-clockwise", "arm roll", "air drums", "air guitar",
            "other"]


def events(num_events=2000, place=(60, 70), seed=0):
    times = np.sort(np.random.default_rng(seed).integers(0, 10**6, num_events))
    return np.column_stack([np.tile([*place, 1], (num_events, 1)), times])


def test_a_mirror_changes_the_side_and_the_sense():
    swap = {"right": "left", "left": "right", "clockwise": "counter-clockwise", "counter-clockwise": "clockwise"}
    for label, name in enumerate(GESTURES):
        assert GESTURES[MIRRORED[label]] == " ".join(swap.get(word, word) for word in name.split())


def test_flips_are_every_other_recording_and_change_x_and_the_label_together():
    augment, labels = GestureAugmentation(flip_lr=True), []
    for _ in range(200):
        changed, label = augment(events(5), 1)
        labels.append(label)
        assert changed[:, 0].tolist() == [60 if label == 1 else 67] * 5 and (changed[:, 1:] == events(5)[:, 1:]).all()
    assert set(labels) == {1, 2} and 70 < labels.count(2) < 130


def test_a_shift_moves_all_events_of_a_recording_alike():
    moved = []
    for _ in range(300):
        changed, label = GestureAugmentation(shift_pixels=3)(events(5), 4)
        assert label == 4 and (changed[:, 2:] == events(5)[:, 2:]).all() and len(np.unique(changed[:, :2], axis=0)) == 1
        moved.append(changed[0, :2] - [60, 70])
    assert np.unique(moved, axis=0).tolist() == [[x, y] for x in range(-3, 4) for y in range(-3, 4)]
    assert len(GestureAugmentation(shift_pixels=100)(events(5, (0, 0)), 0)[0]) in (0, 5)  # off the sensor, or on it


def test_dropping_leaves_out_a_random_share():
    kept = [len(GestureAugmentation(drop=0.5)(events(), 0)[0]) for _ in range(50)]
    assert 1000 <= min(kept) < 1200 and 1800 < max(kept) <= 2000


def test_jitter_moves_places_evenly_and_leaves_out_what_is_off_the_sensor():
    changed, label = GestureAugmentation(jitter_pixels=2.0)(events(20000), 4)
    moved = changed[:, :2] - [60, 70]
    assert label == 4 and abs(moved.mean(0)).max() < 0.06  # 4 standard errors of 2 / sqrt(20000)
    assert abs(moved.std(0) - np.sqrt(4 + 1 / 12)).max() < 0.05
    corner, _ = GestureAugmentation(jitter_pixels=2.0)(events(20000, (0, 127)), 4)
    assert (corner[:, :2] >= 0).all() and (corner[:, :2] < 128).all()
    assert len(corner) == pytest.approx(20000 * 0.5987**2, rel=0.04)  # P(2 n > -.5) = .5987, either way


def test_jitter_moves_times_and_keeps_their_order():
    at_once = np.column_stack([np.tile([[1, 2, 0]], (5000, 1)), [10**6] * 5000])
    changed, _ = GestureAugmentation(jitter_ms=3.0)(at_once, 0)
    assert (np.diff(changed[:, 3]) >= 0).all() and abs(changed[:, 3].std() - 3000) < 150 and len(changed) == 5000


def test_noise_is_anywhere_of_either_polarity_within_the_recording():
    changed, _ = GestureAugmentation(noise=4000)(events(100), 0)
    assert len(changed) == 4100 and (np.diff(changed[:, 3]) >= 0).all()
    added = changed[(changed[:, :2] != [60, 70]).any(1)]
    assert 0.4 < added[:, 2].mean() < 0.6
    for axis in (0, 1):
        assert set(range(128)) == set(added[:, axis].tolist())
    assert changed[:, 3].max() <= events(100)[:, 3].max()


def test_on_average_nothing_moves_and_the_documented_share_is_left_out():
    """In 400 recordings; four standard errors each: a shift by up to 8 has a deviation of sqrt((17² - 1) / 12)."""
    kept, shifts, flips, mid = [], [], 0, events(5)
    for _ in range(400):
        kept.append(len(GestureAugmentation(drop=0.6)(events(500), 0)[0]) / 500)
        shifts.append(GestureAugmentation(shift_pixels=8)(mid, 0)[0][0, :2] - [60, 70])
        flips += GestureAugmentation(flip_lr=True)(mid, 1)[1] == 2
    assert abs(np.mean(kept) - 0.7) < 4 * 0.6 / 12**0.5 / 20 and abs(np.std(kept) - 0.6 / 12**0.5) < 0.02
    assert abs(np.mean(shifts, 0)).max() < 4 * 4.9 / 20 and abs(np.std(shifts, 0) - 4.9).max() < 0.5
    assert abs(flips / 400 - 0.5) < 4 * 0.5 / 20


def test_on_average_jitter_and_noise_leave_times_and_places_in_the_middle():
    at_once = np.column_stack([np.tile([[63, 64, 0]], (5000, 1)), [10**6] * 5000])
    changed, _ = GestureAugmentation(jitter_ms=3.0, jitter_pixels=2.0)(at_once, 0)
    assert len(changed) == 5000 and abs(changed[:, 3].mean() - 10**6) < 4 * 3000 / 5000**0.5
    assert abs(changed[:, :2].mean(0) - [63, 64]).max() < 4 * 2 / 5000**0.5
    ends = np.array([[0, 0, 0, 0], [0, 0, 0, 10**6]])
    added = np.sort(GestureAugmentation(noise=4000)(ends, 0)[0].T, 1)[:, 1:-1].T
    assert len(added) == 4000 and abs(added[:, :2].mean(0) - 63.5).max() < 4 * 128 / 12**0.5 / 4000**0.5
    assert abs(added[:, 2].mean() - 0.5) < 4 * 0.5 / 4000**0.5
    assert abs(added[:, 3].mean() - 5 * 10**5) < 4 * 10**6 / 12**0.5 / 4000**0.5


@pytest.mark.parametrize("augment", [GestureAugmentation(), GestureAugmentation(True, 1.0, 1.0, 0.5, 10)])
def test_a_recording_without_events_stays_one(augment):
    changed, _ = augment(np.empty((0, 4), np.int64), 3)
    assert changed.shape == (0, 4) and changed.dtype == np.int64


def test_the_numbers_are_torch_s_alone():
    augment = GestureAugmentation(True, 1.0, 1.0, 0.5, 100)
    results = []
    for numpy_seed in (1, 2):
        np.random.seed(numpy_seed)
        torch.manual_seed(5)
        results.append(augment(events(), 3))
    assert (results[0][0] == results[1][0]).all() and results[0][1] == results[1][1]
    assert not np.array_equal(augment(events(), 3)[0], results[0][0])


@pytest.mark.parametrize("arguments, message", [
    ({"drop": 1.0}, r"drop must lie in \[0, 1\), got 1.0"),
    ({"jitter_pixels": -1.0}, "jitter_pixels must be 0 or more"),
    ({"jitter_ms": float("nan")}, "jitter_ms must be 0 or more and finite, got nan"),
    ({"noise": 1.5}, "noise must be a whole number"),
    ({"noise": -1}, "noise must be a whole number"),
])
def test_a_wrong_augmentation_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        GestureAugmentation(**arguments)
