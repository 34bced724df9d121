import numpy as np
import pytest
import torch
from helpers.gesture_set import recording, slowly

from common.data.gesture.frames import DONE, FULL, SIDE, Frames, Framing


def counted(framing, events, kind=np.uint8):
    """(counts [T, 2, H, W], durations [T] in us)"""
    counts, durations = np.zeros(framing.shape, kind), np.zeros(framing.num_steps)
    assert framing.count(events, counts, durations) == DONE
    return counts, durations


@pytest.mark.parametrize("num_events, num_steps", [(997, 20), (40, 20), (20, 20), (19, 20), (7, 3), (5, 1), (1, 4)])
def test_split_by_number_gives_each_frame_as_many_and_the_last_the_rest(num_events, num_steps):
    events, size = recording(num_events), num_events // num_steps
    ends = [size * j for j in range(num_steps)] + [num_events]
    parts = [events[start:stop] for start, stop in zip(ends, ends[1:], strict=False)]
    counts, durations = counted(Framing("number", num_steps), events)
    assert (counts == slowly(parts)).all() and counts.sum() == num_events
    assert durations.tolist() == [events[min(stop, num_events - 1), 3] - events[start, 3]
                                  for start, stop in zip(ends, ends[1:], strict=False)]


@pytest.mark.parametrize("num_steps", [1, 7, 20, 300])
def test_split_by_time_gives_each_frame_as_long_and_the_last_the_rest(num_steps):
    events = recording(500)
    times = events[:, 3] - events[0, 3]
    length = times[-1] // num_steps
    starts = length * np.arange(num_steps)
    stops = [*starts[1:], times[-1] + 1]
    parts = [events[(times >= start) & (times < stop)] for start, stop in zip(starts, stops, strict=True)]
    counts, durations = counted(Framing("time", num_steps), events)
    assert (counts == slowly(parts)).all() and counts.sum() == 500
    assert (durations[:-1] == length).all() and durations.sum() == times[-1]


@pytest.mark.parametrize("dt_ms, num_steps", [(5.0, 20), (5.0, 7), (0.5, 300), (33.0, 10)])
def test_split_by_dt_starts_at_the_first_event_drops_what_is_late_and_leaves_the_end_empty(dt_ms, num_steps):
    events = recording(500)
    times = (events[:, 3] - events[0, 3]) / 1000
    parts = [events[(times >= dt_ms * j) & (times < dt_ms * (j + 1))] for j in range(num_steps)]
    counts, durations = counted(Framing("dt", num_steps, dt_ms, downsample=4), events)
    assert (counts == slowly(parts, SIDE // 4)).all()
    assert counts.sum() == (times < dt_ms * num_steps).sum() and (durations == 1000 * dt_ms).all()


def test_frames_by_hand():
    events = np.array([[0, 0, 1, 0], [5, 3, 0, 1000], [4, 2, 0, 1000], [127, 126, 1, 4000], [127, 127, 1, 9000]])
    counts, _ = counted(Framing("number", 2, downsample=2), events)
    assert np.argwhere(counts).tolist() == [[0, 0, 1, 2], [0, 1, 0, 0], [1, 0, 1, 2], [1, 1, 63, 63]]
    assert counts[1, 1, 63, 63] == 2 and counts.sum() == 5  # frame, polarity, y, x
    counts, _ = counted(Framing("time", 3), events)
    assert counts.sum((1, 2, 3)).tolist() == [3, 1, 1]
    counts, _ = counted(Framing("dt", 3, 2.0), events)
    assert counts.sum((1, 2, 3)).tolist() == [3, 0, 1]


def test_frames_are_those_of_spikingjelly():
    try:
        from spikingjelly.datasets import utils as oracle
    except (ImportError, RuntimeError) as error:  # it imports torchvision, which is particular about torch's build
        pytest.skip(f"SpikingJelly's data sets cannot be imported: {error}")
    for seed in range(5):
        events = recording(900, seed)
        columns = dict(zip("xypt", events.T, strict=True))
        for split_by in ("number", "time"):
            expected = oracle.integrate_events_by_fixed_frames_number(columns, split_by, 20, SIDE, SIDE)
            assert (counted(Framing(split_by, 20), events)[0] == expected).all()


@pytest.mark.parametrize("framing", [Framing("number", 4), Framing("time", 4), Framing("dt", 4, 5.0)])
def test_a_recording_without_events_is_empty_frames_and_one_instant_is_one_frame(framing):
    counts, durations = counted(framing, np.empty((0, 4), np.int64))
    assert not counts.any()
    for normalization in ("none", "frequency", "max", "norm", "sum"):
        how = Framing(framing.split_by, 4, framing.dt_ms, normalization)
        assert not how.normalise(torch.zeros(framing.shape), torch.from_numpy(durations).float()).any()
    counts, durations = counted(framing, np.array([[1, 2, 0, 5000]] * 3))
    assert counts[3 if framing.split_by != "dt" else 0].sum() == 3 == counts.sum()


@pytest.mark.parametrize("wrong", [[128, 0, 0], [-1, 0, 0], [0, 128, 0], [0, -1, 0], [0, 0, 2], [0, 0, -1],
                                   [2**40, 0, 0]])
@pytest.mark.parametrize("downsample", [1, 4])
def test_an_event_off_the_sensor_is_told_and_not_counted(wrong, downsample):
    events = recording(50)
    events[33, :3] = wrong
    for framing in (Framing("number", 5, downsample=downsample), Framing("dt", 5, 1e3, downsample=downsample)):
        assert framing.count(events, np.zeros(framing.shape, np.uint8), np.zeros(5)) == 33


def test_a_count_that_exceeds_its_type_is_told():
    events = np.tile([[3, 3, 0, 0]], (256, 1))
    framing = Framing("number", 1)
    assert framing.count(events, np.zeros(framing.shape, np.uint8), np.zeros(1)) == FULL
    assert framing.count(events[1:], np.zeros(framing.shape, np.uint8), np.zeros(1)) == DONE
    assert counted(framing, events, np.uint16)[0][0, 0, 3, 3] == 256


@pytest.mark.parametrize("arguments, message", [
    (("events", 5), "split_by must be one of .*number.*got 'events'"),
    (("number", 0), "num_steps must be a whole number, 1 or more, got 0"),
    (("number", 2.0), "num_steps must be"),
    (("dt", 5), "dt_ms goes with split_by=dt, got None"),
    (("time", 5, 3.0), "dt_ms goes with split_by=dt, got 3.0 with split_by=time"),
    (("dt", 5, 0.0), "dt_ms must exceed 0"),
    (("dt", 5, float("nan")), "dt_ms must exceed 0"),
    (("number", 5, None, "mean"), "normalization must be one of .*got 'mean'"),
    (("number", 5, None, "none", 3), "downsample must be a whole number that divides 128, got 3"),
    (("number", 5, None, "none", 0), "downsample must be"),
])
def test_a_wrong_framing_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        Framing(*arguments)


class Store:
    """Recording r has r + 1 events on pixel (x 1, y 0) of frame r % 3, in 2 s a frame."""

    def read(self, samples, labels):
        counts = np.zeros((len(samples), 3, 2, 4, 4), np.uint16)
        for k, r in enumerate(samples):
            counts[k, r % 3, 0, 0, 1] = r + 1
        return counts, np.full((len(samples), 3), 2e6), labels


def split(normalization="none"):
    labels = torch.arange(10) + 100
    return Frames(labels, labels - 50, torch.arange(10), Store(), Framing("number", 3, normalization=normalization))


def test_a_split_takes_and_batches():
    taken = split().take(torch.tensor([7, 2, 5])).take(slice(1, None))
    assert (len(taken), taken.labels.tolist(), taken.users.tolist()) == (2, [102, 105], [52, 55])
    frames, labels = taken.to("cpu").batch(torch.tensor([1]))
    assert (frames.shape, frames.dtype, labels.dtype) == ((1, 3, 2, 4, 4), torch.float32, torch.int64)
    assert labels.tolist() == [105] and frames.sum() == frames[0, 2, 0, 0, 1] == 6
    assert split().batch(slice(0, 4))[0].transpose(0, 1).is_contiguous()  # the sequence [T, B, ...]
    assert split().batch(torch.empty(0, dtype=torch.int64))[0].shape == (0, 3, 2, 4, 4)


@pytest.mark.parametrize("normalization, expected, others", [
    ("none", 6.0, 0.0),
    ("frequency", 3.0, 0.0),  # 6 events in 2 s
    ("max", 1.0, 0.0),
    ("sum", 1.0, 0.0),
    ("norm", 3.75, -0.25),  # mean 6 / 16, variance (36 - 16 (6 / 16)^2) / 15 = 36 / 16, of n - 1 as SpikingJelly's
])
def test_normalizations_by_hand(normalization, expected, others):
    frames = split(normalization).batch(torch.tensor([5]))[0][0]
    assert frames[2, 0, 0, 1].item() == pytest.approx(expected, rel=1e-5)
    assert frames[2, 0, 3, 3].item() == pytest.approx(others, rel=1e-5)
    assert not frames[:2].any() and not frames[2, 1].any()


@pytest.mark.parametrize("normalization", ["frequency", "max", "norm", "sum"])
def test_normalizations_of_a_recording_equal_a_plain_loop_over_its_frames(normalization):
    framing = Framing("number", 6, normalization=normalization)
    counts, durations = counted(framing, recording(5000))
    frames = framing.normalise(torch.from_numpy(counts).float(), torch.from_numpy(durations).float())
    for step in range(6):
        for polarity in range(2):
            plane = counts[step, polarity].astype(np.float64)
            expected = {
                "frequency": plane / (durations[step] * 1e-6),
                "max": plane / plane.max(),
                "norm": (plane - np.mean(plane)) / np.std(plane, ddof=1),
                "sum": plane / plane.sum(),
            }[normalization]
            np.testing.assert_allclose(frames[step, polarity].numpy(), expected, rtol=2e-4, atol=2e-6)
