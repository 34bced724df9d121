"""A net does the same, and the same is counted, whether a recorder is told of it or not."""

import pytest
import torch
from helpers.recorders import Tensors, plainly

from common import build
from common.bench.workloads.shd import random_events
from common.nets import mlp
from common.recurrence import lif_conv
from common.settings.resolution import completed
from common.training.monitor import Activity, synapses

NUM_STEPS, BATCH, SIDE = 6, 4, 20
COMMON = {"binarize": False, "dropout": 0.0, "surrogate": "fast_sigmoid", "slope": 5.0, "detach_reset": True}
ANNEALED = COMMON | {"beta": 0.9, "reset": "subtract"}
TIMES = {"dt_ms": 1.0, "tau_syn_ms": 20.0, "tau_mem_ms": 10.0}
CONFIGS = {
    "convnet": ANNEALED | {"channels": [4, 8], "thresholds": [0.5, 0.3, 0.1]},
    "tha_mlp": ANNEALED | {"hidden_sizes": [30, 20], "thresholds": [0.3, 0.2, 0.1], "dropout": [0.0] * 3,
                           "readout": "spikes"},
    "mlp": COMMON | TIMES | {"hidden_sizes": [30, 20], "neuron": "lif"},
    "mlp, recurrent": COMMON | TIMES | {"hidden_sizes": [30, 20], "neuron": "paralif", "spike": "t", "recurrent": True,
                                        "recurrent_spike": "spike"},
    "plifnet": COMMON | {"channels": 4, "num_layers": 2, "hidden_size": 16, "pool": "max", "tau": "layer",
                         "init_tau": 2.0},
    "resnet19": COMMON | {"channels": 4, "stem": 4, "hidden_size": 16, "readout": "spikes", "threshold": 0.4,
                          "beta": 0.25, "reset": "zero"},
}
INPUTS = ["static", "frames", "events"]
CASES = [(name, kind) for name in CONFIGS for kind in INPUTS if ("mlp" in name) == (kind == "events")]


@pytest.fixture(autouse=True)
def every_kernel(monkeypatch):
    """Whatever the sizes and the density of the spikes."""
    monkeypatch.setattr(mlp, "WIDE", 0)
    monkeypatch.setattr(lif_conv, "DENSITY", 1.0), monkeypatch.setattr(lif_conv, "CAPACITY", 1.0)


def made(name, kind, dtype):
    """A net in evaluation all of whose layers spike, and its input."""
    torch.manual_seed(0)
    shape = (50,) if kind == "events" else (1, SIDE, SIDE)
    net = build.net(completed(CONFIGS[name] | {"net": name.split(",")[0]}), shape, 3)
    if kind == "events":
        x = random_events(NUM_STEPS, BATCH, 50, 0.3)
    else:
        x = torch.rand(NUM_STEPS, BATCH, *shape, dtype=dtype)
        x = x[:1].expand_as(x) if kind == "static" else x
    with torch.no_grad():
        for parameter in net.to(dtype).synapses.parameters():
            parameter.abs_().mul_(2)
        for norm in (module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)):
            norm.bias.fill_(0.3)
        net(x), net(x)
    return net.eval(), x


@torch.no_grad()
def counted(net, x, activity):
    """The output and what is counted."""
    return net(x, activity), activity.layers(), activity.operations_per_sample(), activity.spike_counts


@pytest.mark.parametrize("name, kind", CASES)
def test_counting_changes_no_bit_of_the_output(name, kind):
    net, x = made(name, kind, torch.float32)
    output, layers, operations, _ = counted(net, x, Activity(net, operations=True))
    with torch.no_grad():
        assert torch.equal(output, net(x))
    assert list(layers) == list(net.neurons) and all(layer["firing_rate"] > 0 for layer in layers.values())
    assert operations["dense"] >= operations["effective_macs"] + operations["effective_acs"] > 0


@pytest.mark.parametrize("name, kind", CASES)
def test_spikes_and_counts_are_those_of_the_plain_layers(name, kind):
    net, x = made(name, kind, torch.float64)
    mine = counted(net, x, Activity(net, operations=True))
    theirs, seen = counted(net, x, plainly(Activity(net, operations=True))), Tensors()
    with torch.no_grad():
        assert torch.equal(net(x, seen), theirs[0])
    assert torch.equal(mine[0], theirs[0]) and mine[1:3] == theirs[1:3]
    assert list(seen.taken) and set(seen.taken) == set(synapses(net))
    for layer, spikes in seen.fired.items():
        assert torch.equal(mine[3][layer], spikes.sum((0, 1)).long()) and torch.equal(theirs[3][layer], mine[3][layer])
