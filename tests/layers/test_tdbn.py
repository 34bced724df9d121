"""tdBN against means and variances written out, in float64."""

import math
from functools import partial

import pytest
import torch
from helpers.drawn import normal

from common.bench.peers.resnet import WrittenOutNorm
from common.layers.tdbn import TDBatchNorm2d

SHAPE = 3, 4, 5, 6, 7  # [T, B, C, H, W]


draw = partial(normal, mean=1.0, std=3.0)


def pair(threshold=0.4, alpha=0.75, num_batches=0):
    """Ours and the peer's of the same parameters, after some batches of training."""
    ours, peer = TDBatchNorm2d(5, threshold, alpha).double(), WrittenOutNorm(5, alpha * threshold).double()
    for norm in (ours, peer):
        norm.weight.data.copy_(torch.linspace(0.5, 2, 5))
        norm.bias.data.copy_(torch.linspace(-1, 1, 5))
        for k in range(num_batches):
            call(norm, draw(*SHAPE, seed=10 + k))
    return ours, peer


def call(norm, x):
    """The norm of x [T, B, C, H, W]; the peer has time last."""
    return norm(x) if isinstance(norm, TDBatchNorm2d) else norm(x.movedim(0, -1)).movedim(-1, 0)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("static", [True, False])
def test_output_gradients_and_statistics_equal_the_formula_written_out(static, training):
    ours, peer = (norm.train(training) for norm in pair(num_batches=3))
    x = (draw(*SHAPE[1:]) if static else draw(*SHAPE)).requires_grad_()
    results = []
    for norm in (ours, peer):
        y = call(norm, x.expand(3, *x.shape) if static else x)
        weights = draw(*SHAPE, seed=1)
        results.append((y, *torch.autograd.grad((weights * y).sum(), [x, norm.weight, norm.bias])))
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)
    for name, value in peer.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-12, atol=1e-12, msg=name)
    assert ours.num_batches_tracked == 3 + training


@pytest.mark.parametrize("threshold, alpha", [(0.4, 1.0), (0.4, 1 / math.sqrt(2)), (15.0, 0.5)])
def test_at_the_start_the_deviation_of_every_channel_is_alpha_times_the_threshold(threshold, alpha):
    y = TDBatchNorm2d(5, threshold, alpha).double()(draw(*SHAPE))
    assert (y.transpose(0, 2).flatten(1).std(1, correction=0) / (alpha * threshold)).tolist() == pytest.approx(
        [1.0] * 5, rel=1e-5)  # eps takes 5e-7 off
    assert y.transpose(0, 2).flatten(1).mean(1).abs().max() < 1e-12


def test_the_mean_is_over_time_too():
    """Two steps of 0 and 2, each constant: normalised to -theta and theta, where a norm of each step gives 0."""
    x = torch.tensor([0.0, 2.0], dtype=torch.float64).view(2, 1, 1, 1, 1).expand(2, 3, 1, 2, 2)
    y = TDBatchNorm2d(1, 0.5).double()(x)
    assert y.flatten(1).unique(dim=1).flatten().tolist() == pytest.approx([-0.5, 0.5], rel=1e-4)


def test_its_gradient_is_the_numerical_one():
    norm = pair()[0]
    x = draw(2, 2, 5, 2, 1).requires_grad_()
    assert torch.autograd.gradcheck(norm, x)


def test_a_static_current_is_normalised_once():
    x = draw(*SHAPE[1:]).expand(3, *SHAPE[1:])
    ours, other = pair()[0], pair()[0]
    static, full = ours(x), other(x.clone())
    assert static.stride(0) == 0
    torch.testing.assert_close(static, full, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(ours.running_var, other.running_var, rtol=1e-12, atol=0)


def test_the_layout_of_channels_last_is_kept():
    x = draw(*SHAPE, dtype=torch.float32).flatten(0, 1).contiguous(memory_format=torch.channels_last)
    y = TDBatchNorm2d(5, 0.4)(x.unflatten(0, (3, 4)))
    assert y.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("threshold, alpha", [(0.0, 1.0), (0.4, 0.0), (-1.0, 1.0), (float("nan"), 1.0)])
def test_what_cannot_be_a_scale_is_refused(threshold, alpha):
    with pytest.raises(ValueError, match="threshold and alpha must exceed 0"):
        TDBatchNorm2d(5, threshold, alpha)
