"""A wide layer and the next one's weights in one kernel against the two layers one after the other."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from common.bench.workloads.shd import random_events
from common.kernels.random_numbers import dropout
from common.layers.binary import binarize
from common.neurons import LIF
from common.recurrence import wide_layer as module
from common.recurrence.wide_layer import can_run, wide_layer
from common.surrogate import ATan, FastSigmoid, LearntATan, Rectangle

SURROGATES = [FastSigmoid(5.0), ATan(2.0), Rectangle(0.5)]


def parameters(dtype, num_inputs=9, num_neurons=83, num_outputs=3):
    """Weight, bias and the next layer's weight, each a leaf."""
    generator = torch.Generator().manual_seed(1)
    shapes = (num_neurons, num_inputs), (num_neurons,), (num_outputs, num_neurons)
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


def reference(events, weight, bias, onward, neuron, share):
    current = F.linear(events.dense().to(weight.dtype), weight, bias)
    spikes = neuron(dropout(current, share) if share else current)
    return F.linear(spikes, onward), spikes.sum((0, 1)).long()


def results(layer, leaves):
    """Output and gradients, from the same random numbers."""
    torch.manual_seed(4)
    out, _ = layer(*leaves)
    upstream = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
    return out, *torch.autograd.grad(out, leaves, upstream)


def assert_equal(events, leaves, neuron, share=0.0, signs=False, tolerance=1e-9):
    def weights(weight, bias, onward):
        return binarize(weight) if signs else weight, bias, onward

    mine = results(lambda *x: wide_layer(events, *weights(*x), neuron.constants(), share, signs), leaves)
    theirs = results(lambda *x: reference(events, *weights(*x), neuron, share), leaves)
    for found, expected in zip(mine, theirs, strict=True):
        assert expected.abs().max() > 0
        assert (found - expected).abs().max() <= tolerance * expected.abs().max()
    return mine


@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize("detach_reset", [True, False])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("surrogate", SURROGATES, ids=str)
def test_output_and_gradients_equal_the_two_layers(surrogate, reset, detach_reset, share):
    torch.manual_seed(0)
    neuron = LIF(0.9, 1.5, surrogate, reset, detach_reset)
    assert_equal(random_events(23, 5, 9, 0.3), parameters(torch.float64), neuron, share)


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.float64, 1e-9)])
def test_signs_and_both_dtypes(dtype, tolerance, signs):
    torch.manual_seed(0)
    neuron = LIF(0.9, 2.0, FastSigmoid(1.0))
    out, *gradients = assert_equal(random_events(23, 5, 9, 0.3), parameters(dtype), neuron, 0.2, signs, tolerance)
    assert out.dtype == dtype and all(gradient.dtype == dtype for gradient in gradients)


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1), (2, 3, 5, 8, 8), (7, 2, 4, 300, 20), (3, 1, 2, 64, 9)])
def test_any_size(sizes):
    torch.manual_seed(0)
    num_steps, batch, num_inputs, num_neurons, num_outputs = sizes
    events = random_events(num_steps, batch, num_inputs, 0.9)
    leaves = parameters(torch.float64, num_inputs, num_neurons, num_outputs)
    leaves[1].data.add_(2)
    assert_equal(events, leaves, LIF(0.9, 0.5, FastSigmoid(1.0)))


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("most", [3, 200])
def test_an_event_may_stand_for_several_and_for_many(signs, most):
    torch.manual_seed(0)
    dense = (torch.rand(6, 2, 9) < 0.5) * torch.randint(0, 4, (6, 2, 9)).float()
    dense[2, 1, 4] = most
    rows, units = dense.flatten(0, 1).nonzero(as_tuple=True)
    events = SimpleNamespace(shape=dense.shape, units=units.int(), counts=dense.flatten(0, 1)[rows, units],
                             row_starts=F.pad(rows.bincount(minlength=12).cumsum(0), (1, 0)),
                             dense=lambda: dense)
    assert_equal(events, parameters(torch.float64), LIF(0.9, 2.0, FastSigmoid(1.0)), signs=signs)


def test_the_threshold_may_move_before_the_backward_pass():
    torch.manual_seed(0)
    events, leaves, neuron = random_events(23, 5, 9, 0.3), parameters(torch.float64), LIF(0.9, 2.0, FastSigmoid(1.0))
    expected = results(lambda *x: wide_layer(events, *x, neuron.constants()), leaves)[1]
    out, _ = wide_layer(events, *leaves, neuron.constants())
    neuron.threshold.fill_(9.0)
    out.backward(torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape))
    assert torch.equal(leaves[0].grad, expected)


@pytest.mark.parametrize("width", [8, 64, 200])
@pytest.mark.parametrize("threads", [1, 2])
def test_neither_threads_nor_the_width_of_a_block_change_a_bit(monkeypatch, threads, width):
    torch.manual_seed(0)
    events, leaves = random_events(23, 5, 9, 0.3), parameters(torch.float32, num_neurons=300)
    constants = LIF(0.9, 2.0, FastSigmoid(1.0)).constants()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    expected = results(lambda *x: wide_layer(events, *x, constants, 0.3), leaves)
    monkeypatch.setattr(module, "_width", lambda bias: width)
    torch.set_num_threads(threads)
    try:
        found = results(lambda *x: wide_layer(events, *x, constants, 0.3), leaves)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_what_the_kernels_do_not_know():
    events, weight = random_events(2, 1, 3), torch.ones(2, 3)
    assert can_run(events, weight, ATan(2.0)) and can_run(events, weight.double(), Rectangle(1.0))
    assert not can_run(events, weight, LearntATan()) and not can_run(events, weight.bfloat16(), ATan(2.0))
    assert not can_run(events.dense(), weight, ATan(2.0)) and not can_run(events, weight.to("meta"), ATan(2.0))
    with torch.autocast("cpu", torch.bfloat16):
        assert not can_run(events, weight, ATan(2.0))
