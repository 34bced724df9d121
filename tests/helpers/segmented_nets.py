"""Nets that run in segments of time, and what they are given."""

import torch

from common.bench.workloads.shd import random_events
from common.nets.convnet import ConvNet
from common.nets.mlp import MLP, SpikingMLP
from common.neurons import LeakyIntegrator, SynapticLIF
from common.surrogate import FastSigmoid

NUM_STEPS, BATCH = 11, 4
TIMES = {"tau_syn": 0.02, "tau_mem": 0.01, "dt": 0.002}


def convnet(static=False, batch_norm=True, dropout=0.0, dtype=torch.float64, reset="subtract"):
    """A net, its input and the classes."""
    torch.manual_seed(1)
    net = ConvNet((1, 16, 16), 3, [4, 6], 0.875, [0.3, 0.5, 0.3], FastSigmoid(5.0), dropout, binarize=batch_norm,
                  reset=reset, batch_norm=batch_norm).to(dtype)
    x = torch.rand(NUM_STEPS, BATCH, 1, 16, 16, dtype=dtype)
    return net, x[:1].expand_as(x) if static else x


def tha_mlp(dropout=0.0, dtype=torch.float64, hidden=30):
    torch.manual_seed(2)
    net = SpikingMLP([50, hidden, 3], 0.9, [0.4, 0.3], FastSigmoid(5.0), [dropout, dropout], binarized=False).to(dtype)
    return net, random_events(NUM_STEPS, BATCH, 50, density=0.2)


def mlp(dtype=torch.float64):
    torch.manual_seed(3)
    neurons = [SynapticLIF(**TIMES, surrogate=FastSigmoid(10.0)) for _ in range(2)]
    net = MLP([50, 20, 10, 3], neurons, LeakyIntegrator(**TIMES), binarized=False).to(dtype)
    for synapse in net.synapses.values():
        synapse.linear.weight.data.mul_(4)
    return net, random_events(NUM_STEPS, BATCH, 50, density=0.2)


NETS = {
    "convnet, frames": convnet, "convnet, static": lambda **options: convnet(static=True, **options),
    "convnet, no norm, reset to zero": lambda **options: convnet(batch_norm=False, reset="zero", **options),
    "tha_mlp": tha_mlp, "mlp": mlp,
}
