"""Learnt time constants and thresholds of ParaLIF: their start, gradients and range."""

import numpy as np
import pytest
import torch
from helpers.drawn import normal
from helpers.paralif_kinds import THRESHOLDS, TIMES, normalised

from common.neurons import ParaLIF
from common.surrogate import ATan


@pytest.mark.parametrize("shape", [(), (5,)])
def test_learnt_values_start_where_they_were_given(shape):
    neuron = ParaLIF(**TIMES, spike="D", threshold=0.3, learn=("tau", "threshold"), shape=shape)
    assert {name for name, _ in neuron.named_parameters()} == {"log_tau_syn", "log_tau_mem", "log_threshold"}
    for value, start in ((neuron.tau_syn, 0.02), (neuron.tau_mem, 0.01), (neuron.threshold, 0.3)):
        torch.testing.assert_close(value, torch.full(shape, start), rtol=1e-6, atol=0)
    current = normal(50, 2, 5, dtype=torch.float32)
    torch.testing.assert_close(neuron.membrane(current), ParaLIF(**TIMES, spike="D").membrane(current))


def test_what_is_not_learnt_is_no_parameter():
    neuron = ParaLIF(**TIMES, spike="T", learn=("threshold",))
    assert [name for name, _ in neuron.named_parameters()] == ["log_threshold"]
    assert not list(ParaLIF(**TIMES, spike="T").parameters())
    assert (neuron.tau_syn, neuron.tau_mem, neuron.threshold.item()) == (0.02, 0.01, 1.0)
    assert {spike: ParaLIF(**TIMES, spike=spike).threshold for spike in THRESHOLDS} == THRESHOLDS


@pytest.mark.parametrize("shape", [(), (5,)])
def test_the_gradient_of_a_learnt_tau_is_that_of_finite_differences(shape):
    current, weights, nudge = normal(60, 2, 5), normal(60, 2, 5, seed=1), 1e-6
    neuron = ParaLIF(**TIMES, spike="SB", learn=("tau",), shape=shape).double()
    (weights * neuron.membrane(current)).sum().backward()
    for name in ("tau_syn", "tau_mem"):
        losses = []
        for tau in (TIMES[name] * (1 + nudge), TIMES[name] * (1 - nudge)):
            membrane = ParaLIF(**TIMES | {name: tau}, spike="SB").membrane(current)
            losses.append((weights * membrane).sum((0, 1)) if shape else (weights * membrane).sum())
        numerical = (losses[0] - losses[1]) / (2 * nudge)  # d/d log tau = tau d/d tau
        torch.testing.assert_close(getattr(neuron, f"log_{name}").grad, numerical, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("spike", THRESHOLDS)
def test_the_gradient_of_a_learnt_threshold_is_the_surrogate_s(spike):
    v, weights = normal(40, 2, 3), normal(40, 2, 3, seed=1)
    neuron = ParaLIF(**TIMES, spike=spike, surrogate=ATan(2.0), learn=("threshold",)).double()
    (weights * neuron.fire(v)).sum().backward()
    n, theta = normalised(spike, v.numpy()), THRESHOLDS[spike]
    n = np.diff(n, axis=0, prepend=np.zeros((1, 2, 3))) if spike.endswith("D") else n
    expected = -theta * (weights.numpy() / (1 + (np.pi * (n - theta)) ** 2)).sum()
    assert neuron.log_threshold.grad.item() == pytest.approx(expected, rel=1e-5)


def test_learnt_values_stay_positive_whatever_the_optimizer_does():
    neuron = ParaLIF(**TIMES, spike="D", learn=("tau", "threshold"), shape=(5,))
    optimizer, current = torch.optim.Adam(neuron.parameters(), lr=3.0), normal(30, 2, 5, dtype=torch.float32)
    for sign in (1, 1, 1, 1, -1, -1, -1, -1, -1, -1):
        optimizer.zero_grad()
        (sign * (neuron(current) + neuron.membrane(current))).sum().backward()
        optimizer.step()
        for value in (neuron.tau_syn, neuron.tau_mem, neuron.threshold):
            assert (value > 0).all() and value.isfinite().all()


def test_a_state_dict_moves_what_was_learnt():
    learnt, fresh = (ParaLIF(tau, tau, 0.001, "T", learn=("tau", "threshold")) for tau in (0.005, 0.02))
    fresh.load_state_dict(learnt.state_dict())
    current = 3 * normal(50, 2, 5, dtype=torch.float32)
    assert learnt(current).any() and torch.equal(fresh(current), learnt(current))
