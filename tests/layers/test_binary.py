import pytest
import torch
from torch import nn

from common.layers.binary import BinaryConv2d, BinaryLinear, binarize


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_sign_of_zero_is_plus_one(dtype):
    weight = torch.tensor([-2.0, -1e-7, -0.0, 0.0, 1e-7, 2.0], dtype=dtype)
    assert binarize(weight).tolist() == [-1, -1, 1, 1, 1, 1]
    assert binarize(weight).dtype == dtype


def test_the_gradient_passes_straight_through_however_large_the_weight():
    weight = torch.tensor([-5.0, -0.5, 0.0, 0.5, 5.0], requires_grad=True)
    (binarize(weight) * torch.arange(5.0)).sum().backward()
    assert weight.grad.tolist() == [0, 1, 2, 3, 4]


def test_linear_by_hand():
    layer = BinaryLinear(3, 2)
    layer.weight.data = torch.tensor([[0.3, -0.1, 0.0], [-2.0, 4.0, -1.0]])
    layer.bias.data = torch.tensor([0.5, -0.25])
    x = torch.tensor([[1.0, 2.0, 4.0]], requires_grad=True)
    out = layer(x)
    assert out.tolist() == [[1 - 2 + 4 + 0.5, -1 + 2 - 4 - 0.25]]
    out[0, 1].backward()
    assert x.grad.tolist() == [[-1, 1, -1]]
    assert layer.weight.grad.tolist() == [[0, 0, 0], [1, 2, 4]]
    assert layer.bias.grad.tolist() == [0, 1]


@pytest.mark.parametrize("options", [
    {}, {"stride": 2}, {"padding": 1}, {"groups": 2}, {"padding": 1, "padding_mode": "circular"}])
def test_convolution_is_torch_s_with_signs_for_weights(options):
    layer = BinaryConv2d(2, 4, 3, **options)
    reference = nn.Conv2d(2, 4, 3, **options)
    reference.weight.data = layer.weight.data.sign()
    reference.bias.data = layer.bias.data
    x = torch.randn(3, 2, 7, 7)
    for conv in (layer, reference):
        conv(x).square().sum().backward()
    assert torch.equal(layer(x), reference(x))
    assert torch.equal(layer.weight.grad, reference.weight.grad)


@pytest.mark.parametrize("kind, sizes, bound", [
    (BinaryLinear, (400, 200), 0.05),      # √(1.5 / 600)
    (BinaryConv2d, (16, 8, 5), 0.05),      # √(1.5 / (16 · 25 + 8 · 25))
])
@pytest.mark.parametrize("bias", [True, False])
def test_initial_weights_fill_the_glorot_interval_and_biases_are_zero(kind, sizes, bound, bias):
    layer = kind(*sizes, bias=bias)
    weight = layer.weight.detach()
    assert 0.99 * bound < weight.max() <= bound and -bound <= weight.min() < -0.99 * bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)  # that of a uniform distribution
    assert layer.bias is None or not layer.bias.any()


@pytest.mark.parametrize("layer", [BinaryLinear(3, 2), BinaryConv2d(1, 2, 3)], ids=str)
def test_the_kept_weight_is_real_and_the_optimizer_moves_it(layer):
    before = layer.weight.detach().clone()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
    layer(torch.ones(2, 3) if isinstance(layer, BinaryLinear) else torch.ones(1, 1, 4, 4)).sum().backward()
    optimizer.step()
    torch.testing.assert_close(before - layer.weight, 0.01 * layer.weight.grad)
    assert (layer.weight.grad != 0).all() and (layer.weight.abs() != 1).all()
    assert set(layer.state_dict()) == {"weight", "bias"}
