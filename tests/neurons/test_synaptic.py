"""SynapticLIF and LeakyIntegrator against SpikingJelly behind scipy's filter, a loop over steps, and by hand."""

import numpy as np
import pytest
import torch
from helpers.drawn import uniform
from scipy.signal import lfilter
from spikingjelly.activation_based import neuron as jelly
from spikingjelly.activation_based import surrogate as jelly_surrogate

from common.neurons import LeakyIntegrator, SynapticLIF
from common.recurrence import plain
from common.recurrence.leak import plain_leak
from common.surrogate import ATan, FastSigmoid, LearntATan, Rectangle

TIMES = {"tau_syn": 0.02, "tau_mem": 0.01, "dt": 0.001}
FAST = FastSigmoid(100.0)


def gradient(output, current):
    """Of a weighted sum of the output, a weight for each element."""
    return torch.autograd.grad((output * uniform(*output.shape, dtype=output.dtype, seed=1)).sum(), current)[0]


@pytest.mark.parametrize("tau_syn, tau_mem", [(0.02, 0.02), (0.005, 0.01)])
def test_it_is_spikingjelly_s_neuron_behind_scipy_s_filter(tau_syn, tau_mem):
    alpha, beta = np.exp(-0.001 / tau_syn), np.exp(-0.001 / tau_mem)
    current = 0.5 * uniform(80, 3, 20)
    syn = torch.from_numpy(lfilter([1], [1, -alpha], current.numpy(), axis=0)).requires_grad_()
    node = jelly.LIFNode(1 / (1 - beta), decay_input=True, v_threshold=1.0, v_reset=0.0, detach_reset=True,
                         surrogate_function=jelly_surrogate.ATan(alpha=2.0), step_mode="s")
    reference = torch.stack([node(x) for x in syn])
    current.requires_grad_()
    neuron = SynapticLIF(tau_syn, tau_mem, 0.001, ATan(2.0))
    spikes, membrane = neuron.trace(current)
    assert 0.05 < reference.mean() < 0.9
    assert (membrane - 1).abs().min() > 1e-6  # no tie, at which the two would differ
    assert torch.equal(spikes, reference) and torch.equal(neuron(current), reference)
    by_syn = gradient(reference, syn).numpy()
    by_current = lfilter([1], [1, -alpha], by_syn[::-1], axis=0)[::-1]  # the filter's transpose: backwards in time
    for output in (spikes, neuron(current)):
        np.testing.assert_allclose(gradient(output, current).numpy(), by_current, rtol=1e-9)


LAYOUTS = {
    "contiguous": lambda x: x,
    "time_last": lambda x: x.movedim(0, -1).contiguous().movedim(-1, 0),
    "every_other": lambda x: torch.stack([x, -x], dim=-1).flatten(-2)[..., ::2],
    "static": lambda x: x[0].expand_as(x),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("surrogate", [FAST, ATan(2.0), Rectangle(0.5, 0.1)], ids=str)
def test_the_fused_spikes_and_gradients_are_those_of_the_plain_loop(surrogate, dtype, tolerance, layout):
    current, weights = 0.3 * uniform(60, 3, 700, dtype=dtype), uniform(60, 3, 700, dtype=dtype, seed=1)
    current = LAYOUTS[layout](current).detach().requires_grad_()
    neuron = SynapticLIF(**TIMES, surrogate=surrogate)
    reference = plain.lif(plain_leak(current, neuron.alpha, 0.0), *neuron.constants())[0]
    spikes = neuron(current)
    with torch.no_grad():
        assert torch.equal(spikes, reference) and torch.equal(neuron(current), reference)
    assert 0.05 < reference.mean() < 0.5
    for weight in (weights, weights[0].expand_as(weights)):  # the latter the same gradient at every step
        ours, theirs = (torch.autograd.grad(x, current, weight, retain_graph=True)[0] for x in (spikes, reference))
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


def test_only_the_membrane_is_saved_and_threads_change_nothing():
    saved, results, threads = [], [], torch.get_num_threads()
    current = (0.3 * uniform(30, 3, 2000)).requires_grad_()
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            with torch.autograd.graph.saved_tensors_hooks(lambda kept: saved.append(kept) or kept, lambda kept: kept):
                spikes = SynapticLIF(**TIMES, surrogate=FAST)(current)
            results.append((spikes.detach(), gradient(spikes, current)))
    finally:
        torch.set_num_threads(threads)
    assert [kept.shape for kept in saved] == [current.shape] * 2
    assert torch.equal(results[0][0], results[1][0]) and torch.equal(results[0][1], results[1][1])


def test_a_surrogate_that_no_kernel_knows_takes_the_plain_way():
    current = 0.3 * uniform(40, 2, 9)
    neurons = [SynapticLIF(**TIMES, surrogate=surrogate) for surrogate in (LearntATan(2.0).double(), ATan(2.0))]
    assert torch.equal(*(neuron(current) for neuron in neurons)) and neurons[1](current).any()


def test_the_membrane_by_hand():
    half = 1 / np.log(2)  # one step of 1 s keeps a half
    current = torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0], dtype=torch.float64).view(5, 1, 1)
    spikes, membrane = SynapticLIF(half, half, 1.0, FAST).trace(current)
    #  syn: 1 | 1.5 | 1.75 | 0.875 | 0.4375   u: 0.5 | 0.25 + 0.75 | 0.5 + 0.875, fires | 0.4375 | 0.21875 + 0.21875
    np.testing.assert_allclose(membrane.flatten().numpy(), [0.5, 1.0, 1.375, 0.4375, 0.4375], rtol=1e-12)
    assert spikes.flatten().tolist()[2:] == [1, 0, 0]
    assert torch.equal(SynapticLIF(half, half, 1.0, FAST)(current), spikes)


def test_twenty_milliseconds_keep_95_percent_a_millisecond():
    lif, read_out = SynapticLIF(0.02, 0.01, 0.001, FAST), LeakyIntegrator(0.02, 0.01, 0.001)
    for neuron in (lif, read_out):
        assert (neuron.alpha, neuron.beta) == pytest.approx((0.951229424500714, 0.904837418035960))
        assert not list(neuron.parameters())


def test_the_read_out_is_scipy_s_filter_and_never_fires():
    current = 5 * uniform(300, 3, 4)
    alpha, beta = np.exp(-1 / 20), np.exp(-1 / 10)
    expected = lfilter([1 - beta], [1, -alpha], lfilter([1], [1, -beta], current.numpy(), axis=0), axis=0)
    membrane = LeakyIntegrator(**TIMES)(current)
    assert membrane.max() > 10
    np.testing.assert_allclose(membrane.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("neuron", [SynapticLIF(**TIMES, surrogate=FAST), LeakyIntegrator(**TIMES)], ids=str)
def test_no_step_depends_on_a_later_one_and_no_sample_on_its_neighbours(neuron):
    current = uniform(30, 4, 5).requires_grad_()
    changed = current.detach().clone()
    changed[17:] += 1
    before, after = neuron(current), neuron(changed)
    assert torch.equal(before[:17], after[:17]) and not torch.equal(before[17:], after[17:])
    assert torch.equal(before[:, 2:3], neuron(current[:, 2:3]))
    assert torch.equal(before, neuron(current))
    assert not gradient(before[:17], current)[17:].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 2, 3), (5, 0, 3), (5, 2), (4, 2, 3, 6, 6)])
def test_shape_and_dtype_are_the_current_s(shape, dtype):
    current = uniform(*shape, dtype=dtype).requires_grad_()
    spikes, membrane = SynapticLIF(**TIMES, surrogate=FAST).trace(current)
    output = LeakyIntegrator(**TIMES)(current)
    (spikes + membrane + output).sum().backward()
    assert spikes.shape == membrane.shape == output.shape == current.grad.shape == shape
    assert spikes.dtype == membrane.dtype == output.dtype == current.grad.dtype == dtype


@pytest.mark.parametrize("key", TIMES)
@pytest.mark.parametrize("value", [0.0, -0.02, float("nan"), float("inf")])
def test_times_that_cannot_be_are_refused(key, value):
    for make in (LeakyIntegrator, lambda **times: SynapticLIF(**times, surrogate=FAST)):
        with pytest.raises(ValueError, match=f"{key} must exceed 0"):
            make(**TIMES | {key: value})
