"""Fully connected spiking nets."""

from torch import nn

from common.binary import BinaryLinear
from common.neurons import LIF
from common.sequence import Flat


class ThaMLP(nn.Module):
    """FC-dropout-LIF, layer after layer, on a sequence [T, B, N]: the fully connected net of threshold annealing.

    sizes: of the input and of every layer, as [100, 1000, 1].  thresholds (initial), dropout (share of
    currents dropped, anew at each step): one for each layer.  beta, surrogate, reset: see
    common.neurons.LIF.  readout: what it returns of its last layer, [T, B, sizes[-1]]: "spikes", or
    "membrane", before the reset.  ValueError for a list of another length.
    Source: snn-tha@f9c0b51 (arXiv 2201.11915), SHD and the spike-timing task.
    """

    def __init__(self, sizes, beta, thresholds, surrogate, dropout, binarize, reset="subtract", readout="spikes"):
        super().__init__()
        num_layers = len(sizes) - 1
        if not len(thresholds) == len(dropout) == num_layers:
            raise ValueError(f"thresholds and dropout need a number for each of the {num_layers} layers, "
                             f"got {thresholds} and {dropout}")
        if readout not in ("spikes", "membrane"):
            raise ValueError(f"readout must be 'spikes' or 'membrane', got {readout!r}")
        self.readout = readout
        Linear = BinaryLinear if binarize else nn.Linear
        names = [f"fc{i + 1}" for i in range(num_layers)]
        self.synapses = nn.ModuleDict({
            name: Flat(Linear(*shape), nn.Dropout(share))
            for name, shape, share in zip(names, zip(sizes, sizes[1:], strict=False), dropout, strict=True)})
        self.neurons = nn.ModuleDict(
            {name: LIF(beta, theta, surrogate, reset) for name, theta in zip(names, thresholds, strict=True)})

    def forward(self, x):
        *hidden, last = self.synapses
        for name in hidden:
            x = self.neurons[name](self.synapses[name](x))
        current = self.synapses[last](x)
        if self.readout == "membrane":
            return self.neurons[last].trace(current)[1]
        return self.neurons[last](current)
