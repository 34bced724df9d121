"""Counts of active inputs against PyTorch's, whatever the layout."""

import pytest
import torch

from common.data.events import EventBatch
from common.kernels import active
from common.kernels.active import count_active
from common.sequence import Counted

LAYOUTS = {
    "contiguous": lambda x: x.contiguous(),
    "channels last": lambda x: x.movedim(2, -1).contiguous().movedim(-1, 2),
    "batch first": lambda x: x.transpose(0, 1).contiguous().transpose(0, 1),
    "every other step": lambda x: torch.stack([x, x + 1], 1).flatten(0, 1)[::2],
}


def expected(x, mask=None):
    own = x if mask is None else x * mask[..., None, None, None]
    return (own != 0).sum((0, 1)), bool(((own != 0) & (own.abs() != 1)).any())


def check(found, wanted):
    assert torch.equal(found[0], wanted[0]) and found[1] is wanted[1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int32])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("masked", [False, True])
def test_a_tensor_of_any_layout(layout, dtype, masked):
    x = LAYOUTS[layout](torch.randint(-1, 2, (7, 3, 4, 5, 6)).to(dtype))
    mask = (torch.arange(7)[:, None] < torch.tensor([7, 1, 4])).float() if masked else None
    assert 0 < expected(x, mask)[0].sum() < x.numel()
    check(count_active(x, mask), expected(x, mask))


@pytest.mark.parametrize("value, multiplies", [(1.0, False), (-1.0, False), (0.5, True), (2.0, True),
                                               (float("nan"), True), (float("inf"), True), (1e-30, True)])
def test_one_value_decides_whether_it_multiplies(value, multiplies):
    x = torch.zeros(3, 2, 40)
    x[1, 1, 33] = value
    counts, found = count_active(x)
    assert found is multiplies and counts[33] == 1 == counts.sum()


def test_what_lies_in_another_s_step_does_not_multiply():
    x, mask = torch.ones(2, 1, 3), torch.tensor([[1.0], [0.0]])
    x[1] = 0.5
    assert count_active(x, mask)[1] is False and count_active(x)[1] is True


@pytest.mark.parametrize("threads", [1, 2])
def test_many_inputs_are_counted_in_chunks_and_few_in_parts(monkeypatch, threads):
    x = (torch.rand(6, 2, 37) < 0.3).float()
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert active.CHUNK > 37
    for many in (x, x.repeat(1, 1, active.CHUNK // 30)):
        counts, _ = count_active(many)
        assert torch.equal(counts, many.sum((0, 1)).long())


def test_a_static_sequence_counts_at_each_step_and_is_read_once():
    image = torch.tensor([[0.0, 1.0, 0.5]])
    counts, multiplies = count_active(image.expand(1000, 1, 3))
    assert counts.tolist() == [0, 1000, 1000] and multiplies


def test_events_that_stand_side_by_side_are_one_input_and_multiply():
    starts, units = torch.tensor([0, 3, 3, 5, 6]), torch.tensor([2, 0, 2, 1, 0]).int()
    units = torch.cat([units, torch.tensor([0]).int()])
    batch = EventBatch((2, 2, 3), starts, units)
    counts, multiplies = count_active(batch)
    assert counts.tolist() == (batch.dense() != 0).sum((0, 1)).tolist() == [3, 1, 1] and multiplies
    assert count_active(EventBatch((1, 1, 3), torch.tensor([0, 2]), units[:2]))[1] is False
    assert count_active(EventBatch((1, 1, 3), torch.tensor([0, 2]), units[:2], torch.tensor([1.0, 2.0])))[1] is True


def test_what_is_counted_already_is_taken_as_it_is():
    class Given(Counted):
        def counts(self):
            return torch.tensor([3, 4])

    counts, multiplies = count_active(Given())
    assert counts.tolist() == [3, 4] and multiplies is False
