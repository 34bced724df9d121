"""What a network does while it runs: firing rates, silent and saturated neurons, synaptic operations, membranes.

    activity = Activity(net, operations=True)
    net(sequence, activity)
    activity.layers()                   {"conv1": {"firing_rate": .03, ...}, ...}
    activity.operations_per_sample()    {"dense": 1e6, ...}
"""

import weakref

import torch
from torch import nn
from torch.nn import functional as F

from common.kernels.active import count_active
from common.layers.binary import BinaryConv2d, BinaryLinear
from common.sequence import Recorder, mask_of

FEW_LAYERS = 6  # at most so many are shown one by one, in a line or a figure


def spiking(net):
    """The layers of net.neurons that fire; a rectifier does not."""
    return {name: neuron for name, neuron in net.neurons.items() if hasattr(neuron, "trace")}


def synapses(net):
    """All that connects neurons: between the layers, and within those that are recurrent."""
    within = {f"{name}_recurrent": neuron.recurrent for name, neuron in net.neurons.items()
              if hasattr(neuron, "recurrent")}
    return {**net.synapses, **within}


class Activity(Recorder):
    """Counts the spikes of each neuron and, if asked for, the synaptic operations, over all steps and samples.

    A step that is not a sample's own, by the mask of the net's input, does not count.
    """

    needs = "counts"

    def __init__(self, net, operations=False):
        self.net, self.operations, self.spiking = net, operations, spiking(net)
        self.spike_counts, self.input_counts = {}, {}  # {layer: how often each neuron fired, or input was active}
        self.multiplies = {}  # {connection: whether it takes anything but -1, 0 or 1}
        self.num_samples = self.num_steps = 0  # num_steps: of all samples together
        self.mask, self.last = None, None

    def start(self, sequence):
        self.mask, self.last = mask_of(sequence), None
        self.num_samples += sequence.shape[1]
        self.num_steps += sequence.shape[0] * sequence.shape[1] if self.mask is None else self.mask.sum().item()

    def spikes(self, name, spikes):
        if name in self.spiking:
            self.spike_counts[name] = self.spike_counts.get(name, 0) + self._count(spikes)[0]

    def inputs(self, name, x):
        if self.operations:
            counts, multiplies = self._count(x)
            self.input_counts[name] = self.input_counts.get(name, 0) + counts
            self.multiplies[name] = multiplies or self.multiplies.get(name, False)

    def _count(self, x):
        """count_active, once of spikes that are told again as the next connection's inputs."""
        if self.last is None or self.last[0]() is not x:
            self.last = weakref.ref(x), count_active(x, self.mask)
        return self.last[1]

    def layers(self):
        """Per layer: firing_rate (spikes per neuron and step), silent_share and saturated_share (of neurons
        that never and that always fired, in any step of any sample)."""
        found = {name: counts.cpu() for name, counts in self.spike_counts.items()}  # mps has no float64
        return {name: {
            "firing_rate": counts.double().mean().item() / self.num_steps,
            "silent_share": (counts == 0).double().mean().item(),
            "saturated_share": (counts == self.num_steps).double().mean().item(),
        } for name, counts in found.items()}

    def operations_per_sample(self, num_samples=None):
        """{"dense", "effective_macs", "effective_acs"}: mean synaptic operations per sample, in NeuroBench's terms.

        Dense: every connection at every step. Effective: those with an input and a weight other than 0,
        accumulates (acs) where all inputs are -1, 0 or 1, multiply-accumulates (macs) elsewhere. A static
        layer counts at every step, as on hardware that runs step by step; pools and norms do not count.
        num_samples: how many there were, if the net took each in several calls.
        Source: Yik et al. 2024 (arXiv 2304.04640).
        """
        assert self.operations, "only what is asked for is counted"
        samples, modules = num_samples or self.num_samples, synapses(self.net)
        total = {"dense": 0.0, "effective_macs": 0.0, "effective_acs": 0.0}
        for name, counts in self.input_counts.items():
            connection = next(m for m in modules[name].modules() if isinstance(m, (nn.Conv2d, nn.Linear)))
            binary = isinstance(connection, (BinaryConv2d, BinaryLinear))  # a weight of 0 computes as +1
            used = (torch.ones_like(connection.weight) if binary else connection.weight != 0).cpu().double()
            active = counts.cpu().double() / samples
            total["dense"] += self.num_steps / samples * _fan_out(
                connection, torch.ones_like(active), torch.ones_like(used))
            kind = "effective_macs" if self.multiplies[name] else "effective_acs"
            total[kind] += _fan_out(connection, active, used)
        return total


def _fan_out(connection, active, used):
    """Products that inputs `active` [C, H, W] or [N] make with the weights marked in `used`."""
    if isinstance(connection, nn.Conv2d):
        return F.conv2d(active[None], used, None, connection.stride, connection.padding).sum().item()
    return F.linear(active.flatten(), used).sum().item()


def warnings(layers, limit=0.9):
    """{(layer, key): a line} for each layer of which more than `limit` never fires or always fires."""
    whats = {"silent_share": "never fire", "saturated_share": "fire at every step"}
    return {(name, key): f"{name}: {layer[key]:.0%} of the neurons {what}"
            for name, layer in layers.items() for key, what in whats.items() if layer[key] > limit}


class _Currents(Recorder):
    """Keeps what each layer of neurons takes."""

    needs = "tensors"

    def __init__(self):
        self.currents = {}

    def run(self, name, neuron, current):
        self.currents[name] = current
        return super().run(name, neuron, current)


@torch.no_grad()
def traces(net, sequence):
    """[(name, spikes [T, B, ...], membrane [T, B, ...], threshold or None)] of each layer on one sequence.

    Layers without a membrane are left out, and so is the last one of a net that returns its membrane.
    """
    record = _Currents()
    net.eval()(sequence, record)
    return [(name, *neuron.trace(record.currents[name]), _threshold(neuron))
            for name, neuron in spiking(net).items() if name in record.currents]


def _threshold(neuron):
    """Firing threshold on the membrane (mean over neurons); None if there is none, or another value is compared."""
    threshold = getattr(neuron, "membrane_threshold" if hasattr(neuron, "membrane_threshold") else "threshold", None)
    return threshold.mean().item() if isinstance(threshold, torch.Tensor) else threshold
