"""W8: one linear layer and its LIF neurons, forward and backward, as in Open Neuromorphic's benchmark."""

import snntorch
import torch
from snntorch import surrogate
from torch import nn
from torch.nn import functional as F

from common.kernels.spike_linear import spike_linear
from common.neurons import LIF
from common.surrogate import ATan, FastSigmoid

DECAY = 0.875  # the membrane's, per step; SpikingJelly's tau is 8 steps


def linear_lif(peer, density, num_steps=500, batch_size=16, size=512):
    """peer: "snntorch", or SpikingJelly's "jelly_m" or "jelly_s", on all steps of a layer at once or step by step.

    density: 1, an input of real numbers in [0, 1), or the share of spikes in it, e.g. .1.  The reset is by
    subtraction beside snntorch, to zero beside SpikingJelly.  The weights get a gradient, the input none.
    """
    x = torch.rand(num_steps, batch_size, size)
    x = x if density == 1 else (x < density).to(x.dtype)
    linear, gradient = nn.Linear(size, size), torch.randn(num_steps, batch_size, size)
    if peer == "snntorch":
        ours, theirs = LIF(DECAY, 1.0, FastSigmoid(25.0)), _snntorch(linear)
    else:
        ours, theirs = LIF(DECAY, 1.0, ATan(2.0), reset="zero"), _jelly(linear, peer.removeprefix("jelly_"))

    def stepper(layer):
        def step():
            linear.zero_grad()
            spikes = layer(x)
            spikes.backward(gradient)
            return spikes.detach()

        return step

    return {"ours": stepper(lambda x: ours(spike_linear(x, linear.weight, linear.bias))), "peer": stepper(theirs)}


def _snntorch(linear):
    leaky = snntorch.Leaky(DECAY, spike_grad=surrogate.fast_sigmoid(slope=25))

    def layer(x):
        membrane, spikes = leaky.init_leaky(), []
        for step in x:
            spike, membrane = leaky(linear(step), membrane)
            spikes.append(spike)
        return torch.stack(spikes)

    return layer


def _jelly(linear, step_mode):
    from spikingjelly.activation_based import functional, neuron, surrogate  # needed for this alone

    lif = neuron.LIFNode(1 / (1 - DECAY), decay_input=False, surrogate_function=surrogate.ATan(2.0),
                         detach_reset=True, step_mode=step_mode)

    def layer(x):
        functional.reset_net(lif)
        if step_mode == "m":
            return lif(F.linear(x.flatten(0, 1), linear.weight, linear.bias).unflatten(0, x.shape[:2]))
        return torch.stack([lif(linear(step)) for step in x])

    return layer
