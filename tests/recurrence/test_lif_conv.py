"""LIF on a static current and the convolution of its spikes against the plain loop and torch's layers."""

import pytest
import torch
from torch.nn import functional as F

from common.neurons import LIF
from common.recurrence import LIFConstants, lif_conv, plain
from common.surrogate import ATan, FastSigmoid, Rectangle

SHAPES = [  # T, B, C, H, W, O, K, L
    (1, 1, 1, 6, 6, 1, 5, 5), (7, 3, 2, 12, 13, 5, 5, 5), (5, 70, 3, 11, 14, 4, 3, 5), (9, 5, 4, 9, 10, 8, 4, 3),
    (20, 3, 16, 12, 12, 64, 5, 5), (3, 2, 3, 8, 9, 6, 1, 1)]
BETA, THETA = 0.9, 2.0


@pytest.fixture(autouse=True)
def every_density(monkeypatch):
    monkeypatch.setattr(lif_conv, "DENSITY", 1.0)
    monkeypatch.setattr(lif_conv, "CAPACITY", 1.0)


def made(shape, dtype=torch.float64, layout=torch.contiguous_format):
    _, num_samples, channels, height, width, num_outputs, *taps = shape
    current = torch.randn(num_samples, channels, height, width, dtype=dtype).contiguous(memory_format=layout)
    return current.requires_grad_(), torch.randn(num_outputs, channels, *taps, dtype=dtype).requires_grad_()


def convolved(current, num_steps, weight, threshold, surrogate, reset):
    """Convolution and pool of the spikes; None if they are too many."""
    spikes = lif_conv.static_spikes(current, num_steps, LIFConstants(BETA, 1.0, threshold, surrogate, reset))
    return None if spikes is None else spikes.conv_pool(weight)


def reference(current, num_steps, weight, surrogate, reset):
    sequence = torch.stack([current] * num_steps)
    spikes, _ = plain.lif(sequence, BETA, 1.0, THETA, surrogate, reset)
    return F.avg_pool2d(F.conv2d(spikes.flatten(0, 1), weight), 2).unflatten(0, (num_steps, -1)), spikes


def compare(shape, surrogate=FastSigmoid(5.0), reset="subtract", layout=torch.contiguous_format):  # noqa: B008
    current, weight = made(shape, layout=layout)
    mine = convolved(current, shape[0], weight, THETA, surrogate, reset)
    theirs, spikes = reference(current, shape[0], weight, surrogate, reset)
    assert shape[0] == 1 or 0.01 < spikes.mean() < 0.6
    torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-11)
    upstream = torch.randn_like(theirs)
    gradients = [torch.autograd.grad(out, (current, weight), upstream) for out in (mine, theirs)]
    for first, second in zip(*gradients, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("shape", SHAPES)
def test_output_and_gradients_equal_the_plain_layers(shape, reset):
    compare(shape, reset=reset)


@pytest.mark.parametrize("surrogate", [FastSigmoid(3.0), ATan(2.0), Rectangle(0.5)], ids=str)
def test_every_surrogate_that_the_kernels_know(surrogate):
    compare(SHAPES[1], surrogate)


def test_channels_that_lie_last():
    compare(SHAPES[3], layout=torch.channels_last)


def test_no_spike_at_all():
    current, weight = made(SHAPES[1])
    out = convolved(current, 7, weight, 1e6, FastSigmoid(5.0), "zero")
    assert not out.any()
    out.sum().backward()
    assert not weight.grad.any() and current.grad.any()


def test_an_input_without_gradient_gets_none():
    current, weight = made(SHAPES[1])
    convolved(current.detach(), 7, weight, THETA, FastSigmoid(5.0), "zero").sum().backward()
    assert current.grad is None and weight.grad.any()
    weight.grad = None
    convolved(current, 7, weight.detach(), THETA, FastSigmoid(5.0), "zero").sum().backward()
    assert current.grad.any() and weight.grad is None


def test_float32_is_near_float64():
    current, weight = made(SHAPES[4], torch.float32)
    results = []
    for dtype in (torch.float32, torch.float64):
        inputs = [x.detach().to(dtype).requires_grad_() for x in (current, weight)]
        out = convolved(inputs[0], 20, inputs[1], THETA, FastSigmoid(5.0), "subtract")
        assert out.dtype == dtype
        results.append([out, *torch.autograd.grad(out.pow(2).sum(), inputs)])
    for mine, true in zip(*results, strict=True):
        assert (mine - true).abs().max() < 1e-4 * true.abs().max()


@pytest.mark.parametrize("setting", ["DENSITY", "CAPACITY"])
def test_with_too_many_spikes_it_declines(setting, monkeypatch):
    """Whether they are many altogether, or one sample's are more than there is room for."""
    current, weight = torch.zeros(20, 2, 8, 8), torch.rand(3, 2, 5, 5)
    current[7] = 2 * THETA  # fires at every step: 1 of 20
    monkeypatch.setattr(lif_conv, setting, 0.049)
    arguments = current, 5, weight, THETA, FastSigmoid(5.0), "zero"
    assert convolved(*arguments) is None
    monkeypatch.setattr(lif_conv, setting, 1.0)
    assert convolved(*arguments).any()


@pytest.mark.parametrize("missing", [-1, 0, 1, 5, 40])
def test_with_room_for_just_so_many_spikes_none_is_lost(missing, monkeypatch):
    shape = SHAPES[1]
    current, weight = made(shape)
    theirs, spikes = reference(current, shape[0], weight, FastSigmoid(5.0), "zero")
    most = spikes.sum((0, 2, 3, 4)).max().item() - missing
    monkeypatch.setattr(lif_conv, "CAPACITY", (most + 0.5) / spikes[:, 0].numel())
    mine = convolved(current, shape[0], weight, THETA, FastSigmoid(5.0), "zero")
    assert (mine is None) == (missing > 0)
    if mine is not None:
        torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-11)


def test_the_threshold_may_move_before_the_backward_pass():
    current, weight = made(SHAPES[1])
    gradients = []
    for move in (0.0, 1.0):
        threshold = torch.tensor(THETA)
        out = convolved(current, 7, weight, threshold, FastSigmoid(5.0), "subtract")
        threshold += move
        gradients.append(torch.autograd.grad(out.sum(), current)[0])
    assert torch.equal(*gradients)


def test_it_runs_for_what_the_kernels_know_only():
    current, weight = made(SHAPES[1])
    neuron = LIF(BETA, THETA, FastSigmoid(5.0))
    assert lif_conv.can_run(current, neuron, weight)
    assert not lif_conv.can_run(current.bfloat16(), neuron, weight.bfloat16())
    assert not lif_conv.can_run(current, LIF(BETA, THETA, FastSigmoid(5.0), detach_reset=False), weight)
    assert not lif_conv.can_run(current, neuron, weight[..., :4])
    assert not lif_conv.can_run(current.new_zeros(1, 256, 5, 256), neuron, weight)


def test_the_result_is_the_same_to_the_bit_on_two_threads():
    current, weight = made((6, 41, 4, 12, 12, 16, 5, 5), torch.float32)
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        out = convolved(current, 6, weight, THETA, FastSigmoid(5.0), "subtract")
        results.append([out, torch.autograd.grad(out.pow(2).sum(), weight)[0]])
    for one, two in zip(*results, strict=True):
        assert torch.equal(one, two)
