"""Events in bins of time, as a batch has them."""

import math
from collections import Counter
from fractions import Fraction

import pytest
import torch
from helpers.event_recordings import made, random_events

from common.data.events import Binning, EventBatch


def counted(recordings, binning):
    """({(step, sample, unit): value}, number of steps of each sample), in exact arithmetic."""
    values, lengths = Counter(), []
    for sample, events in enumerate(recordings):
        read = [(Fraction(time) * 1000, unit) for time, unit in events]
        read = [(ms, unit) for ms, unit in read if not binning.window_ms or ms < Fraction(binning.window_ms)]
        steps = [math.floor(ms / Fraction(binning.dt_ms)) for ms, _ in read]
        lengths.append(min(max(steps, default=0) + 1, binning.num_steps))
        for step, (_, unit) in zip(steps, read, strict=True):
            if step < binning.num_steps:
                values[step, sample, unit] += 1
    if binning.values == "binary":
        values = dict.fromkeys(values, 1)
    return dict(values), lengths


def test_a_batch_by_hand():
    """Bins of 10 ms: sample 0 has unit 4 in steps 0 and 2, unit 1 twice in step 1; sample 1 has unit 0 in step 1."""
    recordings = [[(0.0, 4), (0.0101, 1), (0.0199, 1), (0.025, 4)], [(0.019, 0), (0.031, 2)]]
    inputs, labels = made(recordings, Binning(10.0, 3)).batch(torch.tensor([0, 1]))
    assert inputs.shape == (3, 2, 5) and labels.tolist() == [0, 1]
    assert inputs.row_starts.tolist() == [0, 1, 1, 3, 4, 5, 5] and inputs.units.tolist() == [4, 1, 1, 0, 4]
    assert inputs.row_starts.dtype == torch.int64 and inputs.units.dtype == torch.int32
    assert inputs.counts is None and inputs.mask is None
    dense = inputs.dense()
    assert dense.dtype == torch.float32 and dense.shape == (3, 2, 5) and dense.sum() == 5
    assert (dense[0, 0, 4], dense[1, 0, 1], dense[2, 0, 4], dense[1, 1, 0]) == (1, 2, 1, 1)


@pytest.mark.parametrize("values", ["count", "binary"])
@pytest.mark.parametrize("length", ["fixed", "sample"])
@pytest.mark.parametrize("dt_ms, num_steps, window_ms", [(3.0, 333, 0), (3.0, 8, 0), (1.0, 60, 20), (2.5, 20, 33.3),
                                                         (100.0, 1, 0), (0.25, 200, 0)])
def test_it_is_what_counting_in_exact_arithmetic_gives(dt_ms, num_steps, window_ms, length, values):
    binning = Binning(dt_ms, num_steps, length, values, window_ms)
    recordings, events = random_events(binning)
    expected, lengths = counted(recordings, binning)
    inputs, _ = events.batch(slice(None))
    dense = inputs.dense()
    found = {tuple(place): float(dense[tuple(place)]) for place in dense.nonzero().tolist()}
    assert found == expected and expected
    assert inputs.shape[0] == (num_steps if length == "fixed" else max(lengths))
    if length == "fixed":
        assert inputs.mask is None
    else:
        assert inputs.mask.dtype == torch.float32 and inputs.mask.sum(0).tolist() == lengths
        assert inputs.mask.diff(dim=0).le(0).all()  # a sample's own steps are the first
        assert not dense[inputs.mask == 0].any()


def test_a_time_on_the_edge_begins_the_next_step():
    """3/8 s is 125 steps of 3 ms; the float16 number below it is 1/4096 s less."""
    inputs, _ = made([[(0.375, 0), (0.375 - 1 / 4096, 1)]], Binning(3.0, 200)).batch(slice(None))
    assert inputs.dense()[124:126, 0, :2].tolist() == [[0, 1], [1, 0]]


def test_reading_stops_at_the_window():
    """An event at 375 ms is beyond a window of 375 ms; the last before it ends the sample."""
    recordings = [[(0.375 - 1 / 4096, 1), (0.375, 0), (0.5, 2)]]
    inputs, _ = made(recordings, Binning(25.0, 40, "sample", window_ms=375)).batch(slice(None))
    assert inputs.units.tolist() == [1] and inputs.shape[0] == inputs.mask.sum() == 15


def test_a_sample_that_is_cut_has_all_steps_and_a_silent_one_has_one():
    recordings = [[(0.001, 0), (9.0, 1)], [], [(0.0, 0)], [(math.inf, 0), (math.nan, 1), (1e30, 2)]]
    inputs, _ = made(recordings, Binning(1.0, 4, "sample")).batch(slice(None))
    assert inputs.mask.sum(0).tolist() == [4, 1, 1, 4]
    assert inputs.units.tolist() == [0, 0]
    alone, _ = made(recordings, Binning(1.0, 4, "sample")).batch(torch.tensor([1]))
    assert alone.shape == (1, 1, 5) and alone.mask.tolist() == [[1]] and len(alone.units) == 0


@pytest.mark.parametrize("values", ["count", "binary"])
def test_a_sample_does_not_depend_on_its_neighbours(values):
    _, events = random_events(Binning(2.0, 100, "sample", values))
    together, _ = events.batch(slice(None))
    for k in range(len(events)):
        alone, label = events.batch(torch.tensor([k]))
        num_steps = int(alone.mask.sum())
        assert label.tolist() == [k] and alone.shape == (num_steps, 1, 5) == (int(together.mask[:, k].sum()), 1, 5)
        assert torch.equal(alone.dense()[:, 0], together.dense()[:num_steps, k])


def test_a_batch_keeps_the_order_it_is_asked_for_and_may_repeat():
    _, events = random_events(Binning(2.0, 30))
    inputs, labels = events.batch(torch.tensor([4, 1, 4]))
    whole = events.batch(slice(None))[0].dense()
    assert labels.tolist() == [4, 1, 4]
    assert torch.equal(inputs.dense(), whole[:, [4, 1, 4]])


@pytest.mark.parametrize("length", ["fixed", "sample"])
def test_an_empty_batch(length):
    inputs, labels = random_events(Binning(2.0, 30, length))[1].batch(slice(0, 0))
    assert inputs.shape == (30, 0, 5) == inputs.dense().shape and len(labels) == 0


def test_a_part_shares_the_store_and_a_part_of_it_too():
    _, events = random_events(Binning(2.0, 30))
    part = events.take(torch.tensor([5, 3, 2, 0])).take(slice(1, 3))
    assert len(part) == 2 and part.labels.tolist() == [3, 2] and part.speakers.tolist() == [13, 12]
    assert part.times.data_ptr() == events.times.data_ptr() and part.units.data_ptr() == events.units.data_ptr()
    inputs, labels = part.batch(torch.tensor([1, 0]))
    assert labels.tolist() == [2, 3]
    assert torch.equal(inputs.dense(), events.batch(torch.tensor([2, 3]))[0].dense())


def test_batches_go_to_the_split_s_device():
    inputs, labels = random_events(Binning(2.0, 30, "sample"))[1].to("meta").batch(slice(0, 2))
    kinds = {tensor.device.type for tensor in (inputs.row_starts, inputs.units, inputs.mask, labels)}
    assert kinds == {"meta"} and inputs.counts is None


def test_counts_stand_for_that_many_events():
    batch = EventBatch((1, 2, 3), torch.tensor([0, 1, 3]), torch.tensor([2, 0, 2]).int(), torch.tensor([3.0, 1, 2]))
    assert batch.dense().tolist() == [[[0, 0, 3], [1, 0, 2]]]
    assert batch.to("meta").counts.device.type == "meta"


@pytest.mark.parametrize("options, message", [
    ({"dt_ms": 0}, "dt_ms must exceed 0 and be finite, got 0"),
    ({"dt_ms": math.nan}, "dt_ms must exceed 0 and be finite, got nan"),
    ({"num_steps": 0}, "num_steps must be a whole number, 1 or more, got 0"),
    ({"num_steps": 2.5}, "num_steps must be a whole number, 1 or more, got 2.5"),
    ({"length": "longest"}, "length must be .*got 'longest'"),
    ({"values": "rate"}, "values must be .*got 'rate'"),
    ({"window_ms": -1}, "window_ms must be 0 or more and finite, got -1"),
])
def test_a_bad_binning_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        Binning(**{"dt_ms": 1.0, "num_steps": 10, **options})
