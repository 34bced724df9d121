"""Layers with weights in {-1, +1}; the gradient passes straight through the sign.

Weights start Glorot-uniform within sqrt(1.5 / (fan_in + fan_out)), the bias at zero; the bias
stays real.  Source: snn-tha@f9c0b51 (Courbariaux et al. 2016).
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

ONE = torch.ones(())  # a tensor: 1 - 2 x with a number takes a second pass over the weights


def binarize(weight):
    """sign(weight) with sign(0) = +1; gradient of the identity."""
    signs = weight.clone()  # for autograd, the weight itself; its numbers are replaced in place
    negative = signs.detach().lt_(0)  # 1 or 0, in the memory of signs
    torch.sub(ONE, negative, alpha=2, out=negative)
    return signs


def weight_of(layer):
    """The weight that a layer computes with, binarized or not."""
    return binarize(layer.weight) if isinstance(layer, (BinaryLinear, BinaryConv2d)) else layer.weight


def _reset_parameters(layer):
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(layer.weight)
    bound = math.sqrt(1.5 / (fan_in + fan_out))
    nn.init.uniform_(layer.weight, -bound, bound)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class BinaryLinear(nn.Linear):
    """nn.Linear that computes with sign(weight)."""

    reset_parameters = _reset_parameters

    def forward(self, x):
        return F.linear(x, binarize(self.weight), self.bias)


class BinaryConv2d(nn.Conv2d):
    """nn.Conv2d that computes with sign(weight)."""

    reset_parameters = _reset_parameters

    def forward(self, x):
        return self._conv_forward(x, binarize(self.weight), self.bias)
