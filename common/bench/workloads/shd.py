"""W3 and W4: the nets of SHD, on random events; the peer is plain snntorch or SPSN's way."""

import torch
from torch.nn import functional as F

from common.bench.peers.plain import SnntorchMLP, SpsnMLP
from common.bench.workloads.step import training_step
from common.data.events import EventBatch
from common.nets.mlp import MLP, SpikingMLP
from common.neurons import SPSN, LeakyIntegrator, SynapticLIF
from common.surrogate import FastSigmoid
from common.training.losses import mse_count_loss


def shd_annealing(num_steps, batch_size, num_hidden):
    """W3: SHD threshold annealing, 700-3000-20, binarized, on events of 1.5 % density, without dropout."""
    sizes, beta, slope, thresholds = [700, num_hidden, 20], 0.95, 0.257, [13.504, 11.20]
    ours = SpikingMLP(sizes, beta, thresholds, FastSigmoid(slope), [0.0, 0.0], binarized=True)
    peer = SnntorchMLP(sizes, beta, slope, thresholds, binarize=True, spikes=True).take_weights(ours)
    events, target = random_events(num_steps, batch_size), torch.arange(batch_size) % 20

    def stepper(net, x):
        return training_step(torch.optim.Adam(net.parameters(), 6.54e-4), lambda: mse_count_loss(net(x), target))

    return {"ours": stepper(ours, events), "peer": stepper(peer, events.dense())}


def shd_neurons(neuron, num_steps, batch_size, hidden):
    """W4: SHD, 700-128-128-128-20 of LIF or SPSN-SB; the peer is SPSN's own way of computing."""
    sizes, times = [700, *hidden, 20], {"tau_syn": 0.02, "tau_mem": 0.02, "dt": 0.001}
    make = {"lif": lambda: SynapticLIF(**times, surrogate=FastSigmoid(100.0)), "spsn_sb": lambda: SPSN(**times)}[neuron]
    readout = LeakyIntegrator(**times)
    ours = MLP(sizes, [make() for _ in hidden], readout, binarized=False)
    peer = SpsnMLP(sizes, neuron, readout.alpha, readout.beta).take_weights(ours)
    events, target = random_events(num_steps, batch_size), torch.arange(batch_size) % 20

    def stepper(net, x, dim):
        optimizer = torch.optim.Adamax(net.parameters(), 1e-3)
        return training_step(optimizer, lambda: F.cross_entropy(net(x).mean(dim), target))

    return {"ours": stepper(ours, events, 0), "peer": stepper(peer, events.dense().transpose(0, 1).contiguous(), 1)}


def random_events(num_steps, batch_size, num_units=700, density=0.015):
    """An EventBatch of independent events."""
    rows, units = (torch.rand(num_steps * batch_size, num_units) < density).nonzero(as_tuple=True)
    row_starts = torch.zeros(num_steps * batch_size + 1, dtype=torch.int64)
    row_starts[1:] = rows.bincount(minlength=num_steps * batch_size).cumsum(0)
    return EventBatch((num_steps, batch_size, num_units), row_starts, units.int())
