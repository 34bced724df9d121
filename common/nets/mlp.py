"""Fully connected spiking nets."""

from itertools import pairwise

import torch
from torch import nn

from common.kernels.event_linear import event_linear
from common.kernels.spike_linear import spike_linear
from common.layers.binary import BinaryLinear, binarize
from common.layers.dropout import Dropout
from common.neurons import LIF
from common.recurrence.wide_layer import can_run, wide_layer
from common.sequence import Counted, mask_of, tell_counts, watched

WIDE = 2**22  # numbers in a layer's current, from which on it is: 16 MB in float32


class Synapse(nn.Module):
    """A linear layer, binarized or not, and dropout, on a sequence [T, B, N] or on a batch of events."""

    def __init__(self, num_inputs, num_outputs, binarized, dropout=0.0):
        super().__init__()
        self.linear = (BinaryLinear if binarized else nn.Linear)(num_inputs, num_outputs)
        self.binarized = binarized
        self.dropout = Dropout(dropout)

    def forward(self, x):
        layer = spike_linear if isinstance(x, torch.Tensor) else event_linear
        return self.dropout(layer(x, self.weight(), self.linear.bias))

    def weight(self):
        """The weight that it computes with, [num_outputs, num_inputs]."""
        return binarize(self.linear.weight) if self.binarized else self.linear.weight


class ThaMLP(nn.Module):
    """FC-dropout-LIF, layer after layer, on a sequence [T, B, N] or events: the MLP of threshold annealing.

    sizes: of the input and of every layer, as [100, 1000, 1].  thresholds (initial), dropout (share of
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
        names = [f"fc{i + 1}" for i in range(num_layers)]
        self.synapses = nn.ModuleDict({
            name: Synapse(*shape, binarized, share)
            for name, shape, share in zip(names, zip(sizes, sizes[1:], strict=False), dropout, strict=True)})
        self.neurons = nn.ModuleDict(
            {name: LIF(beta, theta, surrogate, reset) for name, theta in zip(names, thresholds, strict=True)})

    def forward(self, x):
        names = list(self.synapses)
        if len(names) > 1 and self._is_wide(x):
            current, names = self._second_current(x), names[1:]
        else:
            current = self.synapses[names[0]](x)
        for name, following in pairwise(names):
            current = self.synapses[following](self.neurons[name](current))
        last = self.neurons[names[-1]]
        return last.trace(current)[1] if self.readout == "membrane" else last(current)

    def _is_wide(self, x):
        """Whether the first layer is large, of a kind that wide_layer computes, and nobody wants to see it."""
        first, second, neuron = self.synapses["fc1"], self.synapses["fc2"], self.neurons["fc1"]
        size = x.shape[0] * x.shape[1] * first.linear.out_features
        known = size >= WIDE and can_run(x, first.linear.weight, neuron.surrogate)
        return known and not watched(first, second, neuron, counters=False) and mask_of(x) is None

    def _second_current(self, x):
        """The second layer's current, without the first one's current and spikes in memory."""
        first, second, neuron = self.synapses["fc1"], self.synapses["fc2"], self.neurons["fc1"]
        share = first.dropout.share if first.dropout.training else 0.0
        current, counts = wide_layer(x, first.weight(), first.linear.bias, second.weight(), neuron.constants(), share,
                                     signs=first.binarized)  # fmt: skip
        tell_counts(first, x)
        for module in (neuron, second):
            tell_counts(module, Counted((*x.shape[:2], len(counts)), lambda: counts))
        return second.dropout(current + second.linear.bias)


class MLP(nn.Module):
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
        names = [f"fc{i + 1}" for i in range(len(sizes) - 1)]
        shapes = zip(sizes, sizes[1:], strict=False)
        self.synapses = nn.ModuleDict(
            {name: Synapse(*shape, binarized) for name, shape in zip(names, shapes, strict=True)})
        self.neurons = nn.ModuleDict(dict(zip(names, neurons, strict=False)))
        self.readout = readout
        for synapse in self.synapses.values() if start == "kaiming" else ():
            nn.init.zeros_(synapse.linear.bias)
            if not binarized:
                nn.init.kaiming_uniform_(synapse.linear.weight, nonlinearity="linear")

    def forward(self, x):
        *hidden, last = self.synapses
        for name in hidden:
            x = self.neurons[name](self.synapses[name](x))
        return self.readout(self.synapses[last](x))
