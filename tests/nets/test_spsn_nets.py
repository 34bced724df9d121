"""The 700-128-128-128-20 family: what conf.py names is built, and a sample's output is its own."""

import math

import pytest
import torch
from torch import nn

from common import build
from common.data import synthetic
from common.data.events import Binning
from common.neurons import SPSN, LeakyIntegrator, ParaLIF, RecurrentParaLIF, SynapticLIF
from common.settings.resolution import completed
from common.training import losses, monitor

KINDS = ["gs", "sb", "trb", "d", "sd", "td", "trd", "t", "st", "tt", "trt"]
CONFIG = {"net": "mlp", "hidden_sizes": [12, 9], "binarize": False, "dt_ms": 4.0, "tau_syn_ms": 20.0,
          "tau_mem_ms": 10.0, "surrogate": "fast_sigmoid", "slope": 100.0, "loss": "cross_entropy", "optimizer": "adam"}
DETERMINISTIC = ["lif", "non_spiking", *(f"paralif_{kind}" for kind in KINDS if kind not in ("gs", "sb", "trb"))]


def net(neuron="lif", **changes):
    """Of neurons "lif", "non_spiking", or "paralif_d": the neuron and its spike."""
    name, _, spike = neuron.partition("_") if neuron != "non_spiking" else (neuron, "", "")
    torch.manual_seed(0)
    return build.net(completed(CONFIG | {"neuron": name, "spike": spike} | changes), (700,), 20)


@pytest.fixture(scope="module")
def recordings():
    return synthetic.spoken_digits(6, 0, range(2), Binning(4.0, 500, length="sample"))


@pytest.mark.parametrize("neuron, kind", [("lif", SynapticLIF), ("spsn_sb", SPSN), ("spsn_gs", SPSN),
                                          ("non_spiking", nn.ReLU), *((f"paralif_{kind}", ParaLIF) for kind in KINDS)])
def test_the_key_names_the_neurons(neuron, kind):
    built = net(neuron=neuron)
    assert [type(layer) for layer in built.neurons.values()] == [kind, kind]
    assert [tuple(synapse.linear.weight.shape) for synapse in built.synapses.values()] == [(12, 700), (9, 12), (20, 9)]
    assert type(built.readout) is (nn.Identity if neuron == "non_spiking" else LeakyIntegrator)
    if neuron != "non_spiking":
        decays = built.readout.alpha, built.readout.beta
        assert decays == pytest.approx((math.exp(-4 / 20), math.exp(-4 / 10)))
    if neuron.startswith(("spsn", "paralif")):
        assert {layer.spike for layer in built.neurons.values()} == {neuron.partition("_")[2].upper()}


def test_what_paralif_learns_and_whether_it_is_recurrent():
    shapes = [tuple(p.shape) for name, p in net(neuron="paralif_d", learn_tau=True, per_neuron=True).named_parameters()
              if "log" in name]
    assert shapes == [(12,), (12,), (9,), (9,)]
    names = {name.split(".")[-1] for name, _ in net(neuron="paralif_t", learn_threshold=True).named_parameters()}
    assert "log_threshold" in names and "log_tau_syn" not in names
    recurrent = net(neuron="paralif_sb", recurrent=True, recurrent_spike="relu").neurons["fc2"]
    assert type(recurrent) is RecurrentParaLIF and recurrent.hidden == "relu"
    assert recurrent.recurrent[0].in_features == 9


def test_weights_start_within_their_bound_and_biases_at_0():
    layers = [synapse.linear for synapse in net(hidden_sizes=[300, 200]).synapses.values()]
    for layer in layers:
        bound = math.sqrt(3 / layer.in_features)
        assert 0.98 * bound < layer.weight.abs().max() <= bound and not layer.bias.any()


@pytest.mark.parametrize("reduce", ["mean", "max", "last"])
@pytest.mark.parametrize("neuron", DETERMINISTIC)
def test_a_sample_s_output_is_the_same_alone_and_in_any_batch(recordings, neuron, reduce):
    built = net(neuron=neuron).double().eval()
    lengths = [recordings.batch(torch.tensor([k]))[0].shape[0] for k in range(6)]
    assert len(set(lengths)) > 1
    events, _ = recordings.batch(torch.arange(6))
    together = losses.reduced(built(events), events.mask.double(), reduce)
    for k in range(6):
        alone, _ = recordings.batch(torch.tensor([k]))
        torch.testing.assert_close(losses.reduced(built(alone), alone.mask.double(), reduce)[0], together[k])


def test_events_and_the_dense_sequence_give_the_same(recordings):
    events, _ = recordings.batch(torch.arange(6))
    for neuron in ("lif", "paralif_d"):
        built = net(neuron=neuron).double()
        torch.testing.assert_close(built(events), built(events.dense().double()))


def test_firing_rates_and_operations_count_a_sample_s_own_steps(recordings):
    built = net(neuron="paralif_t").eval()
    for synapse in built.synapses.values():
        synapse.linear.weight.data *= 10
    found = []
    for batches in ([torch.arange(6)], [torch.tensor([k]) for k in range(6)]):
        activity = monitor.Activity(built, operations=True)
        for indices in batches:
            built(recordings.batch(indices)[0], activity)
        found.append((activity.layers()["fc1"], activity.operations_per_sample()))
    assert found[0][0] == pytest.approx(found[1][0]) and found[0][0]["firing_rate"] > 0
    assert found[0][1] == pytest.approx(found[1][1])
    num_events = len(recordings.times)
    assert 0.9 * num_events / 6 * 12 < found[0][1]["effective_acs"] + found[0][1]["effective_macs"]


def test_operations_of_recurrent_neurons_count_the_weights_between_them(recordings):
    events, dense = recordings.batch(torch.arange(6))[0], []
    for recurrent in (False, True):
        built = net(neuron="paralif_t", recurrent=recurrent, recurrent_spike="spike")
        activity = monitor.Activity(built, operations=True)
        built(events, activity)
        dense.append(activity.operations_per_sample()["dense"])
    num_steps = events.mask.sum().item() / 6
    assert dense[1] - dense[0] == pytest.approx(num_steps * (12**2 + 9**2))
