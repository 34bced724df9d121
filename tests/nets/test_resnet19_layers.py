"""ResNet19's layers, their start, its switches, and what monitors see."""

import math

import pytest
import torch
from helpers.recorders import Tensors
from helpers.resnets import BATCH, made, sequence
from torch.nn import functional as F

from common.layers.binary import BinaryConv2d, BinaryLinear
from common.surrogate import Rectangle
from common.training.monitor import Activity


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
