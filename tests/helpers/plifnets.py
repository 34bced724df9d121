"""A small PLIFNet whose layers spike, and frames for it."""

import torch

from common import build
from common.layers.binary import BinaryLinear
from common.settings.resolution import completed

NUM_STEPS, BATCH = 8, 4
CONFIG = {
    "net": "plifnet", "tau": "neuron", "init_tau": 2.0, "tau_std": 0.1, "channels": 5, "num_layers": 2,
    "hidden_size": 16, "pool": "max", "surrogate": "atan", "alpha": 2.0, "learn_surrogate": False,
    "detach_reset": True, "dropout": 0.0, "binarize": False,
}


def lively(net):
    """Weights at which every layer spikes."""
    with torch.no_grad():
        for name, parameter in net.synapses.named_parameters():
            if "norm.bias" in name:
                parameter += 0.5
            elif "linear" in name and not isinstance(net.synapses["fc1"].linear, BinaryLinear):
                parameter.mul_(4).add_(8 / parameter.shape[1])
    return net


def made(in_shape=(2, 20, 22), num_classes=3, dtype=torch.float64, **settings):
    torch.manual_seed(1)
    return lively(build.net(completed(CONFIG | settings), in_shape, num_classes).to(dtype))


def frames(in_shape=(2, 20, 22), dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.poisson(torch.rand(NUM_STEPS, BATCH, *in_shape, generator=generator), generator=generator).to(dtype)
