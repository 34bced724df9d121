"""What a network does while it runs: firing rates, silent and saturated neurons, synaptic operations.

Monitors hook the modules they are handed and are used as contexts:
    with Activity(net.neurons, net) as activity: ...run the net...
    activity.layers() -> {"conv1": {"firing_rate": .03, ...}, ...}
"""

import torch
from torch import nn
from torch.nn import functional as F

from common.kernels.active import ActiveCounter
from common.layers.binary import BinaryConv2d, BinaryLinear
from common.sequence import mask_of

FEW_LAYERS = 6  # so many fit beside each other, in a line or a figure, with their numbers


def spiking(net):
    """The layers of net.neurons that fire; a rectifier does not."""
    return {name: neuron for name, neuron in net.neurons.items() if hasattr(neuron, "trace")}


def synapses(net):
    """All that connects neurons: between the layers, and within those that are recurrent."""
    within = {f"{name}_recurrent": neuron.recurrent for name, neuron in net.neurons.items()
              if hasattr(neuron, "recurrent")}  # fmt: skip
    return {**net.synapses, **within}


class _Hooks:
    """Forward hooks on named modules that map sequence [T, B, ...] to sequence, for as long as a context lasts.

    net: whose input's mask says which steps are a sample's own; others do not count.  counter: shared by monitors that
    see the same sequences.
    """

    def __init__(self, modules, net=None, counter=None):
        self.modules, self.net, self.mask = dict(modules.items()), net, None
        self.counter = counter or ActiveCounter()
        self.counts = {}        # name -> events per neuron (or input) [...], summed over steps and samples
        self.num_samples = {name: 0 for name in self.modules}
        self.num_steps = {name: 0 for name in self.modules}  # of all samples together

    def __enter__(self):
        self.handles = []
        for name, module in self.modules.items():
            hook = self.hook(name)
            hook.takes_counts = True
            self.handles.append(module.register_forward_hook(hook))
        if self.net is not None:
            self.handles.append(self.net.register_forward_pre_hook(self.take_mask))
        return self

    def take_mask(self, net, inputs):
        self.mask = mask_of(inputs[0])

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()

    def add(self, name, x):
        """Add what is active in a sequence, or Counted; whether any of it is anything but -1, 0 or 1."""
        count, multiplies = self.counter(x, self.mask)
        self.counts[name] = self.counts.get(name, 0) + count
        self.num_samples[name] += x.shape[1]
        self.num_steps[name] += x.shape[0] * x.shape[1] if self.mask is None else self.mask.sum().item()
        return multiplies


class Activity(_Hooks):
    """Counts the spikes of each neuron, over all steps and samples."""

    def hook(self, name):
        def count_spikes(module, inputs, spikes):
            self.add(name, spikes)

        return count_spikes

    def layers(self):
        """Per layer: firing_rate (spikes per neuron and step), silent_share and saturated_share (of neurons
        that never and that always fired, in any step of any sample)."""
        return {name: self._layer(name, count) for name, count in self.counts.items()}

    def _layer(self, name, count):
        return {
            "firing_rate": count.double().mean().item() / self.num_steps[name],
            "silent_share": (count == 0).double().mean().item(),
            "saturated_share": (count == self.num_steps[name]).double().mean().item(),
        }


class Operations(_Hooks):
    """Counts synaptic operations from the inputs of each layer, in NeuroBench's terms.

    Dense: every connection at every step. Effective: those with an input and a weight other than 0,
    accumulates (acs) where all inputs are -1, 0 or 1, multiply-accumulates (macs) elsewhere. A static
    layer counts at every step, as on hardware that runs step by step; pools and norms do not count.
    Source: Yik et al. 2024 (arXiv 2304.04640).
    """

    def hook(self, name):
        def count_active(module, inputs, _):
            self.multiplies[name] = self.add(name, inputs[0]) | self.multiplies.get(name, False)

        return count_active

    def __enter__(self):
        self.multiplies = {}
        return super().__enter__()

    def per_sample(self, num_samples=None):
        """{"dense", "effective_macs", "effective_acs"}: mean operations per sample, over all its steps.

        num_samples: how many there were, if the net took each in several calls.
        """
        total = {"dense": 0.0, "effective_macs": 0.0, "effective_acs": 0.0}
        for name, count in self.counts.items():
            connection = next(m for m in self.modules[name].modules() if isinstance(m, (nn.Conv2d, nn.Linear)))
            binary = isinstance(connection, (BinaryConv2d, BinaryLinear))  # a weight of 0 computes as +1
            used = (torch.ones_like(connection.weight) if binary else connection.weight != 0).double()
            samples = num_samples or self.num_samples[name]
            active, num_steps = count.double() / samples, self.num_steps[name] / samples
            total["dense"] += num_steps * _fan_out(connection, torch.ones_like(active), torch.ones_like(used))
            kind = "effective_macs" if self.multiplies[name] else "effective_acs"
            total[kind] += _fan_out(connection, active, used)
        return total


def _fan_out(connection, active, used):
    """Products that inputs `active` [C, H, W] or [N] make with the weights marked in `used`."""
    if isinstance(connection, nn.Conv2d):
        return F.conv2d(active[None], used, None, connection.stride, connection.padding).sum().item()
    return F.linear(active.flatten(), used).sum().item()


def warnings(layers, limit=0.9):
    """{(layer, share): a line} for each layer of which more than `limit` never fires or always fires."""
    whats = {"silent_share": "never fire", "saturated_share": "fire at every step"}
    return {(name, key): f"{name}: {layer[key]:.0%} of the neurons {what}"
            for name, layer in layers.items() for key, what in whats.items() if layer[key] > limit}  # fmt: skip


@torch.no_grad()
def traces(net, sequence):
    """[(name, spikes [T, B, ...], membrane [T, B, ...], threshold of it or None)] of each layer on one sequence.

    Of the layers that have a membrane and are called; a read-out that is traced itself is not.
    """
    neurons = {name: neuron for name, neuron in net.neurons.items() if hasattr(neuron, "trace")}
    currents = {}

    def keep(name):
        return lambda module, inputs: currents.update({name: inputs[0]})

    handles = [neuron.register_forward_pre_hook(keep(name)) for name, neuron in neurons.items()]
    net.eval()
    try:
        net(sequence)
    finally:
        for handle in handles:
            handle.remove()
    return [(name, *neuron.trace(currents[name]), _threshold(neuron))
            for name, neuron in neurons.items() if name in currents]  # fmt: skip


def _threshold(neuron):
    """Of its membrane to fire, of several the mean; 1 if it keeps none, None if not the membrane itself decides."""
    threshold = getattr(neuron, "membrane_threshold", getattr(neuron, "threshold", 1.0))
    return threshold.mean().item() if isinstance(threshold, torch.Tensor) else threshold
