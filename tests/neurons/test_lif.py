"""LIF against snntorch's Leaky, SpikingJelly's LIFNode, a loop of autograd's own operations, and by hand."""

from functools import partial

import pytest
import snntorch
import torch
from helpers.drawn import uniform
from snntorch.surrogate import fast_sigmoid
from spikingjelly.activation_based import neuron as jelly
from spikingjelly.activation_based import surrogate as jelly_surrogate
from torch import nn

from common.neurons import LIF
from common.surrogate import ATan, FastSigmoid, Rectangle, Surrogate


class Triangle(Surrogate):
    """What a user may add: ds/du = max(0, 1 - |u - theta|)."""

    def derivative(self, distance):
        return (1 - distance.abs()).clamp(0)


RESETS = [("subtract", True), ("subtract", False), ("zero", True), ("zero", False)]


draw = partial(uniform, high=1.5)


def gradient(output, current, seed=1):
    """Of a weighted sum of the output, a weight for each element."""
    loss = (output * draw(*output.shape, dtype=output.dtype, seed=seed)).sum()
    return torch.autograd.grad(loss, current, retain_graph=True)[0]


@pytest.mark.parametrize("beta, threshold, slope", [(0.99, 11.666, 10.22), (0.868, 6.9, 0.1557), (0.5, 1.0, 25.0)])
def test_reset_by_subtraction_equals_snntorch(beta, threshold, slope):
    current = (threshold / 2 * draw(50, 4, 30, dtype=torch.float32)).requires_grad_()
    leaky = snntorch.Leaky(beta, threshold=threshold, spike_grad=fast_sigmoid(slope), reset_mechanism="subtract")
    membrane, steps = leaky.init_leaky(), []
    for x in current:
        spike, membrane = leaky(x, membrane)
        steps.append((spike, membrane))
    reference, membranes = map(torch.stack, zip(*steps, strict=True))
    spikes, membrane = LIF(beta, threshold, FastSigmoid(slope)).trace(current)
    assert 0.02 < reference.mean() < 0.9
    assert torch.equal(spikes, reference)
    torch.testing.assert_close(membrane, membranes, rtol=1e-5, atol=1e-5 * threshold)
    for mine, theirs in ((spikes, reference), (membrane, membranes)):
        torch.testing.assert_close(gradient(mine, current), gradient(theirs, current), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("detach_reset", [True, False])
@pytest.mark.parametrize("tau, threshold", [(4.0, 1.0), (4 / 3, 0.4)])
def test_reset_to_zero_equals_spikingjelly(tau, threshold, detach_reset):
    current = draw(40, 3, 20).requires_grad_()
    node = jelly.LIFNode(tau, decay_input=False, v_threshold=threshold, v_reset=0.0, detach_reset=detach_reset,
                         surrogate_function=jelly_surrogate.ATan(alpha=2.0), step_mode="s")
    reference = torch.stack([node(x) for x in current])
    lif = LIF(1 - 1 / tau, threshold, ATan(2.0), "zero", detach_reset).double()
    spikes, membrane = lif.trace(current)
    assert 0.1 < reference.mean() < 0.9
    assert (membrane - threshold).abs().min() > 1e-6  # no tie, at which the two would differ
    assert torch.equal(spikes, reference)
    torch.testing.assert_close(gradient(spikes, current), gradient(reference, current))


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_the_gradient_through_the_reset_is_autograd_s(reset):
    """The rectangle's derivative, written as a straight-through clamp of the membrane."""
    current, theta = draw(12, 3, 5).requires_grad_(), 0.75
    membrane = spike = torch.zeros(3, 5, dtype=torch.float64)
    outputs = []
    for x in current:
        membrane = 0.625 * membrane + x if reset == "subtract" else 0.625 * membrane * (1 - spike) + x
        membrane = membrane - theta * spike if reset == "subtract" else membrane
        smooth = (membrane - theta).clamp(-0.5, 0.5)  # slope 1 within half a unit of the threshold
        spike = smooth + ((membrane > theta).double() - smooth).detach()
        outputs.append(spike)
    grads = [gradient(LIF(0.625, theta, Rectangle(0.5), reset, detach).double()(current), current)
             for detach in (False, True)]
    torch.testing.assert_close(grads[0], gradient(torch.stack(outputs), current))
    assert not torch.allclose(*grads)


@pytest.mark.parametrize("reset, membranes", [
    #  0.75 | 0.375 + 0.75, fires | 0.5625 + 0.75 - 1 | 0.15625 + 0.75 | 0.453125 + 1.5, fires | 0.9765625 - 1
    ("subtract", [0.75, 1.125, 0.3125, 0.90625, 1.953125, -0.0234375]),
    #  0.75 | 0.375 + 0.75, fires |     0 + 0.75      | 0.375 + 0.75, fires | 0 + 1.5, fires | 0
    ("zero", [0.75, 1.125, 0.75, 1.125, 1.5, 0.0]),
])
def test_the_membrane_by_hand(reset, membranes):
    current = torch.tensor([0.75, 0.75, 0.75, 0.75, 1.5, 0.0]).view(6, 1, 1)
    spikes, membrane = LIF(0.5, 1.0, FastSigmoid(10.0), reset).trace(current)
    assert membrane.flatten().tolist() == membranes
    assert spikes.flatten().tolist() == [float(u > 1) for u in membranes]


def test_at_the_threshold_itself_nothing_fires():
    assert not LIF(0.5, 1.0, FastSigmoid(10.0))(torch.ones(1, 2, 3)).any()


@pytest.mark.parametrize("reset, detach_reset", RESETS)
def test_no_step_depends_on_a_later_one_and_calls_do_not_on_earlier_ones(reset, detach_reset):
    lif = LIF(0.9, 1.0, FastSigmoid(10.0), reset, detach_reset).double()
    current = draw(12, 2, 5).requires_grad_()
    changed = current.detach().clone()
    changed[7:] += 1
    before, after = lif(current), lif(changed)
    assert torch.equal(before[:7], after[:7]) and not torch.equal(before[7:], after[7:])
    assert torch.equal(before, lif(current))
    assert not gradient(before[:7], current)[7:].any()


@pytest.mark.parametrize("reset, detach_reset", RESETS)
def test_no_sample_depends_on_its_neighbours(reset, detach_reset):
    lif = LIF(0.9, 1.0, FastSigmoid(10.0), reset, detach_reset).double()
    current = draw(12, 4, 5)
    assert torch.equal(lif(current)[:, 2:3], lif(current[:, 2:3]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 2, 3), (5, 0, 3), (5, 2), (4, 2, 3, 6, 6)])
def test_shape_and_dtype_are_the_current_s(shape, dtype):
    net = nn.Sequential(LIF(0.9, 1.0, FastSigmoid(10.0))).to(dtype)
    current = draw(*shape, dtype=dtype).requires_grad_()
    spikes, membrane = net[0].trace(current)
    (spikes + membrane).sum().backward()
    assert spikes.shape == membrane.shape == current.grad.shape == shape
    assert spikes.dtype == membrane.dtype == current.grad.dtype == net[0].threshold.dtype == dtype
    assert set(spikes.unique().tolist()) <= {0.0, 1.0}


def test_double_makes_the_threshold_double_and_the_plain_number_is_kept():
    lif = LIF(0.9, 1.1, FastSigmoid(10.0))
    assert lif.threshold.dtype == torch.float32 and lif.threshold.item() == pytest.approx(1.1)
    membrane = lif.double().trace(draw(30, 2, 3))[1]
    assert membrane.dtype == lif.threshold.dtype == torch.float64


def test_the_threshold_is_a_buffer_that_a_state_dict_moves_and_no_gradient_reaches():
    lif, other = (LIF(0.9, theta, FastSigmoid(10.0)) for theta in (1.0, 1.25))
    assert list(lif.state_dict()) == ["threshold"] and not list(lif.parameters())
    lif.load_state_dict(other.state_dict())
    current = draw(9, 2, 3, dtype=torch.float32).requires_grad_()
    assert torch.equal(lif(current), other(current))
    lif(current).sum().backward()
    assert lif.threshold.item() == 1.25 and lif.threshold.grad is None and not lif.threshold.requires_grad


def test_a_surrogate_of_one_s_own_trains():
    current = torch.tensor([0.75, 0.0], dtype=torch.float64).view(2, 1, 1).requires_grad_()
    LIF(0.5, 1.0, Triangle()).double()(current).sum().backward()
    assert current.grad.flatten().tolist() == [0.75 + 0.5 * 0.375, 0.375]  # 1 - |0.75 - 1| and 1 - |0.375 - 1|


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float16, torch.bfloat16])
def test_counts_and_half_precision_give_the_spikes_of_the_float_current(dtype):
    current = torch.tensor([1.0, 1.0, 0.0, 2.0, 1.0, 1.0]).view(6, 1, 1)
    lif = LIF(0.5, 1.25, FastSigmoid(10.0))
    assert lif(current).sum() > 0
    assert torch.equal(lif(current.to(dtype)).float(), lif(current))


@pytest.mark.parametrize("settings, message", [
    ({"beta": 0.0}, "beta must lie in"), ({"beta": 1.0}, "beta must lie in"), ({"beta": -0.1}, "beta must lie in"),
    ({"beta": float("nan")}, "beta must lie in"), ({"threshold": 0.0}, "threshold must exceed 0, got 0.0"),
    ({"threshold": -1.0}, "threshold must exceed 0"), ({"threshold": float("nan")}, "threshold must exceed 0"),
    ({"reset": "none"}, "reset must be 'subtract' or 'zero', got 'none'"),
])
def test_what_cannot_be_a_neuron_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LIF(**({"beta": 0.9, "threshold": 1.0, "surrogate": FastSigmoid(10.0)} | settings))
