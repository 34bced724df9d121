"""PLIF against SpikingJelly's ParametricLIFNode, a loop of autograd's own operations, and by hand."""

import math
from functools import partial

import pytest
import torch
from helpers.drawn import uniform
from spikingjelly.activation_based import neuron as jelly
from spikingjelly.activation_based import surrogate as jelly_surrogate

from common.neurons import PLIF
from common.recurrence import fused
from common.surrogate import ATan, FastSigmoid, LearntATan

draw = partial(uniform, high=2.5)


def gradients(output, *inputs, seed=1):
    """Of a weighted sum of the output, a weight for each element."""
    loss = (output * draw(*output.shape, dtype=output.dtype, seed=seed)).sum()
    return torch.autograd.grad(loss, inputs, retain_graph=True)


def by_autograd(x, w, surrogate, threshold=1.0):
    """PLIF's equations, a step after the other, reset detached; w of any shape that broadcasts."""
    v, spikes = torch.zeros_like(x[0]), []
    for current in x.unbind(0):
        u = v + (current - v) / (1 + torch.exp(-w))
        spikes.append(surrogate(u - threshold, inclusive=True))
        v = torch.where(spikes[-1].detach() > 0, torch.zeros_like(u), u)
    return torch.stack(spikes)


@pytest.mark.parametrize("detach_reset", [True, False])
@pytest.mark.parametrize("init_tau", [1.05, 2.0, 7.5, 100.0])
def test_one_tau_equals_spikingjelly(init_tau, detach_reset):
    current = (init_tau / 2 * draw(40, 3, 20)).requires_grad_()
    node = jelly.ParametricLIFNode(init_tau, decay_input=True, v_threshold=1.0, v_reset=0.0, detach_reset=detach_reset,
                                   surrogate_function=jelly_surrogate.ATan(alpha=2.0), step_mode="s").double()
    neuron = PLIF(init_tau, detach_reset=detach_reset).double()
    torch.testing.assert_close(neuron.w, node.w, rtol=1e-6, atol=0)
    neuron.w.data.copy_(node.w.data)
    reference = torch.stack([node(x) for x in current])
    spikes = neuron(current)
    assert 0.1 < reference.mean() < 0.9
    assert torch.equal(spikes, reference)
    theirs = gradients(reference, current, node.w)
    for mine, other in zip(gradients(spikes, current, neuron.w), theirs, strict=True):
        assert other.abs().max() > 0
        torch.testing.assert_close(mine, other, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("shape", [(5, 4, 6), (1, 4, 1), (6,)])
def test_a_tau_per_neuron_equals_a_loop(shape):
    neuron = PLIF(2.0, ATan(3.0), shape, tau_std=0.5, threshold=0.75).double()
    current = draw(15, 3, 5, 4, 6).requires_grad_()
    spikes, reference = neuron(current), by_autograd(current, neuron.w, ATan(3.0), 0.75)
    assert 0.1 < reference.mean() < 0.9 and torch.equal(spikes, reference)
    for mine, other in zip(gradients(spikes, current, neuron.w), gradients(reference, current, neuron.w), strict=True):
        assert mine.shape == other.shape and other.abs().min() > 0
        torch.testing.assert_close(mine, other, rtol=1e-8, atol=1e-10)


def test_one_tau_is_a_tau_per_neuron_that_all_share():
    current = draw(12, 2, 7)
    assert torch.equal(PLIF(3.0).double()(current), PLIF(3.0, shape=(7,)).double()(current))


def test_the_gradient_of_tau_is_the_numerical_one_below_threshold():
    neuron = PLIF(3.0, FastSigmoid(1.0), (4,), tau_std=1.0, threshold=100.0).double()
    current = draw(6, 2, 4)

    def membrane(w):
        return torch.func.functional_call(neuron, {"w": w}, (current,))

    neuron.forward = lambda current: neuron.trace(current)[1]
    assert torch.autograd.gradcheck(membrane, neuron.w.detach().clone().requires_grad_())


def test_the_membrane_by_hand():
    """tau 2 halves the way to the current: 0.75, then fires at 1 exactly, starts again from 0, and decays."""
    current = torch.tensor([1.5, 1.25, 1.0, 0.0, 4.0, 0.0]).view(6, 1, 1)
    spikes, membrane = PLIF(2.0).trace(current)
    assert membrane.flatten().tolist() == [0.75, 1.0, 0.5, 0.25, 2.125, 0.0]
    assert spikes.flatten().tolist() == [0, 1, 0, 0, 1, 0]


def test_tau_is_log_normal_above_one():
    """Quantiles: the median of tau - 1 is m^2 / sqrt(std^2 + m^2), the mean init_tau and the deviation tau_std."""
    for init_tau, std in [(2.0, 0.1), (2.0, 1.0), (1.2, 0.4)]:
        tau = PLIF(init_tau, shape=(300, 1000), tau_std=std).double().tau.detach()
        mean = init_tau - 1
        assert tau.min() > 1
        assert tau.mean().item() == pytest.approx(init_tau, rel=0.01)
        assert tau.std().item() == pytest.approx(std, rel=0.05)
        assert (tau - 1).median().item() == pytest.approx(mean**2 / math.hypot(std, mean), rel=0.01)


def test_tau_is_what_it_was_set_to():
    assert PLIF(2.0).w.item() == 0 and PLIF(2.0).w.shape == PLIF(2.0).tau.shape == ()
    assert PLIF(5.0, shape=(2, 3)).tau.tolist() == [[5.0] * 3] * 2
    assert PLIF(5.0, shape=(2, 3)).w[0, 0].item() == pytest.approx(-math.log(4))
    generator = torch.get_rng_state()
    PLIF(5.0, shape=(2, 3))
    assert torch.equal(generator, torch.get_rng_state())


def test_what_is_not_learnt_gets_no_gradient_and_stays_in_the_checkpoint():
    neuron = PLIF(3.0, learn=False)
    current = draw(9, 2, 3, dtype=torch.float32).requires_grad_()
    neuron(current).sum().backward()
    assert neuron.w.grad is None and current.grad.abs().max() > 0 and list(neuron.state_dict()) == ["w", "threshold"]
    assert torch.equal(neuron(current), PLIF(3.0)(current))


def test_a_learnt_alpha_equals_spikingjelly_s():
    current = draw(20, 3, 10).requires_grad_()
    node = jelly.ParametricLIFNode(2.0, detach_reset=True, surrogate_function=jelly_surrogate.ATan(2.0)).double()
    neuron = PLIF(2.0, LearntATan(2.0)).double()
    assert not fused.can_run(current, neuron.surrogate) and set(dict(neuron.named_parameters())) == {
        "w", "surrogate.alpha"}
    reference, spikes = torch.stack([node(x) for x in current]), neuron(current)
    assert torch.equal(spikes, reference)
    *mine, by_alpha = gradients(spikes, current, neuron.w, neuron.surrogate.alpha)
    for ours, theirs in zip(mine, gradients(reference, current, node.w), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert by_alpha.abs() > 0


def test_the_gradient_of_alpha_by_hand():
    """x = u - theta = -0.5 and alpha 2: d/d alpha = x / 2 / (1 + (pi/2 alpha x)^2)."""
    neuron = PLIF(2.0, LearntATan(2.0)).double()
    neuron(torch.ones(1, 1, 1, dtype=torch.float64)).sum().backward()
    assert neuron.surrogate.alpha.grad.item() == pytest.approx(-0.25 / (1 + (math.pi / 2) ** 2))


@pytest.mark.parametrize("surrogate", [ATan(), LearntATan()])
@pytest.mark.parametrize("shape", [(), (5,)])
def test_no_step_depends_on_a_later_one_nor_a_sample_on_its_neighbours(shape, surrogate):
    neuron = PLIF(2.0, surrogate, shape, tau_std=0.1).double()
    current = draw(12, 4, 5).requires_grad_()
    changed = current.detach().clone()
    changed[7:] += 1
    before, after = neuron(current), neuron(changed)
    assert torch.equal(before[:7], after[:7]) and not torch.equal(before[7:], after[7:])
    assert torch.equal(before, neuron(current)) and torch.equal(before[:, 2:3], neuron(current[:, 2:3]))
    (grad,) = torch.autograd.grad(before[:7, 1].sum(), current, retain_graph=True)
    assert grad[:7, 1].abs().max() > 0 and not grad[7:].any() and not grad[:, 0].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 2, 3), (5, 0, 3), (5, 2), (4, 2, 3, 6, 6)])
def test_shape_and_dtype_are_the_current_s(shape, dtype):
    neuron = PLIF(shape=shape[2:], tau_std=0.1).to(dtype)
    current = draw(*shape, dtype=dtype).requires_grad_()
    spikes, membrane = neuron.trace(current)
    (spikes + membrane).sum().backward()
    assert spikes.shape == membrane.shape == current.grad.shape == shape
    assert spikes.dtype == membrane.dtype == current.grad.dtype == neuron.w.grad.dtype == dtype
    assert neuron.w.grad.shape == shape[2:] and set(spikes.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("static", [True, False])
def test_a_current_that_stays_is_a_sequence_of_equal_steps(static):
    neuron, step = PLIF(2.0, shape=(3,), tau_std=0.1).double(), draw(4, 3).requires_grad_()
    current = step.expand(9, 4, 3) if static else step.repeat(9, 1, 1)
    spikes, reference = neuron(current), by_autograd(step.repeat(9, 1, 1), neuron.w, ATan())
    assert torch.equal(spikes, reference)
    for mine, other in zip(gradients(spikes, step, neuron.w), gradients(reference, step, neuron.w), strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("settings, message", [
    ({"init_tau": 1.0}, "init_tau must exceed 1"), ({"init_tau": math.nan}, "init_tau must exceed 1"),
    ({"init_tau": math.inf}, "init_tau .* finite"), ({"tau_std": -0.1}, "tau_std must be 0 or more"),
    ({"threshold": 0.0}, "threshold must exceed 0 and be finite, got 0.0"),
])
def test_what_cannot_be_a_neuron_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        PLIF(**settings)
