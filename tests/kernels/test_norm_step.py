"""Batch norm of each step against nn.BatchNorm2d called step by step."""

import pytest
import torch
from torch import nn

from common.layers.step_norm import StepBatchNorm2d


def norms(channels, dtype=torch.float64):
    pair = [norm(channels).to(dtype) for norm in (StepBatchNorm2d, nn.BatchNorm2d)]
    with torch.no_grad():
        pair[0].weight.uniform_(0.5, 2), pair[0].bias.normal_()
    pair[1].load_state_dict(pair[0].state_dict())
    return pair


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(1, 2, 1, 1, 1), (7, 3, 5, 4, 6), (3, 40, 64, 4, 4), (2, 1, 3, 17, 19)])
def test_outputs_gradients_and_statistics_equal_so_many_calls(shape, layout):
    norm, reference = norms(shape[2])
    x = (3 * torch.randn(shape, dtype=torch.float64) + 1).flatten(0, 1).contiguous(memory_format=layout)
    x[: shape[1], 0] = 0  # a step in which nothing arrives
    x.requires_grad_()
    mine = norm(x.unflatten(0, shape[:2])).flatten(0, 1)
    theirs = torch.cat([reference(step) for step in x.split(shape[1])])
    torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)
    upstream = torch.randn_like(mine)
    gradients = [torch.autograd.grad(out, (x, layer.weight, layer.bias), upstream)
                 for out, layer in ((mine, norm), (theirs, reference))]
    for first, second in zip(*gradients, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-9)
    for first, second in zip(norm.buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-10, atol=1e-10)


def test_float32_is_near_float64():
    norm, exact = norms(8, torch.float32)[0], norms(8)[1]
    exact.load_state_dict(norm.state_dict())
    x, upstream = torch.randn(2, 20 * 16, 8, 4, 4)
    results = []
    for layer, dtype in ((norm, torch.float32), (exact, torch.float64)):
        own = (x * 5 + 3).to(dtype).requires_grad_()
        steps = own.unflatten(0, (20, 16))
        out = torch.cat([exact(step) for step in steps]) if layer is exact else norm(steps).flatten(0, 1)
        results.append([out, *torch.autograd.grad(out, (own, layer.weight, layer.bias), upstream.to(dtype))])
    for mine, true in zip(*results, strict=True):
        assert mine.dtype == torch.float32 and (mine - true).abs().max() < 1e-6 * true.abs().max()


def test_one_value_of_a_channel_cannot_be_normalised():
    with pytest.raises(ValueError, match="batch_size"):
        StepBatchNorm2d(3)(torch.rand(5, 1, 3, 1, 1))
