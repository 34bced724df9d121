"""The linear layer on events against F.linear on the same sequence with its zeros."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from common.kernels import event_linear as module
from common.kernels.event_linear import event_linear


def made(num_steps, batch, num_inputs, density=0.1, counts=False):
    """(an event batch, the same as a dense tensor); with counts, some events stand for several."""
    dense = (torch.rand(num_steps, batch, num_inputs) < density).double()
    if counts:
        dense *= torch.randint(1, 4, dense.shape)
    rows, units = dense.flatten(0, 1).nonzero(as_tuple=True)
    row_starts = torch.zeros(num_steps * batch + 1, dtype=torch.int64)
    row_starts[1:] = torch.bincount(rows, minlength=num_steps * batch).cumsum(0)
    values = dense.flatten(0, 1)[rows, units].float() if counts else None
    events = SimpleNamespace(shape=(num_steps, batch, num_inputs), row_starts=row_starts, units=units.int(),
                             counts=values, dense=lambda: dense)
    return events, dense


def weights(num_outputs, num_inputs, dtype=torch.float64):
    weight = torch.randn(num_outputs, num_inputs, dtype=dtype, requires_grad=True)
    return weight, torch.randn(num_outputs, dtype=dtype, requires_grad=True)


@pytest.mark.parametrize("sort_from", [0, 1000])
@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (7, 3, 20, 5), (40, 30, 50, 65), (3, 2, 10, 1100), (2, 0, 4, 3)])
def test_output_and_gradients_equal_the_dense_layer(monkeypatch, sizes, counts, sort_from):
    monkeypatch.setattr(module, "SORTED", sort_from)
    torch.manual_seed(1)
    num_steps, batch, num_inputs, num_outputs = sizes
    events, dense = made(num_steps, batch, num_inputs, 0.3, counts)
    weight, bias = weights(num_outputs, num_inputs)
    current, reference = event_linear(events, weight, bias), F.linear(dense, weight, bias)
    assert current.shape == (num_steps, batch, num_outputs)
    torch.testing.assert_close(current, reference, rtol=1e-12, atol=1e-12)
    upstream = torch.randn_like(current)
    gradients = [torch.autograd.grad(out, (weight, bias), upstream) for out in (current, reference)]
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


def test_an_input_that_stands_twice_in_a_row_counts_twice():
    events = SimpleNamespace(shape=(2, 1, 3), row_starts=torch.tensor([0, 3, 3]), units=torch.tensor([2, 0, 2]).int(),
                             counts=None)
    weight = torch.tensor([[1.0, 10.0, 100.0]], requires_grad=True)
    current = event_linear(events, weight, torch.tensor([0.5]))
    assert current.flatten().tolist() == [201.5, 0.5]
    current.sum().backward()
    assert weight.grad.tolist() == [[1, 0, 2]]


def test_without_bias_and_in_float32_it_keeps_the_dtype():
    events, dense = made(5, 4, 30)
    weight, _ = weights(8, 30, torch.float32)
    current = event_linear(events, weight)
    assert current.dtype == torch.float32
    torch.testing.assert_close(current, F.linear(dense.float(), weight))


def test_a_dtype_that_the_kernels_do_not_know_takes_the_dense_way():
    events, dense = made(5, 4, 30)
    weight, bias = weights(8, 30, torch.bfloat16)
    assert torch.equal(event_linear(events, weight, bias), F.linear(dense.bfloat16(), weight, bias))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_result_is_the_same_on_any_number_of_threads_and_leaves_torch_s_as_it_was(threads):
    torch.manual_seed(2)
    events, dense = made(30, 8, 40)
    weight, bias = weights(300, 40)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        current = event_linear(events, weight, bias)
        current.backward(torch.ones_like(current))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(current, F.linear(dense, weight, bias))
    torch.testing.assert_close(weight.grad, dense.sum((0, 1)).expand(300, 40))
