"""The tdBN ResNet-19 as direct-training-snn computes it: what bench and the tests compare ResNet19 with.

A sequence is [B, C, H, W, T], time last; every layer is a loop over the steps that fills a tensor of zeros, and
tdBN is written out in means and variances.
"""

import torch
from torch import nn


class Fire(torch.autograd.Function):
    """1 where u > theta; backwards 1 / (2 a) where |u - centre| < a."""

    @staticmethod
    def forward(ctx, u, theta, centre, a):
        ctx.save_for_backward(u)
        ctx.centre, ctx.a = centre, a
        return (u > theta).to(u.dtype)

    @staticmethod
    def backward(ctx, grad):
        (u,) = ctx.saved_tensors
        return grad * (abs(u - ctx.centre) < ctx.a).to(u.dtype) / (2 * ctx.a), None, None, None


class Stepwise(nn.Module):
    """A layer, called at each step, and what takes all steps after it."""

    def __init__(self, layer, norm=None):
        super().__init__()
        self.layer, self.norm = layer, norm

    def forward(self, x):
        first = self.layer(x[..., 0])
        out = torch.zeros(*first.shape, x.shape[-1], dtype=x.dtype)
        for t in range(x.shape[-1]):
            out[..., t] = self.layer(x[..., t])
        return out if self.norm is None else self.norm(out)


class WrittenOutNorm(nn.Module):
    def __init__(self, channels, scale):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("num_batches_tracked", torch.tensor(0))
        self.scale = scale

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3, 4)), x.var((0, 2, 3, 4), unbiased=False)
            self.num_batches_tracked += 1
            count = x.numel() / x.shape[1]
            with torch.no_grad():
                self.running_mean = 0.9 * self.running_mean + 0.1 * mean
                self.running_var = 0.9 * self.running_var + 0.1 * var * count / (count - 1)
        mean, var, weight, bias = (value.view(-1, 1, 1, 1) for value in (mean, var, self.weight, self.bias))
        return self.scale * (x - mean) / torch.sqrt(var + 1e-5) * weight + bias


class PlainResNet19(nn.Module):
    """image [B, C, H, W] -> the read-out at each step, [T, B, classes].

    centre: of the rectangle, in units of the membrane.  spikes: a last layer of neurons.
    """

    def __init__(self, num_steps, in_channels, num_classes, channels, stem, hidden_size, tau=0.25, theta=0.4, a=0.5,
                 centre=0.4, spikes=False):
        super().__init__()
        self.num_steps, self.tau, self.fire_at, self.ends_in_spikes = num_steps, tau, (theta, centre, a), spikes

        def conv_norm(before, after, size, stride=1, alpha=1.0):
            conv = nn.Conv2d(before, after, size, stride, size // 2, bias=False)
            return Stepwise(conv, WrittenOutNorm(after, alpha * theta))

        self.first, self.blocks, before = conv_norm(in_channels, stem, 3), nn.ModuleList(), stem
        for stage, num_blocks in enumerate((3, 3, 2)):
            after = channels << stage
            for k in range(num_blocks):
                stride = 2 if stage > 0 and k == 0 else 1
                layers = [conv_norm(before, after, 3, stride), conv_norm(after, after, 3, alpha=0.5**0.5)]
                if before != after:
                    layers.append(conv_norm(before, after, 1, stride, alpha=0.5**0.5))
                self.blocks.append(nn.ModuleList(layers))
                before = after
        self.fc1, self.fc2 = Stepwise(nn.Linear(before, hidden_size)), Stepwise(nn.Linear(hidden_size, num_classes))
        self.pool = Stepwise(nn.AdaptiveAvgPool2d(1))

    def spike(self, x):
        u, out = torch.zeros_like(x[..., 0]), torch.zeros_like(x)
        for t in range(x.shape[-1]):
            before = out[..., t - 1] if t else torch.zeros_like(u)
            u = self.tau * u * (1 - before) + x[..., t]
            out[..., t] = Fire.apply(u, *self.fire_at)
        return out

    def forward(self, image):
        x = image.unsqueeze(-1).expand(*image.shape, self.num_steps)
        x = self.spike(self.first(x))
        for first, second, *shortcut in self.blocks:
            current = second(self.spike(first(x)))
            x = self.spike(current + (shortcut[0](x) if shortcut else x))
        x = self.fc2(self.spike(self.fc1(self.pool(x).flatten(1, 3))))
        return (self.spike(x) if self.ends_in_spikes else x).movedim(-1, 0)

    def take_weights(self, net):
        """Copy the weights and statistics of our ResNet19 with float weights."""
        synapses = net.synapses
        pairs = [(self.first, synapses["conv1"])]
        for name, layers in zip(net.blocks, self.blocks, strict=True):
            parts = [synapses[f"{name}_{part}"] for part in ("conv1", "conv2", "shortcut")[: len(layers)]]
            pairs += zip(layers, parts, strict=True)
        for mine, theirs in pairs:
            mine.layer.load_state_dict(theirs.conv.state_dict())
            mine.norm.load_state_dict(theirs.norm.state_dict())
        for mine, theirs in ((self.fc1, "fc1"), (self.fc2, "fc2")):
            mine.layer.load_state_dict(synapses[theirs][0].state_dict())
        return self
