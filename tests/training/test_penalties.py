import math
import statistics
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from common import build
from common.nets.mlp import MLP
from common.neurons import PLIF
from common.training import penalties


class Fixed(nn.Module):
    """Neurons that spike as told."""

    def __init__(self, spikes):
        super().__init__()
        self.spikes = nn.Parameter(spikes)


def net_of(*layers):
    """A net whose layers spike as told."""
    neurons = nn.ModuleDict({f"fc{i}": Fixed(spikes) for i, spikes in enumerate(layers)})
    net = nn.Module()
    net.neurons = neurons
    return net


def record(limit, net, mask=None):
    limit.start(SimpleNamespace(mask=mask))
    for name, neuron in net.neurons.items():
        limit.spikes(name, neuron.spikes)


def test_the_rate_limit_by_hand():
    """Rates of two layers' three neurons: 1, 1/2 and 3/4, with a limit of 1/2 on average."""
    first = torch.tensor([[[1.0, 1.0]], [[1.0, 0.0]], [[1.0, 1.0]], [[1.0, 0.0]]])  # [T = 4, B = 1, 2]
    second = torch.tensor([[[1.0]], [[1.0]], [[0.0]], [[1.0]]])
    net = net_of(first, second)
    limit = penalties.RateLimit(0.5)
    record(limit, net)
    penalty = limit(net)
    assert penalty.item() == pytest.approx((1 + 0.5 + 0.75 - 1.5) ** 2)
    penalty.backward()
    assert torch.allclose(net.neurons["fc0"].spikes.grad, torch.full_like(first, 2 * 0.75 / 4))


def test_rates_below_the_limit_cost_nothing_and_padding_does_not_count():
    spikes = torch.tensor([[[1.0], [0.0]], [[0.0], [1.0]], [[1.0], [1.0]]])  # [T = 3, B = 2, 1]
    net = net_of(spikes)
    limit = penalties.RateLimit(0.6)
    record(limit, net)
    assert limit(net).item() == pytest.approx((4 / 6 - 0.6) ** 2)
    record(limit, net, torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]))  # own: 1, 0 and 0
    assert limit.rates["fc0"].item() == pytest.approx(1 / 3) and limit(net).item() == 0


def test_a_config_asks_for_it_by_its_key():
    assert build.penalties_of({}) == build.penalties_of({"rate_limit": 0.0}) == []
    (limit,) = build.penalties_of({"rate_limit": 0.4})
    assert limit.limit == 0.4
    assert penalties.recorder([penalties.TauVariance(0.1), limit]) is limit and penalties.recorder([]) is None


def test_the_variance_of_tau_by_hand():
    """tau 2, 3, 7: mean 4, squares 4 + 1 + 9, n - 1 = 2; dtau/dw = -(tau - 1)."""
    net = net_of_tau([2.0, 3.0, 7.0])
    penalty = penalties.TauVariance(0.5, "tau")(net)
    penalty.backward()
    assert penalty.item() == pytest.approx(0.5 * 7)
    assert net.neurons["conv1"].w.grad.tolist() == pytest.approx([0.5 * 2 * 1, 0.5 * 1 * 2, 0.5 * -3 * 6])
    assert net.neurons["fc1"].w.grad is None and net.neurons["fc2"].w.grad is None


def test_the_variance_of_w_by_hand():
    """w = -log(tau - 1); d/dw = 2 (w - mean) / (n - 1)."""
    net, w = net_of_tau([2.0, 3.0, 7.0]), [0, -math.log(2), -math.log(6)]
    penalty = penalties.TauVariance(0.5, "w")(net)
    penalty.backward()
    assert penalty.item() == pytest.approx(0.5 * statistics.variance(w))
    assert net.neurons["conv1"].w.grad.tolist() == pytest.approx([0.5 * (x - sum(w) / 3) for x in w])


def net_of_tau(values):
    """A layer of neurons of these tau, and two of one tau."""
    net = nn.Module()
    net.neurons = nn.ModuleDict({"conv1": PLIF(shape=(len(values),)), "fc1": PLIF(), "fc2": PLIF(shape=(1,))})
    net.neurons["conv1"].w.data = -(torch.tensor(values) - 1).log()
    return net


def test_the_variance_of_one_tau_a_layer_is_zero_and_a_config_asks_for_it():
    net = net_of_tau([4.0])
    (penalty,) = build.penalties_of({"tau_penalty": 0.1, "tau_penalty_on": "w"})
    assert (penalty.weight, penalty.on, penalty(net)) == (0.1, "w", 0)
    assert build.penalties_of({"tau_penalty": 0.0, "tau_penalty_on": "tau"}) == []
    with pytest.raises(ValueError, match="tau_penalty_on must be 'tau' or 'w', got 'sigma'"):
        penalties.TauVariance(0.1, "sigma")


def test_the_clamp_holds_weights_and_leaves_biases():
    net = MLP([3, 2, 2], [nn.ReLU()], nn.Identity(), binarized=True)
    linear = net.synapses["fc1"].linear
    linear.weight.data[:] = torch.tensor([[-3.0, 0.5, 2.0], [1.0, -1.0, 0.0]])
    linear.bias.data[:] = 7
    penalties.weight_clamps(net)()
    assert linear.weight.tolist() == [[-1, 0.5, 1], [1, -1, 0]] and linear.bias.tolist() == [7, 7]
