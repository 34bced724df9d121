"""A neuron of one's own, as the page on it says: the example there, and what is refused."""

import re

import pytest
import torch
from helpers.place import ROOT
from torch import nn

from common import build
from common.build import neurons as built
from common.choices import AT_LEAST_ZERO, Choice, Option
from common.neurons import LIF
from common.surrogate import FastSigmoid
from common.training import monitor

EXAMPLE, LINE = re.findall(r"```python\n(.*?)```", (ROOT / "common/neurons/README.md").read_text(), re.DOTALL)
SETTINGS = {"net": "mlp", "neuron": "adaptive_lif", "hidden_sizes": [40, 30], "binarize": False, "tau_syn_ms": 20.0,
            "tau_mem_ms": 20.0, "dt_ms": 1.0, "surrogate": "fast_sigmoid", "slope": 5.0, "adaptation": 0.05}


@pytest.fixture
def adaptive_lif(monkeypatch):
    """The page's neuron, in the registry."""
    names = {}
    exec(EXAMPLE, names)
    known = vars(built) | names | {"AT_LEAST_ZERO": AT_LEAST_ZERO, "Option": Option, "Choice": Choice}
    for name, choice in eval(f"{{{LINE}}}", known).items():
        monkeypatch.setitem(built.NEURONS, name, choice)
    return names["AdaptiveLIF"]


def test_the_page_s_neuron_is_trained_recorded_and_has_its_own_option(adaptive_lif):
    torch.manual_seed(0)
    net = build.net(SETTINGS, (6,), 3)
    assert [*monitor.spiking(net)] == ["fc1", "fc2"] and built.NEURONS["adaptive_lif"].options["adaptation"].default
    sequence = 40 * torch.rand(60, 4, 6)
    activity = monitor.Activity(net)
    net(sequence, activity).sum().backward()
    assert all(synapse.linear.bias.grad.abs().sum() > 0 for synapse in net.synapses.values())
    assert 0 < activity.layers()["fc1"]["firing_rate"] < 1
    assert [name for name, *_ in monitor.traces(net, sequence)] == ["fc1", "fc2"]


def test_the_page_s_neuron_without_adaptation_is_a_lif_that_resets_to_zero(adaptive_lif):
    current = torch.randn(50, 3, 9)
    peer = LIF(0.9, 1.0, FastSigmoid(5.0), reset="zero")
    spikes, membrane = adaptive_lif(0.9, 0.99, 0.0, FastSigmoid(5.0)).trace(current)
    expected, other = peer.trace(current)
    assert spikes.sum() > 50 and torch.equal(spikes, expected) and torch.allclose(membrane, other, atol=1e-5)


class Silent(nn.Module):
    def forward(self, current):
        return current


class Named(Silent):
    threshold, surrogate = 1.0, "atan"

    def trace(self, current):
        return current, current


@pytest.mark.parametrize("neuron, message", [
    (Silent(), r"the neurons fc1, Silent, lack a method trace\(current\) .* and a threshold: a number"),
    (Named(), r"lack a surrogate that can be called, as FastSigmoid\(5.0\), instead of 'atan': see common/neu")])
def test_a_neuron_that_lacks_something_is_refused_when_the_net_is_built(monkeypatch, neuron, message):
    monkeypatch.setitem(built.NEURONS, "mine", Choice(lambda settings, size: neuron))
    with pytest.raises(ValueError, match=message):
        build.net(SETTINGS | {"neuron": "mine"}, (6,), 3)


def test_a_rectifier_needs_nothing():
    assert build.net(SETTINGS | {"neuron": "non_spiking"}, (6,), 3)
