"""The spiking convnet of the threshold-annealing experiments."""

import torch
from torch import nn
from torch.nn import functional as F

from common.kernels.event_conv import event_conv_pool
from common.layers.binary import BinaryConv2d, BinaryLinear, weight_of
from common.layers.flat import Flat
from common.layers.precision import autocast, check
from common.layers.step_norm import StepBatchNorm2d
from common.nets.spiking import SpikingNet
from common.neurons import LIF
from common.recurrence import lif_conv, norm_step_lif
from common.sequence import UNRECORDED, flat, full, is_static


class ConvNet(SpikingNet):
    """{C5-AP2-BN-LIF} x 2 - FC - dropout - LIF on [T, B, C, H, W]; returns output spikes [T, B, classes].

    channels: of the two convolutions, which have no bias.  beta, thresholds (initial, one for each of the three LIF
    layers), surrogate, reset: see common.neurons.LIF.  dropout: fraction of output currents dropped, anew at each step.
    batch_norm: False leaves BN out.  precision: see common.layers.precision.  ValueError if an image is too small or a
    list too short.
    Source: snn-tha@f9c0b51, mnist/Net.py; without BN dvs/Net.py (arXiv 2201.11915).
    """

    def __init__(self, in_shape, num_classes, channels, beta, thresholds, surrogate, dropout, binarize,
                 reset="subtract", batch_norm=True, precision="float32"):
        super().__init__()
        check(precision)
        self.precision = precision
        if len(channels) != 2 or len(thresholds) != 3:
            raise ValueError(f"convnet takes 2 channels and 3 thresholds, got {channels} and {thresholds}")
        first, second = channels
        height, width = (((side - 4) // 2 - 4) // 2 for side in in_shape[1:])
        if min(height, width) < 1:
            raise ValueError(f"convnet takes images of 16 x 16 at least, got {in_shape[1:]}")
        self.synapses["conv1"] = ConvPool(in_shape[0], first, binarize, batch_norm)
        self.synapses["conv2"] = ConvPool(first, second, binarize, batch_norm)
        linear = (BinaryLinear if binarize else nn.Linear)(second * height * width, num_classes)
        self.synapses["fc"] = FlatLinear(nn.Flatten(), linear, nn.Dropout(dropout))
        for name, theta in zip(self.synapses, thresholds, strict=True):
            self.neurons[name] = LIF(beta, theta, surrogate, reset)

    @autocast
    def forward(self, x, record=UNRECORDED):
        record.start(x)
        for name in self.synapses:
            x = self.spikes(name, x, record)
        return x


class ConvPool(nn.Module):
    """5 x 5 convolution, 2 x 2 average pool and, if asked for, batch norm on a sequence [T, B, C, H, W].

    Convolution and pool are one 6 x 6 convolution of stride 2.  A static sequence is computed once; the result is
    again static, and the norm's running statistics move as if every step were computed.
    """

    def __init__(self, in_channels, out_channels, binarized, batch_norm):
        super().__init__()
        self.conv = (BinaryConv2d if binarized else nn.Conv2d)(in_channels, out_channels, 5, bias=False)
        self.norm = StepBatchNorm2d(out_channels) if batch_norm else None

    def forward(self, x):
        if is_static(x):
            once = self.once(x)
            return once.expand(len(x), *once.shape)
        currents = self.currents(x)
        return currents if self.norm is None else self.norm(currents)

    def fused(self, x, neuron):
        """neuron(self(x)) of LIF neurons; of a static sequence StaticSpikes, if few enough neurons fire.

        None if no kernel knows the layer.
        """
        norm, constants = self.norm, neuron.constants()
        if is_static(x):
            once = self.once(x)
            known = lif_conv.can_run(once, neuron, self.conv.weight)
            spikes = lif_conv.static_spikes(once, len(x), constants) if known else None
            return neuron(once.expand(len(x), *once.shape)) if spikes is None else spikes
        if norm is None or not norm.training or not norm_step_lif.can_run(self.conv.weight, neuron):
            return None
        spikes, mean, variance = norm_step_lif.norm_lif(
            self.currents(x), norm.weight, norm.bias, norm.eps,
            constants.decay, constants.threshold, constants.surrogate, constants.reset)
        norm.move_statistics(mean, variance)
        return spikes

    def once(self, x):
        """The current [B, C, H, W] that is the same at every step of a static sequence."""
        current = self.conv_pool(x[0])
        return current if self.norm is None else self.norm.static(current, len(x))

    def currents(self, x):
        """Convolution and pool of a sequence or of StaticSpikes."""
        if isinstance(x, lif_conv.StaticSpikes):
            return x.conv_pool(weight_of(self.conv))
        return flat(self.conv_pool, x)

    def conv_pool(self, x):
        """Average-pooled convolution of x [N, C, H, W]."""
        current = event_conv_pool(x, weight_of(self.conv))
        return full(current.contiguous(memory_format=torch.channels_last))  # the CPU's fast layout


class FlatLinear(Flat):
    """nn.Flatten, a linear layer and dropout on every step of a sequence [T, B, C, H, W] whose channels lie last.

    The weight is brought into the order of the sequence, so that the sequence is not copied, nor is its gradient.
    """

    def forward(self, x):
        _, linear, dropout = self
        weight = weight_of(linear).unflatten(1, x.shape[2:]).permute(0, 2, 3, 1).flatten(1)  # [O, H W C]
        return dropout(flat(lambda x: F.linear(x, weight, linear.bias), x.permute(0, 1, 3, 4, 2).flatten(2)))
