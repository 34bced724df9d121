"""The fused spikes of SPSN against torch's operations on the plain loop, under the same random numbers."""

import pytest
import torch
from helpers.drawn import normal

from common.kernels.random_numbers import uniform
from common.neurons import SPSN, ParaLIF
from common.recurrence.drawn_leak import bernoulli_spikes, gumbel_spikes
from common.recurrence.leak import plain_leak

ALPHA, BETA = 0.95, 0.9
TIMES = {"tau_syn": 0.02, "tau_mem": 0.01, "dt": 0.001}
SHAPES = [(1, 3, 4), (12, 3, 4), (7, 2, 3, 5, 4), (6, 3, 1500), (9,), (4, 0, 3)]
FUSED = {"SB": bernoulli_spikes, "GS": gumbel_spikes}


def plain_spikes(spike, current):
    """The spikes, and what has their gradient; SB's is p dp, that of p^2 / 2."""
    membrane, numbers = plain_leak(current, ALPHA, BETA), uniform(current)
    if spike == "SB":
        p = membrane.sigmoid()
        return (numbers < p).to(p), p.square() / 2
    soft = (2 * membrane + numbers.logit()).sigmoid()
    return (soft > 0.5).to(soft), soft


@pytest.mark.parametrize("spike", FUSED)
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("shape", SHAPES)
def test_spikes_and_gradients_are_those_of_the_plain_loop(shape, dtype, tolerance, spike):
    x, weights = (3 * normal(*shape, dtype=dtype)).requires_grad_(), normal(*shape, dtype=dtype, seed=1)
    torch.manual_seed(7)
    expected, smooth = plain_spikes(spike, x)
    torch.manual_seed(7)
    spikes = FUSED[spike](x, ALPHA, BETA)
    assert spikes.dtype == dtype and torch.equal(spikes, expected)
    theirs, ours = (torch.autograd.grad((weights * out).sum(), x)[0] for out in (smooth, spikes))
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("spike", FUSED)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("training", [True, False])
def test_a_neuron_fires_as_its_trace_to_the_bit(training, dtype, spike):
    x, results = normal(40, 3, 1000, dtype=dtype).requires_grad_(), []
    neuron = SPSN(**TIMES, spike=spike).train(training)
    for fire in (neuron, lambda current: neuron.trace(current)[0]):
        torch.manual_seed(3)
        neuron.seed(3)
        spikes = fire(x)
        results.append((spikes.detach(), torch.autograd.grad((spikes * normal(*x.shape, dtype=dtype)).sum(), x)[0]))
    assert torch.equal(results[0][0], results[1][0]) and 0.3 < results[0][0].mean() < 0.7
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-6, atol=1e-7)
    with torch.no_grad():
        torch.manual_seed(3)
        neuron.seed(3)
        assert torch.equal(neuron(x), results[0][0])


LAYOUTS = {
    "time_last": lambda x: x.movedim(0, -1).contiguous().movedim(-1, 0),
    "every_other": lambda x: torch.stack([x, -x], dim=-1).flatten(-2)[..., ::2],
    "static": lambda x: x[0].expand_as(x),
}


@pytest.mark.parametrize("spike", FUSED)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout_gives_the_same_and_is_left_as_it_is(layout, spike):
    laid, grads = LAYOUTS[layout](normal(8, 3, 50)), []
    copy = laid.contiguous().clone()
    for current in (laid, copy):
        current = current.detach().requires_grad_()
        torch.manual_seed(1)
        spikes = FUSED[spike](current, ALPHA, BETA)
        (spikes.sum(0) * normal(3, 50, seed=2)).sum().backward()  # the same gradient at every step
        grads.append((spikes.detach(), current.grad))
    assert torch.equal(laid, copy)
    assert torch.equal(grads[0][0], grads[1][0]) and torch.equal(grads[0][1], grads[1][1]) and grads[0][1].any()


@pytest.mark.parametrize("spike", FUSED)
def test_one_tensor_is_saved_and_no_later_step_gets_or_gives_anything(spike):
    saved, x = [], normal(20, 2, 5).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(lambda kept: saved.append(kept) or kept, lambda kept: kept):
        torch.manual_seed(1)
        spikes = FUSED[spike](x, ALPHA, BETA)
    assert len(saved) == 1
    grad = torch.autograd.grad(spikes[:13].sum(), x)[0]
    assert grad[:13].all() and not grad[13:].any()
    torch.manual_seed(1)
    changed = FUSED[spike](torch.cat([x[:13], 5 - x[13:]]), ALPHA, BETA)
    assert torch.equal(changed[:13], spikes[:13]) and not torch.equal(changed[13:], spikes[13:])


@pytest.mark.parametrize("spike", FUSED)
def test_the_number_of_threads_changes_nothing(spike):
    x, results, threads = normal(7, 3, 5000, dtype=torch.float32).requires_grad_(), [], torch.get_num_threads()
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            torch.manual_seed(1)
            spikes = FUSED[spike](x, ALPHA, BETA)
            results.append((spikes.detach(), torch.autograd.grad((spikes * x.detach()).sum(), x)[0]))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(results[0][0], results[1][0]) and torch.equal(results[0][1], results[1][1])


@pytest.mark.parametrize("spike", FUSED)
def test_extreme_currents_give_spikes_and_finite_gradients(spike):
    for extreme in (1e5, -1e5):
        x = torch.full((30, 1, 100), extreme).requires_grad_()
        spikes = FUSED[spike](x, ALPHA, BETA)
        spikes.sum().backward()
        assert (spikes == (extreme > 0)).all() and x.grad.isfinite().all()


@pytest.mark.parametrize("spike", FUSED)
def test_learnt_taus_and_other_devices_take_the_plain_way(spike):
    neuron = ParaLIF(**TIMES, spike=spike, learn=("tau",)).double()
    (neuron(normal(20, 2, 5)) * normal(20, 2, 5, seed=1)).sum().backward()
    assert neuron.log_tau_syn.grad.abs() > 0 and neuron.log_tau_mem.grad.abs() > 0
    assert SPSN(**TIMES, spike=spike)(torch.empty(4, 2, 3, device="meta")).shape == (4, 2, 3)
