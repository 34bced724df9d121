"""What bench times: steps of ours and of a peer of common/bench/peers, from the same weights on the same data.

A workload's function takes its sizes and returns {"ours": step, "peer": step}; a step is a callable that returns
its spikes or its loss.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from common.bench.workloads import counts
from common.bench.workloads.convnets import dvs_annealing, mnist_annealing, mnist_evaluation
from common.bench.workloads.lif_layer import lif_layer
from common.bench.workloads.linear_lif import linear_lif
from common.bench.workloads.plif import plif_net
from common.bench.workloads.resnet import resnet19, resnet19_bf16
from common.bench.workloads.shd import shd_annealing, shd_neurons
from common.bench.workloads.spike_timing import spike_timing


class Workload(NamedTuple):
    """steps: of the sizes, {"ours": step, "peer": step}.  count: of the sizes, a counts.Count.

    quick: sizes that differ in a quick look.  tiny: those that differ in a case that just loads every kernel.
    precision: in which ours multiplies.
    """

    steps: Callable
    count: Callable
    sizes: dict
    quick: dict
    tiny: dict
    precision: str = "float32"


RESNET = {"num_steps": 2, "batch_size": 64, "channels": 128, "hidden_size": 256}
TINY_RESNET = {"batch_size": 4, "channels": 4, "hidden_size": 8}
PLIF_NET = {"num_steps": 20, "batch_size": 2, "side": 128, "channels": 128, "num_layers": 5, "hidden_size": 512}
PEERS = {"snntorch": "snntorch", "jelly_m": "SpikingJelly 'm'", "jelly_s": "SpikingJelly 's'"}

WORKLOADS = {
    "LIF layer, T 100 × 32,768": Workload(
        lif_layer, counts.lif_layer,
        {"num_steps": 100, "num_neurons": 32768}, {}, {"num_steps": 2, "num_neurons": 8}),
    "W1 MNIST annealing, B 128, T 100, binarized": Workload(
        mnist_annealing, counts.mnist_annealing,
        {"num_steps": 100, "batch_size": 128}, {"batch_size": 32}, {"num_steps": 2, "batch_size": 2}),
    "W1 evaluation: rates and operations counted beside not": Workload(
        mnist_evaluation, partial(counts.mnist_annealing, of=counts.forward),
        {"num_steps": 100, "batch_size": 128}, {"batch_size": 32}, {"num_steps": 2, "batch_size": 2}),
    "W2 DVS annealing, B 8, T 100, 2×32×32, binarized": Workload(
        dvs_annealing, counts.dvs_annealing,
        {"num_steps": 100, "batch_size": 8}, {}, {"num_steps": 2, "batch_size": 2}),
    "W3 SHD annealing 700-3000-20, B 32, T 333, 1.5 % events": Workload(
        shd_annealing, counts.shd_annealing,
        {"num_steps": 333, "batch_size": 32, "num_hidden": 3000}, {"num_steps": 100},
        {"num_steps": 2, "batch_size": 2, "num_hidden": 4}),
    **{f"W4 SHD {neuron}, 700-128×3-20, B 64, T {num_steps}": Workload(
        partial(shd_neurons, neuron), counts.shd_neurons,
        {"num_steps": num_steps, "batch_size": 64, "hidden": (128, 128, 128)},
        {"num_steps": 300} if num_steps > 300 else {}, {"num_steps": 2, "batch_size": 16, "hidden": (64,)})
       for neuron in ("lif", "spsn_sb") for num_steps in (100, 1000)},
    **{f"W5 tdBN ResNet-19, B 64, T 2, {channels} channels": Workload(
        resnet19, counts.resnet19, RESNET | {"channels": channels}, {"batch_size": batch_size}, TINY_RESNET)
       for channels, batch_size in ((128, 4), (32, 16))},
    "W5 tdBN ResNet-19, B 64, T 2, 128 channels; bf16 beside float32": Workload(
        resnet19_bf16, counts.resnet19, RESNET, {"batch_size": 4}, TINY_RESNET, "bf16"),
    **{f"W6 PLIF net, B 2, T 20, 2×128×128, 128 channels; SpikingJelly {mode!r}": Workload(
        partial(plif_net, mode), counts.plif_net, PLIF_NET, {"side": 64},
        {"num_steps": 2, "side": 16, "channels": 8, "num_layers": 2, "hidden_size": 32}) for mode in ("s", "m")},
    "W7 spike timing 100-1000-1, T 100, binarized, 10 iterations": Workload(
        spike_timing, counts.spike_timing,
        {"num_steps": 100, "num_hidden": 1000, "num_iterations": 10}, {},
        {"num_steps": 2, "num_hidden": 4, "num_iterations": 1}),
    **{f"W8 linear 512-512 and LIF, B 16, T 500, {title}; {PEERS[peer]}": Workload(
        partial(linear_lif, peer, density), partial(counts.linear_lif, density),
        {"num_steps": 500, "batch_size": 16, "size": 512}, {}, {"num_steps": 2, "batch_size": 2, "size": 8})
       for density, title in ((1.0, "dense"), (0.1, "10 % spikes")) for peer in PEERS},
}
