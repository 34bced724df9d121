"""The spiking convnet of the threshold-annealing experiments."""

import torch
from torch import nn
from torch.nn import functional as F

from common.kernels import compiled, norm_step
from common.kernels.event_conv import event_conv_pool
from common.layers.binary import BinaryConv2d, BinaryLinear, binarize
from common.layers.flat import Flat
from common.layers.precision import autocast, check
from common.neurons import LIF
from common.recurrence import lif_conv, norm_step_lif
from common.sequence import flat, full, is_static, tell_counts, watched


class ConvNet(nn.Module):
    """16C5-AP2-BN-LIF-64C5-AP2-BN-LIF-FC-dropout-LIF on [T, B, C, H, W]; returns output spikes [T, B, classes].

    channels: of the convolutions, which have no bias.  beta, thresholds (initial, one for each of the three
    LIF layers), surrogate, reset: see common.neurons.LIF.  dropout: share of output currents dropped, anew at
    each step.  batch_norm: False leaves BN out.  precision: see common.layers.precision.  ValueError if an image is too
    small or a list too short.
    Source: snn-tha@f9c0b51, mnist/Net.py; without BN dvs/Net.py (arXiv 2201.11915).
    """

    def __init__(self, in_shape, num_classes, channels, beta, thresholds, surrogate, dropout, binarize,
                 reset="subtract", batch_norm=True, precision="float32"):  # fmt: skip
        super().__init__()
        check(precision)
        self.precision = precision
        if len(channels) != 2 or len(thresholds) != 3:
            raise ValueError(f"convnet takes 2 channels and 3 thresholds, got {channels} and {thresholds}")
        first, second = channels
        height, width = (((side - 4) // 2 - 4) // 2 for side in in_shape[1:])
        if min(height, width) < 1:
            raise ValueError(f"convnet takes images of 16 x 16 at least, got {in_shape[1:]}")
        Linear = BinaryLinear if binarize else nn.Linear
        Conv = ConvPoolNorm if batch_norm else ConvPool
        self.synapses = nn.ModuleDict({
            "conv1": Conv(in_shape[0], first, binarize),
            "conv2": Conv(first, second, binarize),
            "fc": FlatLinear(nn.Flatten(), Linear(second * height * width, num_classes), nn.Dropout(dropout)),
        })
        self.neurons = nn.ModuleDict(
            {name: LIF(beta, theta, surrogate, reset) for name, theta in zip(self.synapses, thresholds, strict=True)})

    @autocast
    def forward(self, x):
        conv1, conv2, fc = self.synapses.values()
        first, second, last = self.neurons.values()
        if watched(conv1, first, conv2, second, counters=False):
            return last(fc(second(conv2(first(conv1(x))))))
        tell_counts(conv1, x)
        if is_static(x):
            x, spikes = conv2.after(conv1.once(x), len(x), first)
        else:
            spikes = conv1.spikes(conv1.currents(x), first)
            x = conv2.currents(spikes)
        tell_counts(conv2, spikes)
        return last(fc(conv2.spikes(x, second)))


class ConvPool(nn.Module):
    """5 x 5 convolution and 2 x 2 average pool on a sequence [T, B, C, H, W], as one 6 x 6 convolution of stride 2.

    A static sequence is computed once; the result is again static.
    """

    def __init__(self, in_channels, out_channels, binarized):
        super().__init__()
        self.binarized = binarized
        self.conv = (BinaryConv2d if binarized else nn.Conv2d)(in_channels, out_channels, 5, bias=False)

    def forward(self, x):
        if is_static(x):
            once = self.once(x)
            return once.expand(len(x), *once.shape)
        return self.normalised(self.currents(x))

    def once(self, x):
        """The result [B, C, H, W] of every step of a static sequence."""
        return self.conv_pool(x[0])

    def currents(self, x):
        """Of a sequence, not normalised."""
        return flat(self.conv_pool, x)

    def conv_pool(self, x):
        """Average-pooled convolution of x [N, C, H, W]."""
        current = event_conv_pool(x, self.weight())
        return full(current.contiguous(memory_format=torch.channels_last))  # the CPU's fast layout

    def weight(self):
        return binarize(self.conv.weight) if self.binarized else self.conv.weight

    def after(self, once, num_steps, neuron):
        """(self.currents(spikes), spikes or Counted) of the neuron for a current `once` [B, C, H, W] of every step."""
        weight = self.weight()
        if lif_conv.can_run(once, neuron, weight):
            beta, _, threshold, surrogate, reset, _ = neuron.constants()
            result = lif_conv.lif_conv_pool(once, num_steps, weight, beta, threshold, surrogate, reset)
            if result is not None:
                tell_counts(neuron, result[1])
                return result
        spikes = neuron(once.expand(num_steps, *once.shape))
        return self.currents(spikes), spikes

    def normalised(self, current):
        return current

    def spikes(self, current, neuron):
        """neuron(self.normalised(current))."""
        return neuron(self.normalised(current))


class ConvPoolNorm(ConvPool):
    """The same and batch norm.

    While training, each step is normalised by its own statistics over [B, H, W], and the running statistics
    move once per step, as if the layer were called T times.
    """

    def __init__(self, in_channels, out_channels, binarized):
        super().__init__(in_channels, out_channels, binarized)
        self.norm = nn.BatchNorm2d(out_channels)

    def once(self, x):
        return norm_static(self.norm, super().once(x), len(x))

    def normalised(self, current):
        return flat(lambda x: norm_per_step(self.norm, x, len(current)), current)

    def spikes(self, current, neuron):
        if not self.norm.training or not norm_step_lif.can_run(current, neuron):
            return super().spikes(current, neuron)
        beta, _, threshold, surrogate, reset, _ = neuron.constants()
        spikes, mean, variance = norm_step_lif.norm_lif(
            current, self.norm.weight, self.norm.bias, self.norm.eps, beta, threshold, surrogate, reset)
        move_statistics(self.norm, mean, variance)
        tell_counts(neuron, spikes)
        return spikes


class FlatLinear(Flat):
    """nn.Flatten, a linear layer and dropout on every step of a sequence [T, B, C, H, W] whose channels lie last.

    The weight is brought into the order of the sequence, so that the sequence is not copied, nor is its gradient.
    """

    def forward(self, x):
        _, linear, dropout = self
        weight = binarize(linear.weight) if isinstance(linear, BinaryLinear) else linear.weight
        weight = weight.unflatten(1, x.shape[2:]).permute(0, 2, 3, 1).flatten(1)  # [O, H W C]
        return flat(lambda x: dropout(F.linear(x, weight, linear.bias)), x.permute(0, 1, 3, 4, 2).flatten(2))


def norm_per_step(norm, x, num_steps):
    """Batch norm of x [T·B, C, H, W], each step on its own, as T calls on [B, C, H, W]; compiled on the CPU."""
    if not norm.training:
        return norm(x)
    if not compiled.can_run(x):
        return torch.cat([norm(step) for step in x.split(len(x) // num_steps)])
    steps = x.unflatten(0, (num_steps, -1))
    out, mean, variance = norm_step.norm_steps(steps, norm.weight, norm.bias, norm.eps)
    move_statistics(norm, mean, variance)
    return out.flatten(0, 1)


@torch.no_grad()
def move_statistics(norm, mean, variance):
    """The running statistics after steps of these mean and variance [T, C]: as nn.BatchNorm2d, called T times."""
    num_steps = len(mean)
    kept = (1 - norm.momentum) ** torch.arange(num_steps - 1, -1, -1, dtype=mean.dtype, device=mean.device)[:, None]
    for running, values in ((norm.running_mean, mean), (norm.running_var, variance)):
        running.mul_((1 - norm.momentum) ** num_steps).add_((norm.momentum * kept * values).sum(0))
    norm.num_batches_tracked += num_steps


def norm_static(norm, x, num_steps):
    """Batch norm of x [B, C, H, W], the running statistics moved as by `num_steps` calls on the same x."""
    if not norm.training:
        return norm(x)
    out, mean, variance = norm_step.norm_batch(x, norm.weight, norm.bias, norm.eps)
    move_statistics(norm, mean.expand(num_steps, -1), variance.expand(num_steps, -1))
    return out
