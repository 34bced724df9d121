"""The convnet of PLIF neurons."""

import torch
from torch import nn

from common.layers.binary import BinaryConv2d, BinaryLinear
from common.layers.precision import autocast, check
from common.layers.step_norm import StepBatchNorm2d
from common.nets.spiking import SpikingNet
from common.recurrence import norm_pool
from common.sequence import UNRECORDED, flat, full, is_static

POOLS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


class PLIFNet(SpikingNet):
    """{C3-BN-PLIF-P2} x num_layers - dropout - FC - PLIF - dropout - FC - PLIF - vote on [T, B, C, H, W].

    Returns [T, B, classes]: at each step the mean of a class's 10 output neurons.  No layer has a bias.
    neuron: a function that makes a layer of PLIF for the shape of a sample at one step, (C, H, W) or (N,).
    channels: of every convolution.  hidden_size: of the first FC.  pool: "max" | "average", of 2 x 2.
    dropout: fraction of each FC's inputs dropped, the same of a sample at every step.  binarize: weights in {-1, +1}.
    precision: see common.layers.precision.  ValueError for an image that num_layers pools would leave nothing of, or
    another pool.

    DVS Gesture: 5 layers, 512.  Static images: 2 layers, 2048, the first convolution and BN once on the image.
    Source: Fang et al. 2021 (arXiv 2007.05785); Anananas42/tu-delft-bsc-thesis-computer-science@f7b139b.
    """

    NUM_VOTERS = 10

    def __init__(self, in_shape, num_classes, neuron, channels=128, num_layers=5, hidden_size=512, pool="max",
                 dropout=0.5, binarize=False, precision="float32"):
        super().__init__()
        check(precision)
        self.precision = precision
        if pool not in POOLS:
            raise ValueError(f"pool must be 'max' or 'average', got {pool!r}")
        in_channels, *sides = in_shape
        if min(sides) < 2**num_layers:
            raise ValueError(f"num_layers={num_layers} halves an image of {sides[0]} x {sides[1]} to nothing; "
                             f"it needs {2**num_layers} x {2**num_layers} at least")
        self.pool = POOLS[pool](2)
        for k in range(num_layers):
            name = f"conv{k + 1}"
            self.synapses[name] = ConvNorm(channels if k else in_channels, channels, binarize)
            self.neurons[name] = neuron((channels, *sides))
            sides = [side // 2 for side in sides]
        sizes = [channels * sides[0] * sides[1], hidden_size, num_classes * self.NUM_VOTERS]
        for k, size in enumerate(sizes[1:]):
            name = f"fc{k + 1}"
            self.synapses[name] = DropoutLinear(sizes[k], size, dropout, binarize)
            self.neurons[name] = neuron((size,))

    @autocast
    def forward(self, x, record=UNRECORDED):
        record.start(x)
        for name in self.synapses:
            x = self.pooled(name, x, record) if name.startswith("conv") else self.spikes(name, x.flatten(2), record)
        return x.unflatten(-1, (-1, self.NUM_VOTERS)).mean(-1)

    def pooled(self, name, x, record):
        """Pooled spikes of a convolutional layer; while nothing records, by a fused kernel, which keeps no others."""
        unrecorded = record.needs == "nothing"
        pooled = self.synapses[name].fused_pool(x, self.neurons[name], self.pool) if unrecorded else None
        return flat(self.pool, self.spikes(name, x, record)) if pooled is None else pooled


class ConvNorm(nn.Module):
    """3 x 3 convolution, padded to keep the size, and batch norm of each step on a sequence [T, B, C, H, W].

    Of a static sequence both are computed once, on the image, and the running statistics move once.
    """

    def __init__(self, in_channels, out_channels, binarize=False):
        super().__init__()
        self.conv = (BinaryConv2d if binarize else nn.Conv2d)(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm = StepBatchNorm2d(out_channels)

    def forward(self, x):
        if is_static(x):
            once = self.norm.static(full(self.conv(x[0])), num_steps=1)
            return once.expand(len(x), *once.shape)
        return self.norm(self.currents(x))

    def currents(self, x):
        """The convolution, not normalised."""
        x, shape = x.flatten(0, 1).contiguous(memory_format=torch.channels_last), x.shape[:2]  # the CPU's fast layout
        return full(self.conv(x)).unflatten(0, shape)

    def fused_pool(self, x, neuron, pool):
        """pool(neuron(self(x))) while training, with no more in memory than the convolution and the pool's result.

        None if no kernel knows the layer.
        """
        norm = self.norm
        if not norm.training or is_static(x) or not norm_pool.can_run(x, neuron):
            return None
        spikes, mean, variance = norm_pool.norm_lif_pool(
            self.currents(x), norm.weight, norm.bias, norm.eps, *neuron.constants()[:4],
            average=isinstance(pool, nn.AvgPool2d))
        norm.move_statistics(mean, variance)
        return spikes


class DropoutLinear(nn.Module):
    """Dropout and a linear layer without bias on a sequence [T, B, N]; what is dropped stays so for all T.

    Source: SpikingJelly's `Dropout`.
    """

    def __init__(self, num_inputs, num_outputs, dropout, binarize=False):
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {dropout}")
        self.dropout = dropout
        self.linear = (BinaryLinear if binarize else nn.Linear)(num_inputs, num_outputs, bias=False)

    def forward(self, x):
        if self.training and self.dropout:
            x = x * torch.rand_like(x[0]).ge_(self.dropout).mul_(1 / (1 - self.dropout))
        return flat(self.linear, x)
