"""The spiking ResNet of 19 layers."""

import math

import torch
from torch import nn

from common.layers.binary import BinaryConv2d, BinaryLinear
from common.layers.flat import Flat
from common.layers.precision import autocast, check
from common.layers.tdbn import TDBatchNorm2d
from common.nets.spiking import SpikingNet
from common.recurrence import norm_lif
from common.sequence import UNRECORDED, flat, full, is_static

NUM_BLOCKS = (3, 3, 2)  # blocks of each stage, which has twice the channels of the one before, and half the side


class ResNet19(SpikingNet):
    """C3-tdBN-LIF - 8 blocks - global average - FC-LIF - FC on [T, B, C, H, W]; returns [T, B, classes].

    A block: C3-tdBN-LIF-C3-tdBN, + shortcut, LIF; the shortcut is C1-tdBN where the shape changes, else its input.
    No convolution has a bias.  neuron: a function without arguments that makes a layer of neurons.  threshold: their
    initial theta, for tdBN.  channels: of the first stage's convolutions.  stem: channels of the first convolution.
    hidden_size: of the first FC.  readout: what the net returns, "membrane": the current of the second FC, behind which
    no neurons integrate it, or "spikes": those of neurons behind it.
    binarize: weights in {-1, +1}.  precision: see common.layers.precision.  ValueError for another read-out.
    Source: Zheng et al. 2020 (arXiv 2011.05280); stem of 64 and a spiking read-out, as its convolutions' start,
    Kaiming normal by fan-out: nguyenhongson1902/direct-training-snn@eef1f9e.
    """

    def __init__(self, in_shape, num_classes, neuron, threshold, channels=128, stem=128, hidden_size=256,
                 readout="membrane", binarize=False, precision="float32"):
        super().__init__()
        if readout not in ("spikes", "membrane"):
            raise ValueError(f"readout must be 'spikes' or 'membrane', got {readout!r}")
        check(precision)
        self.readout, self.precision = readout, precision

        def connect(name, *shape, **options):
            self.synapses[name] = ConvTDNorm(*shape, threshold, binarize, **options)

        connect("conv1", in_shape[0], stem)
        before, self.blocks = stem, []
        for stage, num_blocks in enumerate(NUM_BLOCKS):
            width = channels * 2**stage
            for k in range(num_blocks):
                stride, name = 2 if stage and not k else 1, f"block{len(self.blocks) + 1}"
                connect(f"{name}_conv1", before, width, stride=stride)
                connect(f"{name}_conv2", width, width, alpha=1 / math.sqrt(2))
                if stride > 1 or before != width:
                    connect(f"{name}_shortcut", before, width, size=1, stride=stride, alpha=1 / math.sqrt(2))
                before = width
                self.blocks.append(name)
        Linear = BinaryLinear if binarize else nn.Linear
        self.synapses["fc1"] = Flat(Linear(before, hidden_size))
        self.synapses["fc2"] = Flat(Linear(hidden_size, num_classes))
        for name in self.synapses:
            if not name.endswith("shortcut") and (name != "fc2" or readout == "spikes"):
                self.neurons[name] = neuron()

    @autocast
    def forward(self, x, record=UNRECORDED):
        record.start(x)
        x = self.spikes("conv1", x, record)
        for name in self.blocks:
            shortcut = f"{name}_shortcut"
            shortcut = self.current(shortcut, x, record) if shortcut in self.synapses else x
            x = self.spikes(f"{name}_conv1", x, record)
            x = self.spikes(f"{name}_conv2", x, record, shortcut)
        x = self.spikes("fc1", x.mean((-2, -1)), record)
        return (self.spikes if self.readout == "spikes" else self.current)("fc2", x, record)


class ConvTDNorm(nn.Module):
    """Convolution, padded to keep the size but for its stride, and tdBN on a sequence [T, B, C, H, W].

    Both are computed once if it is static.  alpha: see TDBatchNorm2d.
    """

    def __init__(self, in_channels, out_channels, threshold, binarize, size=3, stride=1, alpha=1.0):
        super().__init__()
        shape = in_channels, out_channels, size, stride, size // 2
        self.conv = (BinaryConv2d if binarize else nn.Conv2d)(*shape, bias=False)
        self.norm = TDBatchNorm2d(out_channels, threshold, alpha)
        if not binarize:
            nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        return self.norm(flat(self.currents, x))

    def currents(self, x):
        """The convolution of x [N, C, H, W], not normalised."""
        return full(self.conv(x.contiguous(memory_format=torch.channels_last)))  # the CPU's fast layout

    def fused(self, x, neuron, shortcut=None):
        """neuron(self(x) + shortcut) while training, with no more in memory than the convolution and the spikes.

        None if no kernel knows the layer.
        """
        norm, constants = self.norm, neuron.constants()
        if not norm.training or is_static(x) or not norm_lif.can_run(x, neuron):
            return None
        spikes, mean, variance = norm_lif.norm_lif(
            flat(self.currents, x), shortcut, norm.scale, norm.bias, norm.eps,
            constants.decay, constants.threshold, constants.surrogate, constants.detach_reset)
        norm.move_statistics(mean, variance)
        return spikes
