"""SpikingMLP against the same net written step by step in snntorch, with the same weights."""

import pytest
import torch
from helpers.recorders import Tensors, plainly

from common.bench.peers.plain import SnntorchMLP
from common.bench.workloads.shd import random_events
from common.data.synthetic import bernoulli_train
from common.nets import mlp
from common.nets.mlp import SpikingMLP
from common.surrogate import FastSigmoid
from common.training.losses import mse_membrane_loss
from common.training.monitor import Activity

CASES = {  # binarize, beta (snntorch keeps it in float32: near .6 and .15, but exact), threshold, on_target
    "float": (False, 0.625, 1.0, 1.05),
    "binarized": (True, 0.125, 1.0, 1.05),
    "wide_threshold": (True, 0.125, 50.0, 55.0),
    "annealed": (True, 0.125, 5.0, 55.0),
}
TARGET = torch.tensor([75])


def nets(case, dtype, num_hidden=1000):
    binarize, beta, threshold, _ = CASES[case]
    torch.manual_seed(3)
    sizes, thresholds = [100, num_hidden, 1], [threshold, threshold]
    ours = SpikingMLP(sizes, beta, thresholds, FastSigmoid(5.0), [0.0, 0.0], binarize, readout="membrane").to(dtype)
    return ours, SnntorchMLP(sizes, beta, 5.0, thresholds, binarize).to(dtype).take_weights(ours)


def net(**changes):
    arguments = {"sizes": [3, 4, 2], "beta": 0.9, "thresholds": [1.0, 1.0], "surrogate": FastSigmoid(5.0),
                 "dropout": [0.0, 0.0], "binarized": False}
    return SpikingMLP(**arguments | changes)


@pytest.mark.parametrize("case", CASES)
def test_membrane_and_gradients_equal_snntorch(case):
    ours, peer = nets(case, torch.float64)
    sequence = bernoulli_train(100, 100, seed=3)[:, None].double()
    mine, theirs = ours(sequence), peer(sequence)
    torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)
    for membrane in (mine, theirs):
        mse_membrane_loss(membrane, TARGET, on_target=CASES[case][3]).backward()
    for name, layer in (("fc1", peer.fc1), ("fc2", peer.fc2)):
        synapse = ours.synapses[name].linear
        for parameter, reference in ((synapse.weight, layer.weight), (synapse.bias, layer.bias)):
            difference = (parameter.grad - reference.grad).abs().max()
            assert difference <= 1e-6 * reference.grad.abs().max()  # snntorch hands spikes on as float32
    assert reference.grad.abs().max() > 0


@pytest.mark.parametrize("case", CASES)
def test_the_first_losses_equal_snntorch_s_to_rounding(case):
    losses = []
    for model in nets(case, torch.float32):
        optimizer = torch.optim.SGD(model.parameters(), 1e-3, 0.9)
        sequence, found = bernoulli_train(100, 100, seed=3)[:, None], []
        for _ in range(5):
            loss = mse_membrane_loss(model(sequence), TARGET, on_target=CASES[case][3])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        losses.append(found)
    assert losses[0][0] != losses[0][4]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_it_returns_spikes_or_the_membrane_before_the_reset():
    torch.manual_seed(0)
    spiking = net(beta=0.99)
    reading = net(beta=0.99, readout="membrane")
    sequence = torch.rand(40, 5, 3)
    for parameter in reading.parameters():
        parameter.data.abs_()
    spiking.load_state_dict(reading.state_dict())
    spikes, membrane = spiking(sequence), reading(sequence)
    assert spikes.shape == membrane.shape == (40, 5, 2) and 0 < spikes.mean() < 1
    assert torch.equal(spikes, (membrane > 1).float())


def test_layers_and_neurons_have_the_same_names_and_sizes():
    deep = net(sizes=[3, 5, 4, 2], thresholds=[1.0, 2.0, 3.0], dropout=[0.0, 0.0, 0.0], binarized=True)
    assert list(deep.synapses) == list(deep.neurons) == ["fc1", "fc2", "fc3"]
    assert [tuple(synapse.linear.weight.shape) for synapse in deep.synapses.values()] == [(5, 3), (4, 5), (2, 4)]
    assert [neuron.threshold.item() for neuron in deep.neurons.values()] == [1, 2, 3]


def test_each_layer_has_its_own_dropout_drawn_anew_at_each_step():
    torch.manual_seed(0)
    dropping, seen = net(sizes=[3, 400, 2], dropout=[0.5, 0.0], beta=0.01), (Tensors(), Tensors())
    torch.nn.init.constant_(dropping.synapses["fc1"].linear.weight, 1.0)
    sequence = torch.ones(6, 1, 3)
    dropping(sequence, seen[0])
    dropping.eval()(sequence, seen[1])
    dropped, whole = (record.fired["fc1"] for record in seen)
    kept = dropped.mean(-1).flatten()
    assert ((0.4 < kept) & (kept < 0.6)).all() and not torch.equal(dropped[0], dropped[1])
    assert whole.mean() == 1


@pytest.mark.parametrize("changes, message", [
    ({"thresholds": [1.0]}, "thresholds and dropout need a number for each of the 2 layers"),
    ({"dropout": [0.0, 0.0, 0.0]}, "for each of the 2 layers"),
    ({"readout": "current"}, "readout must be 'spikes' or 'membrane', got 'current'"),
])
def test_what_does_not_fit_is_an_error(changes, message):
    with pytest.raises(ValueError, match=message):
        net(**changes)


def output_and_gradients(ours, x):
    torch.manual_seed(9)
    out = ours(x)
    ours.zero_grad()
    (out * torch.arange(out.numel(), dtype=out.dtype).reshape(out.shape)).sum().backward()
    return [out.detach(), *(parameter.grad for parameter in ours.parameters())]


@pytest.mark.parametrize("binarized", [False, True])
@pytest.mark.parametrize("fraction", [0.0, 0.3])
@pytest.mark.parametrize("on_events", [False, True])
def test_a_wide_layer_equals_the_layer(monkeypatch, binarized, fraction, on_events):
    torch.manual_seed(2)
    events = random_events(30, 4, num_units=9, density=0.3)
    x = events if on_events else events.dense().double()
    ours = net(sizes=[9, 300, 6, 2], thresholds=[2.0, 1.0, 1.0], dropout=[fraction] * 3, binarized=binarized).double()
    for synapse in ours.synapses.values():
        torch.nn.init.constant_(synapse.linear.bias, 0.4)
    whole = output_and_gradients(ours, x)
    monkeypatch.setattr(mlp, "WIDE", 0)
    assert isinstance(ours.fused("fc1", x), mlp.WideSpikes) == on_events
    wide = output_and_gradients(ours, x)
    assert 0 < whole[0].mean() < 1
    for mine, reference in zip(wide, whole, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-9, atol=1e-9)
    assert torch.equal(ours.eval()(x), eval_whole(monkeypatch, ours, x))


def eval_whole(monkeypatch, ours, x):
    monkeypatch.setattr(mlp, "WIDE", 2**22)
    with torch.no_grad():
        return ours(x)


def test_a_wide_layer_counts_its_spikes_and_operations(monkeypatch):
    ours, x = net(thresholds=[0.2, 0.2]).eval(), random_events(50, 4, num_units=3, density=0.3)

    def counted(activity):
        with torch.no_grad():
            ours(x, activity), ours(x, activity)
        return activity.layers(), activity.operations_per_sample()

    expected = counted(plainly(Activity(ours, operations=True)))
    assert 0 < expected[0]["fc1"]["firing_rate"] < 1
    monkeypatch.setattr(mlp, "WIDE", 0)
    monkeypatch.setattr(ours.synapses["fc1"], "forward", None)  # the wide layer does not call it
    assert counted(Activity(ours, operations=True)) == expected


def test_a_wide_layer_whose_spikes_are_wanted_is_computed_whole(monkeypatch):
    monkeypatch.setattr(mlp, "WIDE", 0)
    ours, x, record = net(), random_events(5, 2, num_units=3), Tensors()
    monkeypatch.setattr(mlp, "wide_layer", lambda *_, **__: pytest.fail("it is not"))
    ours(x, record).sum().backward()
    assert record.fired["fc1"].shape == (5, 2, 4) and torch.equal(record.taken["fc2"], record.fired["fc1"])
