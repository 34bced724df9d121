"""A small ResNet19 that fires, and images for it."""

import torch

from common import build
from common.settings.resolution import completed

CONFIG = {
    "net": "resnet19", "channels": 4, "stem": 4, "hidden_size": 16, "readout": "membrane", "binarize": False,
    "threshold": 0.4, "beta": 0.25, "reset": "zero", "detach_reset": False, "surrogate": "rectangle", "width": 0.5,
    "surrogate_center": "threshold",
}
BATCH, SIDE = 4, 12


def image(seed=0):
    return torch.randn(BATCH, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)).double()


def sequence(num_steps=2, seed=0):
    """Another image at each step."""
    return torch.stack([image(seed + k) for k in range(num_steps)])


def made(seed=0, **settings):
    """A net whose linear layers fire."""
    torch.manual_seed(seed)
    net = build.net(completed(CONFIG | settings), (1, SIDE, SIDE), 10).double()
    if not settings.get("binarize"):
        with torch.no_grad():
            for name in ("fc1", "fc2"):
                net.synapses[name][0].weight.mul_(6)
    return net
