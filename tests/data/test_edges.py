"""An event on the edge between two steps is in the one that begins, by exact fractions, whatever type its time has."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from helpers.gesture_set import npy

from common.data.events import Binning, Events
from common.data.gesture import tonic_folder
from common.data.gesture.frames import DONE, Framing

DTS = [2.007, 3.0, 0.1, 1.7, 33.333, 0.001, 1e-4, 7]
NUM_STEPS = 20_000


def steps_of_units(seconds, dt_ms):
    """The step of each of a recording's events, by its unit, where times are read as of a file of their type."""
    times = torch.from_numpy(seconds.astype(np.float32))
    one, number = torch.zeros(1, dtype=torch.int64), len(times)
    events = Events(times, torch.arange(number).int(), torch.tensor([0, number]), one, one, number,
                    Binning(dt_ms, NUM_STEPS))
    inputs, _ = events.batch(slice(None))
    steps = torch.full((number,), NUM_STEPS)  # those dropped
    steps[inputs.units.long()] = torch.arange(NUM_STEPS).repeat_interleave(inputs.row_starts.diff())
    return steps.tolist()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("dt_ms", DTS)
def test_a_spoken_digit_s_event_on_an_edge_begins_a_step(dt_ms, kind):
    edges = [Fraction(str(dt_ms)) * k / 1000 for k in range(NUM_STEPS + 1)]
    assert steps_of_units(np.array(edges, kind), dt_ms) == list(range(NUM_STEPS + 1))
    multiples = (np.arange(NUM_STEPS + 1) * dt_ms / 1000).astype(kind)
    assert steps_of_units(multiples, dt_ms) == list(range(NUM_STEPS + 1))


@pytest.mark.parametrize("dt_ms", [2.007, 3.0, 0.1, 1.7])
def test_times_in_float16_are_what_they_are(dt_ms):
    """They are coarse, up to a ms: rounded to them, an edge is not on itself."""
    times = np.arange(0x3D00, dtype=np.uint16).view(np.float16)  # all up to 1.25 s
    steps = [min(math.floor(Fraction(float(time)) * 1000 / Fraction(str(dt_ms))), NUM_STEPS) for time in times]
    assert steps_of_units(times, dt_ms) == steps


@pytest.mark.parametrize("dt_ms", [2.007, 3.0])
def test_an_event_beside_an_edge_is_on_its_side(dt_ms):
    edges = np.array([Fraction(str(dt_ms)) * k / 1000 for k in range(1, NUM_STEPS)], np.float32)
    for towards, first in ((0, 0), (np.inf, 1)):
        steps = steps_of_units(np.nextafter(edges, np.float32(towards)), dt_ms)
        assert steps == list(range(first, first + NUM_STEPS - 1))


def steps_of_events(milliseconds, framing, tmp_path):
    """How many of a recording's events each frame has, and one more number, how many are in none."""
    events = np.zeros((len(milliseconds), 4), milliseconds.dtype)
    events[:, 3] = milliseconds
    (tmp_path / "0.npy").write_bytes(npy(events))
    counts = np.zeros(framing.shape, np.uint16)
    assert framing.count(tonic_folder.events(tmp_path / "0.npy", False), counts, np.zeros(framing.num_steps)) == DONE
    return [*counts.sum((1, 2, 3)).tolist(), len(events) - counts.sum()]


@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("dt_ms", [2.007, 3.0, 0.1, 1.7, 0.001, 7])
def test_a_gesture_s_event_on_an_edge_begins_a_frame(tmp_path, dt_ms, kind):
    num_steps = 2000 if kind == "f4" else NUM_STEPS  # up to 2 ** 23 us its values tell us apart
    milliseconds = np.array([Fraction(str(dt_ms)) * k for k in range(num_steps + 1)], kind)
    framing = Framing("dt", num_steps, dt_ms, downsample=128)
    assert steps_of_events(milliseconds, framing, tmp_path) == [1] * (num_steps + 1)


def test_edges_of_three_decimals_are_exact_whatever_dt_ms_is():
    """100 edges of each of 200 durations, their us whole numbers."""
    for microseconds in np.random.default_rng(0).integers(1, 40_000, 200).tolist():
        framing = Framing("dt", 100, microseconds / 1000, downsample=128)
        events = np.zeros((101, 4), np.int64)
        events[:, 3] = 5 + microseconds * np.arange(101)
        counts = np.zeros(framing.shape, np.uint8)
        framing.count(events, counts, np.zeros(100))
        assert (counts.sum((1, 2, 3)) == 1).all(), microseconds


@pytest.mark.parametrize("kind", ["f2", "u2", "i2", "i4", "i8", "f8"])
@pytest.mark.parametrize("dt_ms", [2.007, 3.0, 0.7, 2.0003, 1 / 3])
def test_a_gesture_s_times_of_any_type_fall_as_fractions_do(tmp_path, dt_ms, kind):
    times = np.arange(0, 2000).astype(kind)
    expected = [math.floor(Fraction(int(time)) / Fraction(str(dt_ms))) for time in times]
    framing = Framing("dt", 500, dt_ms, downsample=128)
    counts = np.bincount(np.minimum(expected, 500), minlength=501)
    assert steps_of_events(times, framing, tmp_path) == counts.tolist()


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i2", "i8"])
@pytest.mark.parametrize("split_by", ["time", "number"])
def test_equal_parts_begin_at_their_edges(tmp_path, split_by, kind):
    times = np.arange(0, 1001).astype(kind)  # ten parts of 100 ms or events, and the last event
    found = steps_of_events(times, Framing(split_by, 10, downsample=128), tmp_path)
    assert found == [100] * 9 + [101, 0]
