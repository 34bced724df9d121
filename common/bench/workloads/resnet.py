"""W5: the tdBN ResNet-19 of mnist/conf.py; the peer loops over the steps of each layer."""

import copy

import torch
from torch.nn import functional as F

from common.bench.peers.resnet import PlainResNet19
from common.bench.workloads.step import training_step
from common.data.encode import constant_current
from common.nets.resnet19 import ResNet19
from common.neurons import LIF
from common.surrogate import Rectangle


def resnet19(num_steps, batch_size, channels, hidden_size):
    """In float32."""
    ours = _net(channels, hidden_size)
    peer = PlainResNet19(num_steps, 1, 10, channels, channels, hidden_size).take_weights(ours)
    image = torch.randn(batch_size, 1, 28, 28)
    sequence = constant_current(image, num_steps)
    return {"ours": _stepper(ours, sequence), "peer": _stepper(peer, image)}


def resnet19_bf16(num_steps, batch_size, channels, hidden_size):
    """In bfloat16; the peer is ours in float32."""
    peer = _net(channels, hidden_size)
    ours = copy.deepcopy(peer)
    ours.precision = "bf16"
    sequence = constant_current(torch.randn(batch_size, 1, 28, 28), num_steps)
    return {"ours": _stepper(ours, sequence), "peer": _stepper(peer, sequence)}


def _net(channels, hidden_size):
    return ResNet19((1, 28, 28), 10, lambda: LIF(0.25, 0.4, Rectangle(0.5), "zero", detach_reset=False), 0.4,
                    channels, channels, hidden_size)


def _stepper(net, x):
    target = torch.arange(x.shape[-4]) % 10
    return training_step(torch.optim.Adam(net.parameters(), 1e-3), lambda: F.cross_entropy(net(x).mean(0), target))
