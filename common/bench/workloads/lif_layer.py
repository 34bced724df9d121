"""One layer of LIF neurons, without weights."""

import snntorch
import torch
from snntorch import surrogate

from common.neurons import LIF
from common.surrogate import FastSigmoid


def lif_layer(num_steps, num_neurons):
    """One LIF layer on a random current: forward and backward."""
    current = torch.rand(num_steps, 1, num_neurons, requires_grad=True)
    gradient = torch.randn_like(current)
    ours = LIF(0.9, 1.0, FastSigmoid(10.0))
    theirs = snntorch.Leaky(0.9, threshold=1.0, spike_grad=surrogate.fast_sigmoid(slope=10))

    def step_by_step(current):
        membrane, spikes = theirs.init_leaky(), []
        for x in current.unbind(0):
            spike, membrane = theirs(x, membrane)
            spikes.append(spike)
        return torch.stack(spikes)

    def stepper(layer):
        def step():
            current.grad = None
            spikes = layer(current)
            spikes.backward(gradient)
            return spikes.detach()

        return step

    return {"ours": stepper(ours), "peer": stepper(step_by_step)}
