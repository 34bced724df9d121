"""The convolution and pool on spikes against torch's convolution, then its pool, on the same numbers."""

import pytest
import torch
from torch.nn import functional as F

from common.kernels import event_conv
from common.kernels.event_conv import event_conv_pool

SHAPES = [  # N, C, H, W, O, K, L
    (1, 1, 6, 6, 1, 5, 5), (3, 2, 12, 13, 5, 5, 5), (70, 3, 11, 14, 4, 3, 5), (5, 4, 9, 10, 8, 4, 3),
    (150, 16, 12, 12, 64, 5, 5), (2, 3, 8, 9, 6, 1, 1), (4, 2, 10, 10, 3, 5, 4), (0, 2, 8, 8, 3, 5, 5)]


def made(shape, density=0.2, values=False, dtype=torch.float64):
    """(x [N, C, H, W] of spikes, or of numbers of either sign, and a weight [O, C, K, L])."""
    num_images, channels, height, width, num_outputs, *taps = shape
    x = (torch.rand(num_images, channels, height, width) < density).to(dtype)
    x = x * torch.randn_like(x) if values else x
    return x.requires_grad_(), torch.randn(num_outputs, channels, *taps, dtype=dtype).requires_grad_()


def plain(x, weight):
    return F.avg_pool2d(F.conv2d(x, weight), 2)


def compare(x, weight, tolerance=1e-11):
    out, reference = event_conv_pool(x, weight), plain(x, weight)
    torch.testing.assert_close(out, reference, rtol=tolerance, atol=tolerance)
    upstream = torch.randn_like(reference)
    gradients = [torch.autograd.grad(result, (x, weight), upstream) for result in (out, reference)]
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=tolerance)


@pytest.fixture(params=["events", "dense"])
def way(request, monkeypatch):
    """Both ways of the forward pass and of the kernel's gradient, whatever the density."""
    monkeypatch.setattr(event_conv, "DENSITY", {"events": 1.0, "dense": -1.0}[request.param])


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_output_and_gradients_equal_the_plain_layers(shape, values, way):
    compare(*made(shape, values=values))


@pytest.mark.parametrize("density", [0.0, 1.0])
def test_no_spike_and_all_spikes(density, way):
    compare(*made((9, 3, 12, 12, 7, 5, 5), density))


def test_gradients_are_those_of_finite_differences(way):
    assert torch.autograd.gradcheck(event_conv_pool, made((2, 2, 8, 7, 3, 5, 3), 1.0, values=True))
    x, weight = made((2, 2, 8, 7, 3, 5, 3))
    assert torch.autograd.gradcheck(lambda kernel: event_conv_pool(x.detach(), kernel), weight)


def test_any_memory_layout_and_any_gradient_s_layout_will_do(way):
    x, weight = made((6, 4, 10, 12, 5, 5, 5))
    reference = torch.autograd.grad(plain(x, weight).pow(2).sum(), (x, weight))
    for layout in (torch.contiguous_format, torch.channels_last):
        out = event_conv_pool(x.contiguous(memory_format=layout), weight.contiguous(memory_format=layout))
        for mine, theirs in zip(torch.autograd.grad(out.pow(2).sum(), (x, weight)), reference, strict=True):
            torch.testing.assert_close(mine, theirs)
    summed = torch.autograd.grad(event_conv_pool(x, weight).sum(), (x, weight))  # an expanded gradient
    for mine, theirs in zip(summed, torch.autograd.grad(plain(x, weight).sum(), (x, weight)), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_float32_is_near_float64(way):
    x, weight = made((40, 16, 12, 12, 64, 5, 5), dtype=torch.float32)
    out = event_conv_pool(x, weight)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out.double(), plain(x.double(), weight.double()), rtol=1e-5, atol=1e-5)
    compare(x, weight, tolerance=1e-3)


@pytest.mark.parametrize("density, dense", [(0.02, False), (0.5, True)])
def test_the_zeros_are_skipped_if_most_numbers_are_zero(density, dense, monkeypatch):
    calls = []
    monkeypatch.setattr(event_conv, "conv_pool", lambda *arguments: calls.append(1) or plain(*arguments))
    compare(*made((64, 4, 12, 12, 3, 5, 5), density))
    assert bool(calls) == dense


def test_an_input_without_gradient_gets_none():
    x, weight = made((4, 2, 8, 8, 3, 5, 5))
    event_conv_pool(x.detach(), weight).sum().backward()
    assert x.grad is None and weight.grad.abs().max() > 0
    with torch.no_grad():
        assert not event_conv_pool(x, weight).requires_grad


def test_under_autocast_and_for_other_dtypes_torch_computes():
    x, weight = made((4, 2, 8, 8, 3, 5, 5), dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        assert event_conv_pool(x, weight).dtype == torch.bfloat16
    assert event_conv_pool(x.bfloat16(), weight.bfloat16()).dtype == torch.bfloat16


def test_the_result_is_the_same_to_the_bit_on_two_threads():
    x, weight = made((300, 4, 12, 12, 16, 5, 5), 0.05, dtype=torch.float32)
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        out = event_conv_pool(x, weight)
        results.append((out, torch.autograd.grad(out.pow(2).sum(), weight)[0]))
        assert torch.get_num_threads() == threads
    for one, two in zip(*results, strict=True):
        assert torch.equal(one, two)
