"""SPSN, ParaLIF and RecurrentParaLIF against loops over steps, and what no step or sample depends on."""

import math

import numpy as np
import pytest
import torch
from helpers.drawn import normal
from helpers.paralif_kinds import DRAWN, MODES, THRESHOLDS, TIMES, normalised

from common.kernels import random_numbers
from common.neurons import SPSN, ParaLIF, RecurrentParaLIF
from common.surrogate import ATan

ALPHA, BETA = math.exp(-1 / 20), math.exp(-1 / 10)


def uniform_numbers(*shapes, seed=5):
    """What is drawn for these shapes one after the other, and torch's generator set back to its start."""
    torch.manual_seed(seed)
    numbers = [random_numbers.uniform(torch.empty(shape, dtype=torch.float64)).numpy() for shape in shapes]
    torch.manual_seed(seed)
    return numbers


def fire(spike, v, before, number):
    """Spikes of one step, from the membranes of this step and the normalised ones of the step before."""
    n = normalised(spike, v)
    if spike == "GS":
        return number > 1 / (1 + np.exp(2 * v)), n  # logit(r) > -2 V
    if spike in DRAWN:
        return number < n, n
    return (n - before if spike.endswith("D") else n) > THRESHOLDS[spike], n


def step_by_step(spike, current, numbers):
    """A loop over time: spikes and membranes."""
    syn = v = before = np.zeros(current.shape[1:])
    spikes, membranes = [], []
    for x, number in zip(current, numbers, strict=True):
        syn = ALPHA * syn + x
        v = BETA * v + (1 - BETA) * syn
        s, before = fire(spike, v, before, number)
        spikes.append(s)
        membranes.append(v)
    return np.array(spikes), np.array(membranes)


@pytest.mark.parametrize("spike", MODES)
def test_every_mode_is_a_loop_over_time(spike):
    current = 3 * normal(150, 3, 20)
    (numbers,) = uniform_numbers(current.shape)
    reference, membranes = step_by_step(spike, current.numpy(), numbers)
    spikes, membrane = ParaLIF(**TIMES, spike=spike).trace(current)
    assert 0.02 < reference.mean() < 0.9
    np.testing.assert_allclose(membrane.numpy(), membranes, atol=1e-12)
    assert np.array_equal(spikes.numpy(), reference)


def recurrent_step_by_step(neuron, current, first, second):
    """A loop over time of the recurrent neuron: spikes and membranes."""
    weight, bias = (p.detach().numpy() for p in neuron.recurrent[0].parameters())
    rest = np.zeros(current.shape[1:])
    syn, v, loop_syn, loop_v, hidden_before, before = [rest] * 6
    spikes, membranes = [], []
    for x, r1, r2 in zip(current, first, second, strict=True):
        fired, hidden_before = fire(neuron.spike, v, hidden_before, r1)  # v is still that of the step before
        hidden = fired if neuron.hidden == "spike" else np.maximum(v, 0)
        loop_syn = ALPHA * loop_syn + x + hidden @ weight.T + bias
        loop_v = BETA * loop_v + (1 - BETA) * loop_syn
        syn = ALPHA * syn + x
        v = BETA * v + (1 - BETA) * syn
        s, before = fire(neuron.spike, v + loop_v, before, r2)
        spikes.append(s)
        membranes.append(v + loop_v)
    return np.array(spikes), np.array(membranes)


@pytest.mark.parametrize("hidden", ["spike", "relu"])
@pytest.mark.parametrize("spike", MODES)
def test_the_recurrent_neuron_is_a_loop_over_time(spike, hidden):
    neuron, current = RecurrentParaLIF(12, **TIMES, spike=spike, hidden=hidden).double(), 1.5 * normal(80, 3, 12)
    torch.nn.init.normal_(neuron.recurrent[0].bias, std=0.2)
    first, second = uniform_numbers(current.shape, current.shape)
    if hidden == "relu":
        second = first  # drawn once alone
    reference, membranes = recurrent_step_by_step(neuron, current.numpy(), first, second)
    spikes, membrane = neuron.trace(current)
    np.testing.assert_allclose(membrane.detach().numpy(), membranes, atol=1e-12)
    assert np.array_equal(spikes.detach().numpy(), reference)
    assert np.abs(membranes - step_by_step(spike, current.numpy(), first)[1]).max() > 0.1  # recurrence does something


def test_recurrent_weights_and_input_get_the_numerical_gradient():
    neuron, current = RecurrentParaLIF(3, **TIMES, spike="T", hidden="relu").double(), normal(5, 2, 3)
    inputs = current.requires_grad_(), *neuron.recurrent.parameters()
    assert torch.autograd.gradcheck(lambda x, *_: neuron.membrane(x), inputs)


def test_recurrent_weights_start_as_kaiming_uniform_and_no_bias():
    layer = RecurrentParaLIF(400, **TIMES, spike="SB").recurrent[0]
    bound = math.sqrt(3 / 400)
    assert 0.99 * bound < layer.weight.max() <= bound and -bound <= layer.weight.min() < -0.99 * bound
    assert layer.weight.std().item() == pytest.approx(1 / 20, rel=0.01) and not layer.bias.any()


@pytest.mark.parametrize("spike", ["SB", "GS"])
def test_spsn_is_paralif(spike):
    current, results = normal(30, 2, 5), []
    for neuron in (SPSN(**TIMES, spike=spike), ParaLIF(**TIMES, spike=spike)):
        torch.manual_seed(1)
        results.append(neuron(current))
    assert torch.equal(*results)
    assert SPSN(**TIMES).spike == "SB"


ALL = [ParaLIF(**TIMES, spike=spike) for spike in MODES]
ALL += [RecurrentParaLIF(5, **TIMES, spike=spike, hidden=hidden).double()
        for spike in MODES for hidden in ("spike", "relu")]


@pytest.mark.parametrize("neuron", ALL, ids=lambda n: f"{type(n).__name__}-{n.spike}-{getattr(n, 'hidden', '')}")
def test_no_step_depends_on_a_later_one(neuron):
    current = 2 * normal(60, 2, 5).requires_grad_()
    changed = current.detach().clone()
    changed[37:] = 0.0  # padding
    results = []
    for x in (current, changed):
        torch.manual_seed(2)
        results.append(neuron.trace(x))
    (before, membrane), (after, other) = results
    assert torch.equal(before[:37], after[:37]) and torch.equal(membrane[:37], other[:37])
    assert not torch.equal(membrane[37:], other[37:])
    grad = torch.autograd.grad(before[:37].sum() + membrane[:37].sum(), current)[0]
    assert grad[:37].any() and not grad[37:].any()


@pytest.mark.parametrize("spike", THRESHOLDS)
def test_without_noise_no_sample_depends_on_its_neighbours(spike):
    current = 2 * normal(40, 4, 5)
    for neuron in (ParaLIF(**TIMES, spike=spike), RecurrentParaLIF(5, **TIMES, spike=spike).double()):
        assert torch.equal(neuron(current)[:, 2:3], neuron(current[:, 2:3]))


@pytest.mark.parametrize("spike", MODES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 2, 5), (5, 0, 5), (4, 2, 3, 6, 5)])
def test_shape_and_dtype_are_the_current_s(shape, dtype, spike):
    learn = ("tau", "threshold") if spike in THRESHOLDS else ("tau",)
    neurons = [ParaLIF(**TIMES, spike=spike, learn=learn).to(dtype)]
    if len(shape) == 3:
        neurons += [RecurrentParaLIF(5, **TIMES, spike=spike, learn=learn, shape=(5,)).to(dtype)]
    for neuron in neurons:
        current = normal(*shape, dtype=dtype).requires_grad_()
        spikes, membrane = neuron.trace(current)
        (spikes + membrane).sum().backward()
        assert spikes.shape == membrane.shape == current.grad.shape == shape
        assert spikes.dtype == membrane.dtype == current.grad.dtype == dtype
        assert set(spikes.unique().tolist()) <= {0.0, 1.0}
        assert all(p.grad.isfinite().all() for p in neuron.parameters())


@pytest.mark.parametrize("settings, message", [
    ({"spike": "XB"}, "spike must be one of GS, SB, .*, got 'XB'"),
    ({"tau_syn": 0.0}, "tau_syn must exceed 0"), ({"tau_mem": -1.0}, "tau_mem must exceed 0"),
    ({"dt": 0.0}, "dt must exceed 0"), ({"threshold": 0.0}, "threshold must exceed 0, got 0.0"),
    ({"threshold": float("nan")}, "threshold must exceed 0"), ({"learn": "tau"}, "learn must be a tuple"),
    ({"learn": ("beta",)}, "learn must be a tuple"), ({"shape": (5,)}, "shape is that of learnt values"),
    ({"spike": "SB", "threshold": 0.5}, "for the D and T kinds, got one with spike='SB'"),
    ({"spike": "GS", "surrogate": ATan(2.0)}, "for the D and T kinds"),
    ({"spike": "TRB", "learn": ("threshold",)}, "for the D and T kinds"),
])
def test_what_cannot_be_a_neuron_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ParaLIF(**{**TIMES, "spike": "T"} | settings)


def test_what_cannot_be_spsn_or_recurrent_is_refused():
    with pytest.raises(ValueError, match="spike must be 'SB' or 'GS' for SPSN, got 'D'"):
        SPSN(**TIMES, spike="D")
    with pytest.raises(ValueError, match="hidden must be 'spike' or 'relu', got 'none'"):
        RecurrentParaLIF(5, **TIMES, spike="T", hidden="none")
