"""ResNet19 against the same net written step by step, a block by autograd's own operations, and its switches."""

import math

import pytest
import torch
from torch.nn import functional as F

from common import build
from common.bench.peers.resnet import PlainResNet19
from common.layers.binary import BinaryConv2d, BinaryLinear
from common.nets.resnet19 import ConvTDNorm
from common.neurons import LIF
from common.settings.resolution import completed
from common.surrogate import Rectangle
from common.training.monitor import Activity
from tests.helpers.recorders import Tensors

CONFIG = {
    "net": "resnet19", "channels": 4, "stem": 4, "hidden_size": 16, "readout": "membrane", "binarize": False,
    "threshold": 0.4, "beta": 0.25, "reset": "zero", "detach_reset": False, "surrogate": "rectangle", "width": 0.5,
    "surrogate_center": "threshold",
}
BATCH, SIDE = 4, 12


def image(seed=0):
    return torch.randn(BATCH, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)).double()


def sequence(num_steps=2, seed=0):
    """Another image at each step."""
    return torch.stack([image(seed + k) for k in range(num_steps)])


def made(seed=0, **settings):
    """A net whose linear layers fire."""
    torch.manual_seed(seed)
    net = build.net(completed(CONFIG | settings), (1, SIDE, SIDE), 10).double()
    if not settings.get("binarize"):
        with torch.no_grad():
            for name in ("fc1", "fc2"):
                net.synapses[name][0].weight.mul_(6)
    return net


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


def test_the_named_switches_change_what_they_name_and_nothing_else():
    """Same spikes with either centre, other gradients; the read-out in spikes has one spiking layer more."""
    x = sequence()
    outputs, grads = [], []
    for center in ("threshold", "zero"):
        net = made(surrogate_center=center)
        assert {neuron.surrogate for neuron in net.neurons.values()} == {
            Rectangle(0.5, 0.0 if center == "threshold" else -0.4)}
        outputs.append(net(x))
        grads.append(torch.autograd.grad(outputs[-1].square().sum(), net.synapses["conv1"].conv.weight)[0])
    assert torch.equal(*outputs) and not torch.allclose(*grads)
    membranes, spikes = made(), made(readout="spikes")
    assert list(spikes.neurons) == [*membranes.neurons, "fc2"] and len(membranes.neurons) == 18
    assert set(spikes(x).unique().tolist()) == {0.0, 1.0} and len(membranes(x).unique()) > 20


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


def test_at_the_start_pre_activations_have_the_deviation_alpha_times_the_threshold():
    net, x, found = made(channels=8, stem=8), sequence(), {}
    for name, synapse in net.synapses.items():
        synapse.register_forward_hook(lambda m, inputs, out, name=name: found.update({name: out.detach().clone()}))
    net(x, Tensors())
    for name in (name for name in net.synapses if not name.startswith("fc")):
        alpha = math.sqrt(0.5) if name.endswith(("_conv2", "shortcut")) else 1
        deviation = found[name].transpose(0, 2).flatten(1).std(1, correction=0)
        assert deviation.tolist() == pytest.approx([alpha * 0.4] * len(deviation), rel=0.01), name
    assert len(found) == 21  # 17 convolutions, two shortcuts, two linear layers


@pytest.mark.parametrize("stem, shortcuts", [(4, ["block4", "block7"]), (2, ["block1", "block4", "block7"])])
def test_the_layers_are_those_of_the_paper(stem, shortcuts):
    net = made(stem=stem)
    shapes = {name: tuple(synapse.conv.weight.shape) for name, synapse in net.synapses.items() if "fc" not in name}
    assert [name.removesuffix("_shortcut") for name in shapes if name.endswith("shortcut")] == shortcuts
    assert shapes["conv1"] == (stem, 1, 3, 3) and shapes["block1_conv1"] == (4, stem, 3, 3)
    assert shapes["block4_conv1"] == (8, 4, 3, 3) and shapes["block7_shortcut"] == (16, 8, 1, 1)
    assert [net.synapses[f"block{k}_conv1"].conv.stride[0] for k in range(1, 9)] == [1, 1, 1, 2, 1, 1, 2, 1]
    assert net.synapses["fc1"][0].weight.shape == (16, 16) and net.synapses["fc2"][0].weight.shape == (10, 16)


def test_binarized_weights_are_in_every_connection_and_train():
    net = made(binarize=True)
    connections = [m for m in net.synapses.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    assert len(connections) == 21 and all(isinstance(m, (BinaryConv2d, BinaryLinear)) for m in connections)
    F.cross_entropy(net(sequence()).mean(0), torch.arange(BATCH)).backward()
    assert all(m.weight.grad.abs().max() > 0 for m in connections)


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


@pytest.mark.parametrize("readout, num_layers", [("membrane", 18), ("spikes", 19)])
def test_monitors_see_every_layer(readout, num_layers):
    net = made(readout=readout).eval()
    activity = Activity(net, operations=True)
    with torch.no_grad():
        net(sequence(), activity)
    layers = activity.layers()
    assert list(layers) == list(net.neurons) and len(layers) == num_layers

    def products(side, size, before, after, stride=1):  # along one side: without those of the padding
        sums = sum(0 <= stride * i + k - size // 2 < side for i in range(-(-side // stride)) for k in range(size))
        return sums**2 * before * after

    dense = products(12, 3, 1, 4) + 6 * products(12, 3, 4, 4)
    dense += products(12, 3, 4, 8, 2) + products(12, 1, 4, 8, 2) + 5 * products(6, 3, 8, 8)
    dense += products(6, 3, 8, 16, 2) + products(6, 1, 8, 16, 2) + 3 * products(3, 3, 16, 16)
    assert activity.operations_per_sample()["dense"] == 2 * (dense + 16 * 16 + 16 * 10)


def test_another_read_out_is_refused():
    with pytest.raises(ValueError, match="readout must be 'spikes' or 'membrane', got 'rate'"):
        made(readout="rate")
