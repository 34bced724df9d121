"""How SPSN and ParaLIF fire: gradients, statistics, and torch's Gumbel softmax."""

import copy

import numpy as np
import pytest
import torch
from helpers.drawn import normal
from helpers.paralif_kinds import MODES, THRESHOLDS, TIMES, normalised
from torch.nn import functional as F

from common.kernels import random_numbers
from common.neurons import SPSN, ParaLIF


@pytest.mark.parametrize("spike", THRESHOLDS)
def test_the_gradient_of_the_threshold_and_delta_kinds(spike):
    v = normal(40, 2, 3).requires_grad_()
    weights = normal(40, 2, 3, seed=1)
    (weights * ParaLIF(**TIMES, spike=spike).fire(v)).sum().backward()
    n, u = normalised(spike, v.detach().numpy()), v.detach().numpy()
    delta = n - np.concatenate([np.zeros((1, 2, 3)), n[:-1]]) if spike.endswith("D") else n
    by_n = weights.numpy() / (100 * np.abs(delta - THRESHOLDS[spike]) + 1) ** 2
    if spike.endswith("D"):
        by_n[:-1] -= by_n[1:].copy()
    slope = {"S": n * (1 - n), "T": 1 - np.tanh(u) ** 2}[spike[0]] if len(spike) > 1 else 1
    slope = slope * (u > 0) if spike.startswith("TR") else slope
    np.testing.assert_allclose(v.grad.numpy(), by_n * slope, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("spike, probability, slope", [
    ("SB", lambda v: 1 / (1 + np.exp(-v)), lambda v: 1 / (2 + np.exp(v) + np.exp(-v))),
    ("TRB", lambda v: np.maximum(np.tanh(v), 0), lambda v: (v > 0) / np.cosh(v) ** 2),
])
def test_bernoulli_spikes_have_the_mean_of_their_probability_p_and_the_gradient_p_dp(spike, probability, slope):
    levels = np.array([-3.0, -1.0, -0.1, 0.2, 0.8, 2.5])
    v = torch.from_numpy(levels).expand(4000, 20, 6).requires_grad_()
    neuron = ParaLIF(**TIMES, spike=spike)
    spikes, p = neuron.fire(v), probability(levels)
    spread = np.sqrt(p * (1 - p) / 80_000)
    assert (np.abs(spikes.mean((0, 1)).detach().numpy() - p) <= 4 * spread).all()
    weights = normal(4000, 20, 6)
    (weights * spikes).sum().backward()
    np.testing.assert_allclose(v.grad.numpy(), weights.numpy() * p * slope(levels), rtol=1e-9)
    neighbours = (spikes[1:] - spikes[:-1]).square().mean((0, 1)).detach().numpy()  # 2 p (1 - p) if independent
    np.testing.assert_allclose(neighbours, 2 * p * (1 - p), atol=0.01)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_gumbel_softmax_is_torch_s_under_the_same_noise(monkeypatch, dtype, tolerance):
    v, weights = 3 * normal(200, 5, 30, dtype=dtype), normal(200, 5, 30, dtype=dtype, seed=1)
    torch.manual_seed(3)
    gumbels = -torch.empty(*v.shape, 2, dtype=dtype).exponential_().log()
    torch.manual_seed(3)
    theirs = v.clone().requires_grad_()
    reference = F.gumbel_softmax(torch.stack([theirs, -theirs], -1), tau=1.0, hard=True)[..., 0]
    logistic = gumbels[..., 0] - gumbels[..., 1]
    monkeypatch.setattr(random_numbers, "uniform", lambda like, generator: logistic.sigmoid())
    ours = v.clone().requires_grad_()
    spikes = SPSN(**TIMES, spike="GS").fire(ours)
    grads = [torch.autograd.grad((weights * out).sum(), x)[0] for out, x in ((reference, theirs), (spikes, ours))]
    ties = (2 * v + logistic).abs() < 1e-4  # where rounding decides
    assert ties.double().mean() < 1e-3 and 0.3 < reference.mean() < 0.7
    assert torch.equal(spikes[~ties], reference[~ties].round())
    torch.testing.assert_close(grads[1], grads[0], rtol=0, atol=tolerance)


def test_gumbel_softmax_fires_as_the_sigmoid_of_twice_the_membrane():
    v = torch.tensor([-1.0, 0.0, 0.5]).expand(4000, 20, 3)
    rates = SPSN(**TIMES, spike="GS").fire(v).mean((0, 1))
    torch.testing.assert_close(rates, torch.tensor([0.1192, 0.5, 0.7311]), rtol=0, atol=0.008)


@pytest.mark.parametrize("extreme", [100.0, -100.0, 1e4, -1e4])
@pytest.mark.parametrize("spike", MODES)
def test_extreme_membranes_give_spikes_and_finite_gradients(spike, extreme, monkeypatch):
    numbers = torch.tensor([0.0, 0.5, 1 - 2**-24]).expand(4, 1, 3)  # the least and the largest that are drawn
    monkeypatch.setattr(random_numbers, "uniform", lambda like, generator: numbers.clone())
    v = torch.full((4, 1, 3), extreme).requires_grad_()
    spikes = ParaLIF(**TIMES, spike=spike).fire(v)
    spikes.sum().backward()
    assert set(spikes.unique().tolist()) <= {0.0, 1.0} and v.grad.isfinite().all()
    if spike == "TRB":  # probability 0 or 1: no number decides
        assert (spikes == (extreme > 0)).all()


def test_training_draws_from_torch_s_generator_and_evaluation_from_the_neuron_s_own():
    neuron, current = SPSN(**TIMES), normal(20, 2, 5)
    torch.manual_seed(0)
    first = neuron(current)
    torch.manual_seed(0)
    assert torch.equal(neuron(current), first) and not torch.equal(neuron(current), first)
    neuron.eval()
    neuron.seed(3)
    state = torch.get_rng_state()
    evaluated, other = neuron(current), copy.deepcopy(neuron)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    following = neuron(current)
    assert not torch.equal(following, evaluated) and torch.equal(following, other(current))
    neuron.seed(3)
    assert torch.equal(neuron(current), evaluated)
    neuron.seed(4)
    assert not torch.equal(neuron(current), evaluated)
