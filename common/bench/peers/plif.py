"""The PLIF paper's net as it is written with SpikingJelly: what bench and the tests compare PLIFNet with."""

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn


class JellyPLIFNet(nn.Module):
    """{C3-BN-PLIF-MP2} x num_layers - FC - PLIF - FC - PLIF - vote; frames [T, B, C, H, W] -> votes [T, B, classes].

    step_mode: "s", step by step, or "m", each layer on all steps, whose BN takes them together.  No dropout.
    """

    def __init__(self, in_shape, num_classes, channels, num_layers, hidden_size, step_mode):
        super().__init__()
        in_channels, height, width = in_shape
        layers = []
        for k in range(num_layers):
            layers += [layer.Conv2d(channels if k else in_channels, channels, 3, padding=1, bias=False),
                       layer.BatchNorm2d(channels), self.plif(), layer.MaxPool2d(2)]
        features = channels * (height >> num_layers) * (width >> num_layers)
        layers += [layer.Flatten(), layer.Linear(features, hidden_size, bias=False), self.plif(),
                   layer.Linear(hidden_size, 10 * num_classes, bias=False), self.plif(), layer.VotingLayer(10)]
        self.layers, self.step_mode = nn.Sequential(*layers), step_mode
        functional.set_step_mode(self.layers, step_mode)

    @staticmethod
    def plif():
        return neuron.ParametricLIFNode(2.0, detach_reset=True, surrogate_function=surrogate.ATan(2.0))

    def forward(self, frames):
        functional.reset_net(self.layers)
        if self.step_mode == "m":
            return self.layers(frames)
        return torch.stack([self.layers(step) for step in frames])

    def take_weights(self, net):
        """Copy the weights and statistics of our PLIFNet; tau is 2 in both."""
        kinds = nn.Conv2d, nn.BatchNorm2d, nn.Linear
        mine, theirs = ([x for x in side.modules() if isinstance(x, kinds)] for side in (self.layers, net.synapses))
        for target, source in zip(mine, theirs, strict=True):
            target.load_state_dict(source.state_dict())
        return self
