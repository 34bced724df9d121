"""ResNet19 against the same net written step by step, and a block of it against autograd's own operations."""

import math

import pytest
import torch
from helpers.resnets import BATCH, image, made, sequence
from torch.nn import functional as F

from common.bench.peers.resnet import PlainResNet19
from common.nets.resnet19 import ConvTDNorm
from common.neurons import LIF
from common.surrogate import Rectangle


@pytest.mark.parametrize("num_steps, settings, options", [
    (2, {}, {}), (3, {"stem": 2}, {"stem": 2}),
    (2, {"surrogate_center": "zero"}, {"centre": 0.0}), (3, {"readout": "spikes"}, {"spikes": True}),
], ids=str)
def test_output_gradients_and_statistics_equal_the_net_written_step_by_step(num_steps, settings, options):
    ours = made(**settings)
    sizes = {"channels": 4, "stem": 4, "hidden_size": 16} | options
    peer = PlainResNet19(num_steps, 1, 10, **sizes).double().take_weights(ours)
    for k in range(2):
        x = image(k)
        outputs = ours(x.expand(num_steps, *x.shape)), peer(x)
        grads = []
        for net, output in zip((ours, peer), outputs, strict=True):
            net.zero_grad()
            F.cross_entropy(output.mean(0), torch.arange(BATCH)).backward()
            grads.append(gradients(net))
        assert outputs[0].std() > 0.01
        torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-10, atol=1e-10)
        for mine, theirs in zip(*grads, strict=True):
            assert theirs.abs().max() > 0
            torch.testing.assert_close(mine, theirs, rtol=1e-8, atol=1e-12)
    statistics = [net.synapses[name].norm.running_var for net in [ours] for name in ("conv1", "block8_conv2")]
    for mine, theirs in zip(statistics, (peer.first.norm, peer.blocks[7][1].norm), strict=True):
        torch.testing.assert_close(mine, theirs.running_var, rtol=1e-12, atol=0)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(x.expand(num_steps, *x.shape)), peer.eval()(x))


def gradients(net):
    """In the order of their values' shapes and sizes, which the two nets name differently."""
    return sorted((p.grad.flatten() for p in net.parameters()), key=lambda grad: (len(grad), grad.norm().item()))


def test_a_block_equals_autograd_s_own_operations():
    """The first block of the second stage, whose shortcut is a convolution; the rectangle as a clamp."""
    net = made()
    parts = [net.synapses[f"block4_{part}"] for part in ("conv1", "conv2", "shortcut")]
    x = (torch.rand(2, BATCH, 4, 6, 6, generator=torch.Generator().manual_seed(1)) < 0.4).double().requires_grad_()

    def norm(y, alpha):  # [T, B, C, H, W]
        mean, var = y.mean((0, 1, 3, 4), keepdim=True), y.var((0, 1, 3, 4), unbiased=False, keepdim=True)
        return alpha * 0.4 * (y - mean) / (var + 1e-5).sqrt()

    def fire(currents):
        kept, spikes = 0.0, []
        for current in currents:
            membrane = 0.25 * kept + current
            smooth = (membrane - 0.4).clamp(-0.5, 0.5)
            spikes.append((membrane > 0.4).double() + smooth - smooth.detach())
            kept = membrane * (1 - spikes[-1])
        return torch.stack(spikes)

    def conv(part, x, **options):
        return torch.stack([F.conv2d(step, part.conv.weight, **options) for step in x])

    inner = fire(norm(conv(parts[0], x, stride=2, padding=1), 1))
    expected = fire(norm(conv(parts[1], inner, padding=1), math.sqrt(0.5)) + norm(conv(parts[2], x, stride=2),
                                                                                  math.sqrt(0.5)))
    ours = net.neurons["block4_conv2"](parts[1](net.neurons["block4_conv1"](parts[0](x))) + parts[2](x))
    assert 0.05 < expected.mean() < 0.9
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-12)
    weights = [x, *(part.conv.weight for part in parts)]
    noise = torch.randn(ours.shape, generator=torch.Generator().manual_seed(2)).double()
    for mine, theirs in zip(*(torch.autograd.grad((noise * y).sum(), weights) for y in (ours, expected)), strict=True):
        assert theirs.abs().max() > 0
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-12)


def test_the_gradient_is_the_numerical_one_where_nothing_fires_and_the_rectangle_is_wide():
    """Below a threshold of 1e3 for the neurons alone, of tdBN, the membranes are smooth in the weights."""
    layer, neuron = ConvTDNorm(2, 3, 0.4, False).double(), LIF(0.25, 1e3, Rectangle(0.5), "zero", False).double()
    x = torch.randn(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0)).double().requires_grad_()

    def membrane(x, weight):
        return neuron.trace(torch.func.functional_call(layer, {"conv.weight": weight}, x))[1]

    assert torch.autograd.gradcheck(membrane, (x, layer.conv.weight))


def test_a_static_image_is_convolved_once_and_gives_the_same():
    net, other, x = made(), made(), image()
    seen = []
    net.synapses["conv1"].conv.register_forward_hook(lambda m, inputs, out: seen.append(len(out)))
    static, repeated = net(x.expand(3, *x.shape)), other(x.repeat(3, 1, 1, 1, 1))
    assert seen == [BATCH]
    torch.testing.assert_close(static, repeated, rtol=1e-10, atol=1e-10)
    for (name, value), expected in zip(net.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(value, expected, msg=name)


def test_no_step_depends_on_a_later_one_and_no_sample_on_its_neighbours():
    x, net = sequence(4), made()
    with torch.no_grad():
        for _ in range(60):  # until the running statistics are those of x
            net(x)
    net.eval()
    changed = x.clone()
    changed[2:] += 1
    before, after = net(x), net(changed)
    torch.testing.assert_close(before[:2], after[:2])
    assert not torch.allclose(before[2:], after[2:])
    torch.testing.assert_close(net(x[:, 1:2]), before[:, 1:2])
