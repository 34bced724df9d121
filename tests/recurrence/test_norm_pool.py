"""Batch norm, neurons and pool in one against the same of torch's own layers and the loop over steps."""

import itertools

import pytest
import torch
from helpers.drawn import normal
from torch import nn

from common.nets.plifnet import ConvNorm
from common.neurons import PLIF
from common.recurrence import norm_pool, plain
from common.sequence import flat
from common.surrogate import ATan, FastSigmoid, Rectangle

SHAPES = [(6, 3, 5, 8, 10), (4, 2, 7, 5, 9), (3, 1, 130, 2, 3), (1, 2, 3, 4, 4), (5, 2, 16, 40, 36), (2, 300, 2, 2, 2)]
NEURONS = list(itertools.product([(), "full", "rows"], [ATan(2.0), FastSigmoid(10.0), Rectangle(0.5, 0.1)]))


def layers(shape, neuron_shape, surrogate, dtype):
    """A norm and neurons for currents [T, B, C, H, W], with parameters of no special value."""
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(shape[2]).to(dtype)
    norm.weight.data.uniform_(0.5, 2)
    norm.bias.data.uniform_(0.2, 1.2)
    neuron_shape = {"full": shape[2:], "rows": (1, shape[3], 1)}.get(neuron_shape, neuron_shape)
    return norm, PLIF(2.0, surrogate, neuron_shape, tau_std=0.5).to(dtype)


def by_layers(current, norm, neuron, pool):
    """Step by step, as written: norm of each step, the plain loop, the pool."""
    current = torch.stack([norm(step) for step in current.unbind(0)])
    return flat(pool, plain.lif(current, *neuron.constants())[0])


def at_once(current, norm, neuron, pool):
    return norm_pool.norm_lif_pool(
        current, norm.weight, norm.bias, norm.eps, *neuron.constants()[:4], average=isinstance(pool, nn.AvgPool2d))[0]


def run(function, current, norm, neuron, pool):
    """Pooled spikes, and the gradients of a weighted sum of them by the current and all parameters."""
    inputs = [current.clone().requires_grad_(), norm.weight, norm.bias, neuron.w]
    spikes = function(inputs[0], norm, neuron, pool)
    return spikes, torch.autograd.grad((spikes * normal(*spikes.shape, dtype=spikes.dtype, seed=1)).sum(), inputs)


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.AvgPool2d(2)], ids=["max", "average"])
@pytest.mark.parametrize("neuron_shape, surrogate", NEURONS, ids=str)
def test_spikes_are_equal_and_gradients_to_1e_9(neuron_shape, surrogate, pool):
    for shape in SHAPES:
        current = 3 + 2 * normal(*shape)
        parts = *layers(shape, neuron_shape, surrogate, torch.float64), pool
        (mine, ours), (reference, theirs) = run(at_once, current, *parts), run(by_layers, current, *parts)
        assert torch.equal(mine, reference) and mine.shape == (*shape[:3], shape[3] // 2, shape[4] // 2)
        assert 0.05 < reference.mean() < 0.95
        for grad, expected in zip(ours, theirs, strict=True):
            assert grad.shape == expected.shape and expected.abs().max() > 0
            assert (grad - expected).abs().max() <= 1e-9 * expected.abs().max().clamp(min=1)


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.AvgPool2d(2)], ids=["max", "average"])
@pytest.mark.parametrize("channels_last", [True, False])
def test_float32_is_as_near_to_float64_as_torch_s_own_layers(channels_last, pool):
    shape = (8, 3, 24, 21, 22)
    current = 50 + 2 * normal(*shape, dtype=torch.float32)
    if channels_last:
        current = current.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, shape[:2])
    exact = run(by_layers, current.double(), *layers(shape, "full", ATan(), torch.float64), pool)
    parts = *layers(shape, "full", ATan(), torch.float32), pool
    (mine, ours), (reference, theirs) = run(at_once, current, *parts), run(by_layers, current, *parts)
    assert mine.dtype == torch.float32
    assert (mine != exact[0]).double().mean() <= max(1e-4, 2 * (reference != exact[0]).double().mean())
    for grad, torch_s, expected in zip(ours, theirs, exact[1], strict=True):
        size = expected.square().mean().sqrt()
        error, usual = ((x - expected).square().mean().sqrt() / size for x in (grad, torch_s))
        assert error <= max(1e-3, 2 * usual)


def test_the_running_statistics_move_as_by_a_call_for_each_step():
    for shape in SHAPES:
        x = 3 + 2 * normal(shape[0], shape[1], 2, *shape[3:])
        ours, theirs = ConvNorm(2, 7).double(), ConvNorm(2, 7).double()
        theirs.load_state_dict(ours.state_dict())
        neuron = PLIF().double()
        for _ in range(2):
            spikes = ours.fused_pool(x, neuron, nn.MaxPool2d(2))
            assert torch.equal(spikes, flat(nn.MaxPool2d(2), neuron(theirs(x))))
        for name, value in theirs.norm.state_dict().items():
            torch.testing.assert_close(ours.norm.state_dict()[name], value)


@pytest.mark.parametrize("values, expected", [
    ([[0.0, 0.0], [0.0, 0.0]], [[1, 0], [0, 0]]), ([[0.0, 2.0], [2.0, 0.0]], [[0, 1], [0, 0]]),
    ([[2.0, 2.0], [2.0, 2.0]], [[1, 0], [0, 0]]), ([[0.0, 0.0], [2.0, 2.0]], [[0, 0], [1, 0]]),
    ([[0.0, 0.0], [0.0, 2.0]], [[0, 0], [0, 1]])])
def test_the_first_of_equal_spikes_gets_the_gradient(values, expected):
    """One pool; the rectangle's derivative is 1 / 4 everywhere here, and batch norm's share is taken off beforehand."""
    current = torch.tensor(values, dtype=torch.float64)[None, None, None].requires_grad_()
    parts = nn.BatchNorm2d(1).double(), PLIF(2.0, Rectangle(2.0)).double(), nn.MaxPool2d(2)
    if current.detach().std() > 0:
        parts[0].weight.data.fill_(2 * current.detach().std(correction=0).item())
    parts[0].bias.data.fill_(2 * current.detach().mean().item())  # so that the norm doubles, and u is the value
    mine, reference = run(at_once, current.detach(), *parts), run(by_layers, current.detach(), *parts)
    assert mine[0].item() == reference[0].item() == max(map(max, values)) / 2
    torch.testing.assert_close(mine[1], reference[1])
    (by_bias,) = torch.autograd.grad(at_once(current, *parts).sum(), parts[0].bias)
    assert by_bias.item() == pytest.approx(0.25 * 0.5) and sum(map(sum, expected)) == 1


def test_only_the_current_is_saved_of_what_is_large():
    shape = (6, 2, 8, 12, 12)
    norm, neuron = layers(shape, (), ATan(), torch.float32)
    current, saved = normal(*shape, dtype=torch.float32).requires_grad_(), []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: saved.append(x) or x, lambda x: x):
        at_once(current, norm, neuron, nn.MaxPool2d(2))
    assert [x.data_ptr() for x in saved if x.numel() > 8] == [current.data_ptr()]


def test_nan_does_not_fire_and_its_gradient_is_not_finite():
    shape = (3, 2, 2, 4, 4)
    norm, neuron = layers(shape, (), ATan(), torch.float64)
    current = normal(*shape)
    current[1, 0, 0, 0, 0] = float("nan")
    spikes, grads = run(at_once, current, norm, neuron, nn.MaxPool2d(2))
    assert not spikes[1:, :, 0].any() and spikes[1:, :, 1].any() and not grads[1].isfinite().all()


def test_one_value_of_a_channel_has_no_variance():
    norm, neuron = layers((3, 1, 2, 1, 1), (), ATan(), torch.float32)
    with pytest.raises(ValueError, match="more than one value of each channel"):
        at_once(normal(3, 1, 2, 1, 1, dtype=torch.float32), norm, neuron, nn.MaxPool2d(2))


def test_the_number_of_threads_changes_nothing():
    shape, results = (4, 3, 8, 20, 18), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(run(at_once, normal(*shape, dtype=torch.float32), *layers(shape, (), ATan(), torch.float32),
                           nn.MaxPool2d(2)))
        assert torch.get_num_threads() == threads
    assert torch.equal(results[0][0], results[1][0])
    assert all(torch.equal(*grads) for grads in zip(results[0][1], results[1][1], strict=True))
