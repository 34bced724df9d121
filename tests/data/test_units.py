"""Times in another unit than a set's own are refused, and what comes too late to be read is told."""

import numpy as np
import pytest
from helpers import gesture_machine, shd_set
from helpers.gesture_set import npy

from common.data import report_times, shd
from common.data.events import Binning
from common.data.gesture import TEST, TRAIN
from common.data.gesture.frames import Framing


def spoken(tmp_path, factor, first):
    """SHD files whose recordings last .5 to .9 s, times `factor`, and begin with an event at `first`."""
    generator = np.random.default_rng(0)
    files = {}
    for number, file in enumerate((shd.TRAIN, shd.TEST)):
        arrays = shd_set.made(first=number)
        arrays["times"] = [factor * np.sort(generator.uniform(0.01, 0.5 + k / 50, 50)) for k in range(20)]
        arrays["units"] = [np.arange(50) for _ in range(20)]
        for times in arrays["times"]:
            times[0] = first
        files[file] = shd_set.hdf5(arrays, {"times": np.float32, "units": np.uint16})
    return shd_set.write(tmp_path / "data", files)


@pytest.fixture(params=[0.0, 0.02])
def first(request):
    """The first event's time, such as slips through where only a set of none in time is refused."""
    return request.param


@pytest.mark.parametrize("factor, unit", [(1e3, "ms"), (1e6, "\u00b5s"), (1e9, "ns")])
def test_spoken_digits_in_another_unit_are_refused(tmp_path, monkeypatch, factor, unit, first):
    spoken(tmp_path, factor, first)
    house = shd_set.machine(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match=f"training set of data: half .*seem to be in {unit}: store them in s$"):
        shd_set.load(house)


def gestures(tmp_path, scale, kind):
    """Recordings of 6 s, 500 events each, the ms times `scale`."""
    generator = np.random.default_rng(0)
    parts = {part: {f"user0{user}_a/{label}.npy": None for user in users for label in range(3)}
             for part, users in ((TRAIN, (1, 2)), (TEST, (3,)))}
    for files in parts.values():
        for name in files:
            events = generator.integers(0, [128, 128, 2, 6000], (500, 4)).astype(np.float64)
            events[:, 3] = scale * np.sort(events[:, 3])
            files[name] = npy(events.astype(kind))
    gesture_machine.write_set(tmp_path / "data", parts)


@pytest.mark.parametrize("framing", [Framing("dt", 100, 5.0, downsample=32), Framing("number", 5, downsample=32),
                                     Framing("time", 5, downsample=32)])
@pytest.mark.parametrize("scale, kind, unit", [(1000, np.int64, "\u00b5s"), (0.001, np.float64, "s")])
def test_gestures_in_another_unit_are_refused(tmp_path, monkeypatch, framing, scale, kind, unit):
    gestures(tmp_path, scale, kind)
    house = gesture_machine.machine(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match=f"training set of data: half .*seem to be in {unit}: store them in ms$"):
        gesture_machine.load(house, framing=framing)


def test_what_frames_leave_out_is_told_also_of_frames_that_are_there_already(tmp_path, monkeypatch, capsys):
    gestures(tmp_path, 1, np.int16)
    house = gesture_machine.machine(tmp_path, monkeypatch)
    late = {part: np.concatenate([recording[:, 3] - recording[0, 3] for path in sorted((house / "data" / part).rglob(
        "*.npy")) for recording in [np.load(path)]]) >= 500 for part in (TRAIN, TEST)}
    for _ in range(2):
        gesture_machine.load(house, framing=Framing("dt", 100, 5.0, downsample=32), framing_test=Framing("number", 5))
        message = capsys.readouterr().err
        assert f"the training set of data: {late[TRAIN].mean():.2%} of the events come after 0.5 s and are" in message
        assert "the test set" not in message
    gesture_machine.load(house, framing=Framing("dt", 100, 5.0, downsample=32))
    assert f"the test set of data: {late[TEST].mean():.2%} of the events come" in capsys.readouterr().err


@pytest.mark.parametrize("lasting, unit", [([0.0], "ms"), ([], "ms"), ([0.02, 18], "ms"), ([1.4, 0.3], "s"),
                                           ([65.0], "s"), ([90.0], "ms"), ([0.001], "s")])
def test_recordings_that_may_be_what_they_say_are_taken(capsys, lasting, unit):
    report_times("mine", unit, np.array(lasting), 0, 5, 1.0)
    assert capsys.readouterr().err == ""


def test_long_recordings_are_taken_where_the_window_is_as_long(capsys):
    report_times("mine", "s", np.array([700.0]), 1, 10, 800.0)
    assert capsys.readouterr().err == "mine: 10.00% of the events come after 800 s and are left out\n"


def test_a_window_before_all_events_is_refused(tmp_path, monkeypatch):
    spoken(tmp_path, 1, 0.02)
    house = shd_set.machine(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match="no event of the training set of data comes before 0.002 s"):
        shd_set.load(house, binning=Binning(1.0, 2))
