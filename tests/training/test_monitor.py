import itertools
from types import SimpleNamespace

import pytest
import torch
from helpers.recorders import Tensors
from torch import nn

from common.layers.flat import Flat
from common.nets.convnet import ConvNet
from common.nets.mlp import MLP
from common.neurons import ParaLIF
from common.surrogate import FastSigmoid
from common.training import monitor
from common.training.monitor import Activity, traces, warnings


def net(**settings):
    """A small net whose layers all fire, but not always, on normal noise."""
    defaults = {"in_shape": (1, 17, 17), "num_classes": 3, "channels": [2, 4], "beta": 0.9, "dropout": 0.5,
                "thresholds": [0.5, 0.0625, 1.0], "surrogate": FastSigmoid(10.0), "binarize": False}
    return ConvNet(**(defaults | settings))


def rates(*batches):
    """What is counted of one layer whose neurons fire as told."""
    activity = Activity(SimpleNamespace(neurons={"a": SimpleNamespace(trace=None)}))
    for spikes in batches:
        activity.start(spikes)
        activity.spikes("a", spikes)
    return activity


def operations(layer, *batches):
    """One layer's counts of batches x [T, B, ...]: dense, effective_macs, effective_acs."""
    activity = Activity(SimpleNamespace(synapses={"a": layer}, neurons={}), operations=True)
    for x in batches:
        activity.start(x)
        activity.inputs("a", x)
    return list(activity.operations_per_sample().values())


def connections(x, weight, stride=1, padding=0):
    """(all, effective) products of a convolution, or a linear layer, of x [T, B, ...], counted one at a time."""
    if x.ndim == 3:
        x, weight = x[..., None, None], weight[..., None, None]
    num_steps, batch, channels, height, width = x.shape
    dense = effective = 0
    for o, c, i, j in itertools.product(*map(range, weight.shape)):
        rows = range(i - padding, height + padding - weight.shape[2] + 1 + i, stride)
        columns = range(j - padding, width + padding - weight.shape[3] + 1 + j, stride)
        for row, column in itertools.product(rows, columns):
            if 0 <= row < height and 0 <= column < width:
                dense += num_steps
                effective += (x[:, :, c, row, column] != 0).sum().item() * (weight[o, c, i, j] != 0).item() / batch
    return dense, effective


def test_rates_of_hand_made_spikes_over_several_batches():
    spikes = torch.zeros(4, 3, 2, 2)  # T 4, 2 and 1 samples, 4 neurons
    spikes[:, :, 0, 0] = 1            # always: 12 spikes
    spikes[2, 1, 0, 1] = 1            # once
    spikes[0, :, 1, 0] = 1            # 3, and never is the fourth
    assert rates(spikes[:, :2], spikes[:, 2:]).layers() == {
        "a": {"firing_rate": 16 / (4 * 12), "silent_share": 0.25, "saturated_share": 0.25}}


def test_a_neuron_that_misses_or_takes_one_step_of_one_sample_is_neither_silent_nor_saturated():
    spikes = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]])  # T 2, B 1
    activity = rates(spikes, torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]]))
    assert activity.layers()["a"] == {"firing_rate": 0.5, "silent_share": 0.0, "saturated_share": 0.0}


def test_many_spikes_are_counted_exactly():
    """2^24 + 1 has no float32."""
    spikes = torch.ones(4096, 4096, 1)
    activity = rates(spikes, spikes[:, :1])
    assert activity.layers()["a"]["firing_rate"] == 1.0 and activity.spike_counts["a"].item() == 4096 * 4097


def test_spikes_that_the_next_connection_takes_are_counted_once(monkeypatch):
    calls, x, mask = [], torch.ones(2, 3, 4), torch.ones(2, 3)
    monkeypatch.setattr(monitor, "count_active", lambda x, mask: calls.append(mask) or (x.sum((0, 1)), False))
    activity = Activity(SimpleNamespace(neurons={"a": SimpleNamespace(trace=None)}), operations=True)
    for own in (None, mask):
        activity.start(SimpleNamespace(shape=x.shape, mask=own))
        activity.spikes("a", x), activity.inputs("b", x), activity.inputs("c", x)
    activity.inputs("b", x.clone())
    assert calls == [None, mask, mask] and activity.input_counts["b"].tolist() == [18] * 4
    assert activity.spike_counts["a"].tolist() == activity.input_counts["c"].tolist() == [12] * 4


def test_a_net_s_layers_are_told_apart_and_counted_as_they_fire():
    ours = net().eval()
    x = torch.randn(6, 3, 1, 17, 17)
    activity = Activity(ours)
    out = ours(x, activity)
    layers = activity.layers()
    assert list(layers) == ["conv1", "conv2", "fc"]
    assert layers["fc"]["firing_rate"] == pytest.approx(out.mean().item()) and 0 < out.mean() < 1


@pytest.mark.parametrize("stride, padding", [(1, 0), (1, 1), (2, 0), (2, 1)])
@pytest.mark.parametrize("side", [6, 7])
def test_convolution_operations_equal_counting(side, stride, padding):
    layer = Flat(nn.Conv2d(2, 3, 3, stride, padding, bias=False), nn.Dropout(0.5))
    layer[0].weight.data[0, 1, 2] = 0
    x = (torch.rand(4, 2, 2, side, side) < 0.3).float()
    dense, effective = connections(x, layer[0].weight, stride, padding)
    assert effective < dense
    assert operations(layer, x) == pytest.approx([dense, 0, effective])
    assert operations(layer, x * 0.5) == pytest.approx([dense, effective, 0])


@pytest.mark.parametrize("values, kind", [
    ([0.0, 1.0], "acs"), ([-1.0, 1.0], "acs"), ([0.0, 0.0], "acs"), ([0.0, 2.0], "macs"), ([1.0, 0.99], "macs")])
def test_linear_operations_equal_counting(values, kind):
    layer = Flat(nn.Flatten(), nn.Linear(6, 3))
    layer[1].weight.data[1, 2:4] = 0
    x = torch.tensor(values)[torch.randint(2, (5, 4, 2, 3))]
    dense, effective = connections(x.flatten(2), layer[1].weight)
    assert operations(layer, x) == pytest.approx([dense, effective, 0] if kind == "macs" else [dense, 0, effective])


def test_a_real_number_in_any_batch_makes_all_multiply():
    layer, x = nn.Linear(2, 1), torch.ones(1, 1, 2)
    assert operations(layer, x, x / 2, x) == [2, 2, 0]


@pytest.mark.parametrize("binarize", [True, False])
@pytest.mark.parametrize("side", [17, 20])
def test_a_static_image_counts_at_each_step_of_the_net_s_first_layer(side, binarize):
    image, ours = torch.rand(2, 1, side, side), net(in_shape=(1, side, side), binarize=binarize)
    image[:, :, :5] = 0
    totals = []
    for x in (image.expand(6, *image.shape), image.expand(6, *image.shape).contiguous()):
        totals.append(operations(ours.synapses["conv1"], x))
        dense, effective = connections(x, ours.synapses["conv1"].conv.weight)
        assert totals[-1] == pytest.approx([dense, effective, 0])
    assert totals[0][0] == 6 * 2 * 25 * (side - 4) ** 2


def test_operations_of_a_net_are_the_sum_over_its_layers():
    ours, x, record = net().eval(), torch.randn(6, 2, 1, 17, 17), Tensors()
    ours(x, record)
    counted, inputs = Activity(ours, operations=True), record.taken
    ours(x, counted)
    dense1, macs = connections(inputs["conv1"], ours.synapses["conv1"].conv.weight)
    dense2, acs2 = connections(inputs["conv2"], ours.synapses["conv2"].conv.weight)
    dense3, acs3 = connections(inputs["fc"].flatten(2), ours.synapses["fc"][1].weight)
    assert 0 < acs2 < dense2 and 0 < acs3 < dense3
    total = [dense1 + dense2 + dense3, macs, acs2 + acs3]
    assert list(counted.operations_per_sample().values()) == pytest.approx(total)


def test_a_binary_weight_of_zero_computes_as_plus_one_and_counts():
    ours = net(binarize=True)
    ours.synapses["fc"][1].weight.data[0, :] = 0
    assert operations(ours.synapses["fc"], torch.ones(1, 1, 4, 1, 1)) == pytest.approx([12, 0, 12])


def test_warnings_name_the_layers_beyond_the_limit():
    quiet, silent, loud = ({"firing_rate": 0.1, "silent_share": a, "saturated_share": b}
                           for a, b in ((0.9, 0.9), (0.95, 0.0), (0.0, 1.0)))
    assert warnings({"a": quiet}) == {}
    assert warnings({"a": silent, "b": loud}) == {
        ("a", "silent_share"): "a: 95% of the neurons never fire",
        ("b", "saturated_share"): "b: 100% of the neurons fire at every step"}
    assert len(warnings({"a": quiet, "b": silent}, limit=0.5)) == 3


def test_traces_are_what_each_layer_does():
    ours, x = net().eval(), torch.randn(6, 2, 1, 17, 17)
    found = traces(ours, x)
    assert [(name, threshold) for name, _, _, threshold in found] == [("conv1", 0.5), ("conv2", 0.0625), ("fc", 1.0)]
    assert [tuple(spikes.shape) for _, spikes, _, _ in found] == [(6, 2, 2, 6, 6), (6, 2, 4, 1, 1), (6, 2, 3)]
    assert all(torch.equal(spikes, (membrane > threshold).float()) for _, spikes, membrane, threshold in found)
    assert torch.equal(found[-1][1], ours(x)) and found[-1][1].any()
    assert not found[0][2].requires_grad


@pytest.mark.parametrize("spike, expected", [("T", 1.0), ("D", None), ("TT", None), ("SB", None)])
def test_a_trace_has_a_threshold_only_where_the_membrane_is_compared_with_it(spike, expected):
    net = MLP([2, 3, 1], [ParaLIF(0.02, 0.02, 0.001, spike)], nn.Identity(), binarized=False)
    assert [trace[3] for trace in traces(net, torch.ones(4, 1, 2))] == [expected]


def test_a_neuron_of_one_s_own_needs_no_threshold():
    class Doubling(nn.Module):
        def forward(self, current):
            return self.trace(current)[0]

        def trace(self, current):
            return (current > 0).float(), 2 * current

    net = MLP([2, 3, 1], [Doubling()], nn.Identity(), binarized=False)
    ((_, spikes, membrane, threshold),) = traces(net, torch.ones(4, 1, 2))
    assert threshold is None and torch.equal(spikes, (membrane > 0).float())
