import os

import numpy as np
import pytest

from common.data.gesture import scene
from common.data.gesture.augmentation import MIRRORED
from common.data.gesture.scene import LEFT, LEFT_CCW, OTHER, RIGHT, RIGHT_CCW, RIGHT_CW


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("scenes") / "set"
    scene.make(place)
    return place


def recordings(folder, top):
    """(events, labels) of a part."""
    paths = sorted((folder / top).glob("*/*.npy"))
    return [np.load(path) for path in paths], np.array([int(path.stem) for path in paths])


def coarse(events):
    """Events of either polarity by 8 x 8 places and 10 times, log-counted."""
    edges = [np.linspace(0, size, num + 1) for size, num in ((1500, 10), (2, 2), (128, 8), (128, 8))]
    return np.log1p(np.histogramdd(events[:, [3, 2, 1, 0]], edges)[0]).ravel()


def test_the_set_is_whole_and_has_unheard_users_in_the_test(folder):
    assert scene.is_whole(folder)
    users = {top: {name[4:6] for name in os.listdir(folder / top)} for top in scene.SESSIONS}
    assert not set.intersection(*users.values())
    counts = {top: np.bincount(recordings(folder, top)[1]).tolist() for top in users}
    assert counts == {"ibmGestureTrain": [12] * 11, "ibmGestureTest": [4] * 11}
    next(folder.rglob("*.npy")).rename(folder / "gone")
    assert not scene.is_whole(folder)
    (folder / "gone").rename(folder / "ibmGestureTest" / "user07_session1" / "0.npy")


def test_recordings_are_events_of_the_sensor_in_time_s_order(folder):
    for top in scene.SESSIONS:
        for events in recordings(folder, top)[0]:
            assert (np.diff(events[:, 3]) >= 0).all() and (events >= 0).all()
            assert (events < [128, 128, 2, 1500]).all() and 1000 < len(events) < 10**5
            assert 0.2 < events[:, 2].mean() < 0.8 and events[-1, 3] > 1300


def test_the_same_numbers_make_the_same_recording():
    assert (scene.recording(3, 2, 1) == scene.recording(3, 2, 1)).all()
    others = [scene.recording(*numbers) for numbers in ((3, 2, 2), (3, 1, 1), (4, 2, 1))]
    assert len({len(events) for events in others} | {len(scene.recording(3, 2, 1))}) > 1


@pytest.mark.parametrize("label", range(OTHER))
def test_the_mirror_of_a_gesture_is_the_gesture_that_a_flip_says(label):
    if label in (scene.GUITAR, scene.ROLL, scene.DRUMS):
        return  # what both hands do is not quite even; to the camera the mirrored is the same gesture
    angle = np.linspace(0, 6, 50)
    for side in (RIGHT, LEFT):
        hands = [np.stack(scene.hand(name, arm, angle, None))
                 for name, arm in ((label, side), (MIRRORED[label], 1 - side))]
        assert np.allclose(*hands)  # outwards and down, so that mirrored hands are equal


@pytest.mark.parametrize("label, side, sense", [(RIGHT_CW, RIGHT, 1), (RIGHT_CCW, RIGHT, -1), (LEFT_CCW, LEFT, -1)])
def test_arms_turn_as_their_names_say_before_the_camera(label, side, sense):
    joints = scene._joints(label, (40, 1.0, 64, 50, 0.0), None)[:, :, 2]  # of the hands
    x, y = (joints[:, side] - joints[:, side].mean(0)).T
    turn = x[:-1] * y[1:] - x[1:] * y[:-1]  # positive: clockwise where y points down
    assert (sense * turn > 0).all() and (joints[:, 1 - side] == joints[0, 1 - side]).all()


def test_gestures_are_told_apart_by_their_movement_and_not_by_how_many_events_there_are(folder):
    linear_model = pytest.importorskip("sklearn.linear_model")
    (train, labels), (test, test_labels) = (recordings(folder, top) for top in scene.SESSIONS)
    scores = {}
    for name, features in (("counts", lambda events: np.log1p(np.bincount(events[:, 2], minlength=2))),
                           ("places and times", coarse)):
        model = linear_model.LogisticRegression(max_iter=5000, C=0.1)
        model.fit([features(events) for events in train], labels)
        scores[name] = model.score([features(events) for events in test], test_labels)
    print(scores)
    assert scores["counts"] < 0.35 and 0.5 < scores["places and times"], scores
