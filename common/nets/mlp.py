"""Fully connected spiking nets."""

from itertools import pairwise

import torch
from torch import nn

from common.kernels.event_linear import event_linear
from common.kernels.spike_linear import spike_linear
from common.layers.binary import BinaryLinear, weight_of
from common.layers.dropout import Dropout
from common.nets.spiking import SpikingNet
from common.neurons import LIF
from common.recurrence.wide_layer import can_run, wide_layer
from common.sequence import UNRECORDED, Counted, mask_of

WIDE = 2**22  # numbers in a layer's current from which on the layer is wide: 16 MB in float32


class WideSpikes(Counted):
    """Spikes [T, B, H] of which only the current that they send `onward`, [T, B, K], and their counts are in memory."""

    def __init__(self, onward, counts):
        self.onward, self.known = onward, counts
        self.shape = *onward.shape[:2], len(counts)

    def counts(self):
        return self.known


class Synapse(nn.Module):
    """A linear layer, binarized or not, and dropout, on a sequence [T, B, N], a batch of events or WideSpikes."""

    def __init__(self, num_inputs, num_outputs, binarized, dropout=0.0):
        super().__init__()
        self.linear = (BinaryLinear if binarized else nn.Linear)(num_inputs, num_outputs)
        self.dropout = Dropout(dropout)

    def forward(self, x):
        if isinstance(x, WideSpikes):
            return self.dropout(x.onward + self.linear.bias)
        layer = spike_linear if isinstance(x, torch.Tensor) else event_linear
        return self.dropout(layer(x, weight_of(self.linear), self.linear.bias))


class SpikingMLP(SpikingNet):
    """FC-dropout-LIF, layer after layer, on a sequence [T, B, N] or events: the MLP of threshold annealing.

    sizes: of the input and of every layer, as [100, 1000, 1].  thresholds (initial), dropout (fraction of
    currents dropped, anew at each step): one for each layer.  beta, surrogate, reset: see
    common.neurons.LIF.  readout: what it returns of its last layer, [T, B, sizes[-1]]: "spikes", or
    "membrane", before the reset.  ValueError for a list of another length.
    Source: snn-tha@f9c0b51 (arXiv 2201.11915), SHD and the spike-timing task.
    """

    def __init__(self, sizes, beta, thresholds, surrogate, dropout, binarized, reset="subtract", readout="spikes"):
        super().__init__()
        num_layers = len(sizes) - 1
        if not len(thresholds) == len(dropout) == num_layers:
            raise ValueError(f"thresholds and dropout need a number for each of the {num_layers} layers, "
                             f"got {thresholds} and {dropout}")
        if readout not in ("spikes", "membrane"):
            raise ValueError(f"readout must be 'spikes' or 'membrane', got {readout!r}")
        self.readout = readout
        for k, (shape, fraction, theta) in enumerate(zip(pairwise(sizes), dropout, thresholds, strict=True)):
            self.synapses[f"fc{k + 1}"] = Synapse(*shape, binarized, fraction)
            self.neurons[f"fc{k + 1}"] = LIF(beta, theta, surrogate, reset)

    def forward(self, x, record=UNRECORDED):
        record.start(x)
        *hidden, last = self.synapses
        for name in hidden:
            x = self.spikes(name, x, record)
        if self.readout == "membrane":
            return self.neurons[last].trace(self.current(last, x, record))[1]
        return self.spikes(last, x, record)

    def fused(self, name, x):
        """WideSpikes of a large first layer on events, together with the second's weights."""
        if name != "fc1" or len(self.synapses) == 1:
            return None
        first, second, neuron = self.synapses["fc1"], self.synapses["fc2"], self.neurons["fc1"]
        linear, fraction = first.linear, first.dropout.fraction if first.training else 0.0
        large = x.shape[0] * x.shape[1] * linear.out_features >= WIDE
        if not large or mask_of(x) is not None or not can_run(x, linear.weight, neuron.surrogate):
            return None
        return WideSpikes(*wide_layer(x, weight_of(linear), linear.bias, weight_of(second.linear), neuron.constants(),
                                      fraction, signs=isinstance(linear, BinaryLinear)))


class MLP(SpikingNet):
    """FC-neuron, layer after layer, and at last FC and a read-out, on a sequence [T, B, N] or events.

    sizes: of the input and of every layer, as [700, 128, 128, 20].  neurons: one for each hidden layer.  readout:
    current [T, B, sizes[-1]] -> output of the same shape, as LeakyIntegrator.
    start: of float weights "kaiming", uniform within sqrt(3 / fan_in), all biases 0; or "linear", as nn.Linear's, which
    SPSN's code leaves its non-spiking net.
    Source: SPSN@c46d169.
    """

    def __init__(self, sizes, neurons, readout, binarized, start="kaiming"):
        super().__init__()
        assert len(neurons) == len(sizes) - 2, (sizes, len(neurons))
        for k, shape in enumerate(pairwise(sizes)):
            self.synapses[f"fc{k + 1}"] = Synapse(*shape, binarized)
        for k, neuron in enumerate(neurons):
            self.neurons[f"fc{k + 1}"] = neuron
        self.readout = readout
        for synapse in self.synapses.values() if start == "kaiming" else ():
            nn.init.zeros_(synapse.linear.bias)
            if not binarized:
                nn.init.kaiming_uniform_(synapse.linear.weight, nonlinearity="linear")

    def forward(self, x, record=UNRECORDED):
        record.start(x)
        *hidden, last = self.synapses
        for name in hidden:
            x = self.spikes(name, x, record)
        return record.run("readout", self.readout, self.current(last, x, record))
