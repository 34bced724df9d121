"""tdBN, shortcut and LIF in one against the same of torch's own layers and the loop over steps."""

import itertools

import pytest
import torch
from helpers.drawn import normal

from common.layers.tdbn import TDBatchNorm2d
from common.neurons import LIF
from common.recurrence import norm_lif, plain
from common.surrogate import ATan, FastSigmoid, Rectangle

SHAPES = [(2, 3, 5, 4, 6), (4, 2, 130, 3, 3), (1, 2, 3, 5, 4), (3, 300, 2, 2, 1)]
NEURONS = list(itertools.product([ATan(2.0), FastSigmoid(10.0), Rectangle(0.5), Rectangle(0.5, -0.4)], [True, False]))


def layers(shape, surrogate, detach_reset, dtype):
    torch.manual_seed(0)
    norm = TDBatchNorm2d(shape[2], 0.4).to(dtype)
    norm.weight.data.uniform_(0.5, 2)
    norm.bias.data.uniform_(-0.2, 0.4)
    return norm, LIF(0.25, 0.4, surrogate, "zero", detach_reset).to(dtype)


def by_layers(current, shortcut, norm, neuron):
    current = norm(current)
    return plain.lif(current if shortcut is None else current + shortcut, *neuron.constants())[0]


def at_once(current, shortcut, norm, neuron):
    beta, _, threshold, surrogate, _, detach_reset, _ = neuron.constants()
    spikes, mean, variance = norm_lif.norm_lif(
        current, shortcut, norm.scale, norm.bias, norm.eps, beta, threshold, surrogate, detach_reset)
    norm.move_statistics(mean, variance)
    return spikes


def results(way, shape, has_shortcut, *neuron, dtype=torch.float64, layout=None):
    norm, neuron = layers(shape, *neuron, dtype)
    current, shortcut = (normal(*shape, dtype=dtype, seed=k) for k in range(2))
    if layout == "channels_last":
        current = current.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, shape[:2])
    inputs = [current.requires_grad_(), *([shortcut.requires_grad_()] if has_shortcut else [])]
    spikes = way(current, shortcut if has_shortcut else None, norm, neuron)
    loss = (spikes * normal(*shape, dtype=dtype, seed=2)).sum()
    return spikes, torch.autograd.grad(loss, [*inputs, norm.weight, norm.bias]), norm.state_dict()


@pytest.mark.parametrize("has_shortcut", [True, False])
@pytest.mark.parametrize("surrogate, detach_reset", NEURONS, ids=str)
def test_spikes_gradients_and_statistics_are_those_of_the_layers(surrogate, detach_reset, has_shortcut):
    for shape in SHAPES:
        arguments = shape, has_shortcut, surrogate, detach_reset
        ours, theirs = results(at_once, *arguments), results(by_layers, *arguments)
        assert 0.05 < theirs[0].mean() < 0.9 and torch.equal(ours[0], theirs[0])
        for mine, expected in zip(ours[1], theirs[1], strict=True):
            assert expected.abs().max() > 0
            torch.testing.assert_close(mine, expected, rtol=1e-8, atol=1e-10)
        for name, expected in theirs[2].items():
            torch.testing.assert_close(ours[2][name], expected, rtol=1e-12, atol=1e-12, msg=name)


@pytest.mark.parametrize("layout", [None, "channels_last"])
def test_in_float32_they_differ_by_rounding_alone(layout):
    options = {"dtype": torch.float32, "layout": layout}
    arguments = (2, 4, 32, 8, 8), True, FastSigmoid(10.0), False
    ours, theirs = results(at_once, *arguments, **options), results(by_layers, *arguments, **options)
    assert (ours[0] != theirs[0]).double().mean() < 1e-4
    for mine, expected in zip(ours[1], theirs[1], strict=True):
        assert (mine - expected).norm() < 1e-2 * expected.norm()
    assert ours[0].flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


def test_it_saves_the_currents_and_no_membrane():
    norm, neuron = layers((2, 3, 5, 4, 6), Rectangle(0.5), False, torch.float32)
    current, shortcut = (normal(2, 3, 5, 4, 6, dtype=torch.float32, seed=k).requires_grad_() for k in range(2))
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: saved.append(x) or x, lambda x: x):
        at_once(current, shortcut, norm, neuron)
    assert [x.data_ptr() for x in saved if x.ndim == 5] == [current.data_ptr(), shortcut.data_ptr()]


def test_the_number_of_threads_changes_nothing():
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(results(at_once, (2, 300, 7, 4, 4), True, Rectangle(0.5), False, dtype=torch.float32))
    assert all(torch.equal(*pair) for pair in zip(found[0][1], found[1][1], strict=True))


def test_one_value_of_a_channel_is_refused():
    with pytest.raises(ValueError, match="more than one value of each channel while training; raise batch_size"):
        results(at_once, (1, 1, 3, 1, 1), False, Rectangle(0.5), False)


def test_it_runs_where_the_kernels_know_the_neuron():
    neurons = [LIF(0.25, 0.4, Rectangle(0.5), reset) for reset in ("zero", "subtract")]
    assert [norm_lif.can_run(torch.zeros(1), neuron) for neuron in neurons] == [True, False]
    assert not norm_lif.can_run(torch.zeros(1, dtype=torch.float16), neurons[0])
