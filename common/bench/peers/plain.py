"""The experiments' nets written the usual way, step by step or by FFT: what bench and the tests compare with."""

import snntorch
import torch
from snntorch import surrogate
from torch import nn
from torch.nn import functional as F


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight):
        return weight.sign() + (weight == 0)

    @staticmethod
    def backward(ctx, grad):
        return grad


class SnntorchConvNet(nn.Module):
    """16C5-AP2-BN-Leaky-64C5-AP2-BN-Leaky-FC-dropout-Leaky; image [B, C, H, W] -> spikes [T, B, classes]."""

    def __init__(self, num_steps, channels, features, num_classes, beta, slope, thresholds, dropout, binarize):
        super().__init__()
        self.num_steps = num_steps
        self.quantize = Sign.apply if binarize else lambda weight: weight
        first, second = channels
        self.conv1 = nn.Conv2d(1, first, 5, bias=False)
        self.norm1 = nn.BatchNorm2d(first)
        self.conv2 = nn.Conv2d(first, second, 5, bias=False)
        self.norm2 = nn.BatchNorm2d(second)
        self.fc = nn.Linear(features, num_classes)
        self.dropout = nn.Dropout(dropout)
        spike = surrogate.fast_sigmoid(slope=slope)
        self.lif1, self.lif2, self.lif3 = (
            snntorch.Leaky(beta, threshold=theta, spike_grad=spike) for theta in thresholds)

    def forward(self, image):
        mem1, mem2, mem3 = self.lif1.init_leaky(), self.lif2.init_leaky(), self.lif3.init_leaky()
        spikes = []
        for _ in range(self.num_steps):
            x = self.norm1(F.avg_pool2d(F.conv2d(image, self.quantize(self.conv1.weight)), 2))
            spike, mem1 = self.lif1(x, mem1)
            x = self.norm2(F.avg_pool2d(F.conv2d(spike.to(x), self.quantize(self.conv2.weight)), 2))
            spike, mem2 = self.lif2(x, mem2)
            x = F.linear(spike.to(x).flatten(1), self.quantize(self.fc.weight), self.fc.bias)
            spike, mem3 = self.lif3(self.dropout(x), mem3)
            spikes.append(spike)
        return torch.stack(spikes)

    def take_weights(self, net):
        """Copy the weights and statistics of our ConvNet."""
        synapses = net.synapses
        for mine, theirs in (
            (self.conv1, synapses["conv1"].conv), (self.norm1, synapses["conv1"].norm),
            (self.conv2, synapses["conv2"].conv), (self.norm2, synapses["conv2"].norm), (self.fc, synapses["fc"][1]),
        ):
            mine.load_state_dict(theirs.state_dict())
        return self


class SnntorchMLP(nn.Module):
    """FC-Leaky, twice; sequence [T, B, N] -> membranes [T, B, K] of the second, or its spikes."""

    def __init__(self, sizes, beta, slope, thresholds, binarize, spikes=False):
        super().__init__()
        self.spikes = spikes
        self.quantize = Sign.apply if binarize else lambda weight: weight
        self.fc1, self.fc2 = (nn.Linear(*shape) for shape in zip(sizes, sizes[1:], strict=False))
        spike = surrogate.fast_sigmoid(slope=slope)
        self.lif1, self.lif2 = (snntorch.Leaky(beta, threshold=theta, spike_grad=spike) for theta in thresholds)

    def forward(self, sequence):
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        outputs = []
        for x in sequence:
            spike, mem1 = self.lif1(F.linear(x, self.quantize(self.fc1.weight), self.fc1.bias), mem1)
            spike, mem2 = self.lif2(F.linear(spike.to(x), self.quantize(self.fc2.weight), self.fc2.bias), mem2)
            outputs.append(spike if self.spikes else mem2)
        return torch.stack(outputs)

    def take_weights(self, net):
        """Copy the weights of our SpikingMLP."""
        for mine, theirs in ((self.fc1, "fc1"), (self.fc2, "fc2")):
            mine.load_state_dict(net.synapses[theirs].linear.state_dict())
        return self


class SpsnMLP(nn.Module):
    """Linear-neuron, layer after layer, then linear and leak, on a dense sequence [B, T, N] -> membranes [B, T, K].

    As SPSN's own code computes: its LIF is a loop that indexes each step of a tensor that needs a gradient, and its
    SPSN multiplies two decaying exponentials in the frequency domain, padded to 2 T (at which they wrap around).
    """

    def __init__(self, sizes, neuron, alpha, beta):
        super().__init__()
        self.alpha, self.beta = alpha, beta
        self.fire = {"lif": self.lif, "spsn_sb": self.spsn_sb}[neuron]
        self.leak = self.loop if neuron == "lif" else self.by_fft
        self.layers = nn.ModuleList(nn.Linear(*shape) for shape in zip(sizes, sizes[1:], strict=False))

    def forward(self, x):
        *hidden, last = self.layers
        for layer in hidden:
            x = self.fire(layer(x))
        return self.leak(last(x))

    def lif(self, current):
        return self.loop(current, fires=True)

    def loop(self, current, fires=False):
        syn = mem = torch.zeros_like(current[:, 0])
        spike_fn, outputs = surrogate.fast_sigmoid(slope=100), []
        for t in range(current.shape[1]):
            syn = self.alpha * syn + current[:, t]
            mem = self.beta * mem + (1 - self.beta) * syn
            spike = spike_fn(mem - 1)
            outputs.append(spike if fires else mem)
            mem = mem * (1 - spike.detach()) if fires else mem
        return torch.stack(outputs, 1)

    def by_fft(self, current):
        num_steps = current.shape[1]
        time = torch.arange(num_steps)
        filters = [self.alpha**time, (1 - self.beta) * self.beta**time]
        product = torch.fft.rfft(current, 2 * num_steps, dim=1)
        for values in filters:
            product = product * torch.fft.rfft(values, 2 * num_steps)[:, None]
        return torch.fft.irfft(product, 2 * num_steps, dim=1)[:, :num_steps]

    def spsn_sb(self, current):
        return _Bernoulli.apply(torch.sigmoid(self.by_fft(current)))

    def take_weights(self, net):
        """Copy the weights of our MLP."""
        for mine, theirs in zip(self.layers, net.synapses.values(), strict=True):
            mine.load_state_dict(theirs.linear.state_dict())
        return self


class _Bernoulli(torch.autograd.Function):
    @staticmethod
    def forward(ctx, probability):
        ctx.save_for_backward(probability)
        return torch.bernoulli(probability)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0]


class SnntorchEventConvNet(nn.Module):
    """16C5-AP2-Leaky-32C5-AP2-Leaky-FC-Leaky; frames [T, B, C, H, W] -> spikes [T, B, classes]."""

    def __init__(self, in_shape, num_classes, channels, beta, slope, thresholds, binarize):
        super().__init__()
        self.quantize = Sign.apply if binarize else lambda weight: weight
        first, second = channels
        features = [((side - 4) // 2 - 4) // 2 for side in in_shape[1:]]
        self.conv1 = nn.Conv2d(in_shape[0], first, 5, bias=False)
        self.conv2 = nn.Conv2d(first, second, 5, bias=False)
        self.fc = nn.Linear(second * features[0] * features[1], num_classes)
        spike = surrogate.fast_sigmoid(slope=slope)
        self.lif1, self.lif2, self.lif3 = (
            snntorch.Leaky(beta, threshold=theta, spike_grad=spike) for theta in thresholds)

    def forward(self, frames):
        mem1, mem2, mem3 = self.lif1.init_leaky(), self.lif2.init_leaky(), self.lif3.init_leaky()
        spikes = []
        for x in frames:
            spike, mem1 = self.lif1(F.avg_pool2d(F.conv2d(x, self.quantize(self.conv1.weight)), 2), mem1)
            spike, mem2 = self.lif2(F.avg_pool2d(F.conv2d(spike.to(x), self.quantize(self.conv2.weight)), 2), mem2)
            spike, mem3 = self.lif3(
                F.linear(spike.to(x).flatten(1), self.quantize(self.fc.weight), self.fc.bias), mem3)
            spikes.append(spike)
        return torch.stack(spikes)

    def take_weights(self, net):
        """Copy the weights of our ConvNet without batch norm."""
        for mine, theirs in ((self.conv1, net.synapses["conv1"].conv), (self.conv2, net.synapses["conv2"].conv),
                             (self.fc, net.synapses["fc"][1])):
            mine.load_state_dict(theirs.state_dict())
        return self
