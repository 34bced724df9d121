from types import SimpleNamespace

import pytest
import torch
from torch import nn

from common import penalties
from common.nets.mlp import MLP


class Fixed(nn.Module):
    """Neurons that spike as told, whatever the current."""

    def __init__(self, spikes):
        super().__init__()
        self.spikes = nn.Parameter(spikes)

    def forward(self, current):
        return self.spikes


def net_of(*layers):
    """A net whose layers spike as told; its input is passed through."""
    neurons = nn.ModuleDict({f"fc{i}": Fixed(spikes) for i, spikes in enumerate(layers)})
    net = nn.Module()
    net.neurons = neurons
    net.forward = lambda x: [neuron(x) for neuron in neurons.values()]
    return net


def test_the_rate_limit_by_hand():
    """Rates of two layers' three neurons: 1, 1/2 and 3/4, with a limit of 1/2 on average."""
    first = torch.tensor([[[1.0, 1.0]], [[1.0, 0.0]], [[1.0, 1.0]], [[1.0, 0.0]]])  # [T = 4, B = 1, 2]
    second = torch.tensor([[[1.0]], [[1.0]], [[0.0]], [[1.0]]])
    net = net_of(first, second)
    limit = penalties.RateLimit(net, 0.5)
    net(torch.zeros(1))
    penalty = limit(net)
    assert penalty.item() == pytest.approx((1 + 0.5 + 0.75 - 1.5) ** 2)
    penalty.backward()
    assert torch.allclose(net.neurons["fc0"].spikes.grad, torch.full_like(first, 2 * 0.75 / 4))


def test_rates_below_the_limit_cost_nothing_and_padding_does_not_count():
    spikes = torch.tensor([[[1.0], [0.0]], [[0.0], [1.0]], [[1.0], [1.0]]])  # [T = 3, B = 2, 1]
    net = net_of(spikes)
    limit = penalties.RateLimit(net, 0.6)
    net(torch.zeros(1))
    assert limit(net).item() == pytest.approx((4 / 6 - 0.6) ** 2)
    net(SimpleNamespace(mask=torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])))  # own: 1, 0 and 0
    assert limit.rates["fc0"].item() == pytest.approx(1 / 3) and limit(net).item() == 0


def test_a_config_asks_for_it_by_its_key():
    net = net_of(torch.zeros(1, 1, 1))
    assert penalties.build({}, net) == penalties.build({"rate_limit": 0.0}, net) == []
    (limit,) = penalties.build({"rate_limit": 0.4}, net)
    assert limit.limit == 0.4


def test_the_clamp_holds_weights_and_leaves_biases():
    net = MLP([3, 2, 2], [nn.ReLU()], nn.Identity(), binarized=True)
    linear = net.synapses["fc1"].linear
    linear.weight.data[:] = torch.tensor([[-3.0, 0.5, 2.0], [1.0, -1.0, 0.0]])
    linear.bias.data[:] = 7
    penalties.weight_clamps(net)()
    assert linear.weight.tolist() == [[-1, 0.5, 1], [1, -1, 0]] and linear.bias.tolist() == [7, 7]
