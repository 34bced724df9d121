"""Batch norm by step and LIF in one function against nn.BatchNorm2d, called step by step, and the plain loop."""

import pytest
import torch
from torch import nn

from common.neurons import LIF
from common.recurrence import norm_step_lif, plain
from common.surrogate import ATan, FastSigmoid, Rectangle

SHAPES = [(1, 2, 1, 1, 1), (7, 3, 5, 4, 6), (4, 20, 64, 4, 4), (6, 2, 3, 17, 19), (3, 2, 1500, 2, 1)]  # T, B, C, H, W
BETA, THETA = 0.9, 1.5


def made(shape, dtype=torch.float64, layout=None):
    norm = nn.BatchNorm2d(shape[2]).to(dtype)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2), norm.bias.normal_()
    current = 3 * torch.randn(shape, dtype=dtype) + 1
    current[0, :, 0] = 0  # a channel at which nothing arrives
    if layout:
        current = current.flatten(0, 1).contiguous(memory_format=layout).unflatten(0, shape[:2])
    return current.requires_grad_(), norm


def fused(current, norm, surrogate, reset):
    return norm_step_lif.norm_lif(current, norm.weight, norm.bias, norm.eps, BETA, THETA, surrogate, reset)


def compare(shape, surrogate=FastSigmoid(5.0), reset="subtract", layout=None):  # noqa: B008
    current, norm = made(shape, layout=layout)
    mine, mean, variance = fused(current, norm, surrogate, reset)
    theirs, _ = plain.lif(torch.stack([norm(step) for step in current]), BETA, 1.0, THETA, surrogate, reset)
    assert torch.equal(mine, theirs) and (shape[0] == 1 or 0.05 < theirs.mean() < 0.95)
    torch.testing.assert_close(mean, current.mean((1, 3, 4)), rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(variance, current.var((1, 3, 4)), rtol=1e-11, atol=1e-11)
    upstream = torch.randn_like(theirs)
    gradients = [torch.autograd.grad(out, (current, norm.weight, norm.bias), upstream) for out in (mine, theirs)]
    for first, second in zip(*gradients, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("shape", SHAPES)
def test_spikes_statistics_and_gradients_equal_the_plain_layers(shape, reset):
    compare(shape, reset=reset)


@pytest.mark.parametrize("surrogate", [FastSigmoid(3.0), ATan(2.0), Rectangle(0.5)], ids=str)
def test_every_surrogate_that_the_kernels_know(surrogate):
    compare(SHAPES[1], surrogate)


def test_channels_that_lie_last():
    compare(SHAPES[1], layout=torch.channels_last)


def test_float32_differs_from_the_plain_layers_at_ties_only():
    current, norm = made((20, 16, 8, 4, 4), torch.float32)
    mine = fused(current, norm, FastSigmoid(5.0), "subtract")[0]
    normalised = torch.stack([norm(step) for step in current])
    theirs, membrane = plain.lif(normalised, BETA, 1.0, THETA, FastSigmoid(5.0), "subtract")
    flipped = mine != theirs
    assert mine.dtype == torch.float32 and flipped.double().mean() <= 1e-5
    assert ((membrane - THETA).abs()[flipped] < 1e-5 * THETA).all()


def test_one_value_of_a_channel_cannot_be_normalised():
    with pytest.raises(ValueError, match="batch_size"):
        fused(*made((5, 1, 3, 1, 1)), FastSigmoid(5.0), "zero")


def test_it_runs_for_what_the_kernels_know_only():
    current, _ = made(SHAPES[1])
    assert norm_step_lif.can_run(current, LIF(BETA, THETA, FastSigmoid(5.0)))
    assert not norm_step_lif.can_run(current.bfloat16(), LIF(BETA, THETA, FastSigmoid(5.0)))
    assert not norm_step_lif.can_run(current, LIF(BETA, THETA, FastSigmoid(5.0), detach_reset=False))


def test_without_gradient_of_the_spikes_there_is_none():
    current, norm = made(SHAPES[1])
    _, mean, _ = fused(current, norm, FastSigmoid(5.0), "zero")
    assert not mean.requires_grad
