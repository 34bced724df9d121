"""What bench times: steps of ours and of a peer, from the same weights on the same data.

Each function returns {"ours": step, "peer": step}; a step is a callable that returns its spikes or its loss.
"""

import functools

import snntorch
import torch
from snntorch import surrogate
from torch.nn import functional as F

from common.data.events import EventBatch
from common.data.synthetic import bernoulli_train
from common.encode import constant_current
from common.losses import mse_count_loss, mse_membrane_loss, mse_rate_loss
from common.nets.convnet import ConvNet
from common.nets.mlp import MLP, ThaMLP
from common.nets.plifnet import PLIFNet
from common.neurons import LIF, PLIF, SPSN, LeakyIntegrator, SynapticLIF
from common.peers import SnntorchConvNet, SnntorchEventConvNet, SnntorchMLP, SpsnMLP
from common.surrogate import FastSigmoid
from common.workloads.resnet import resnet19, resnet19_bf16
from common.workloads.step import training_step


def lif_layer(num_steps=100, num_neurons=32768):
    """One LIF layer on a random current: forward and backward."""
    current = torch.rand(num_steps, 1, num_neurons, requires_grad=True)
    gradient = torch.randn_like(current)
    ours = LIF(0.9, 1.0, FastSigmoid(10.0))
    theirs = snntorch.Leaky(0.9, threshold=1.0, spike_grad=surrogate.fast_sigmoid(slope=10))

    def step_by_step(current):
        membrane, spikes = theirs.init_leaky(), []
        for x in current.unbind(0):
            spike, membrane = theirs(x, membrane)
            spikes.append(spike)
        return torch.stack(spikes)

    def stepper(layer):
        def step():
            current.grad = None
            spikes = layer(current)
            spikes.backward(gradient)
            return spikes.detach()

        return step

    return {"ours": stepper(ours), "peer": stepper(step_by_step)}


def mnist_annealing(num_steps=100, batch_size=128):
    """W1: MNIST threshold annealing, the binarized convnet of mnist/conf.py without dropout."""
    beta, slope, thresholds = 0.99, 10.22, [11.666, 14.105, 0.6656]
    image = torch.rand(batch_size, 1, 28, 28) * (torch.rand(batch_size, 1, 28, 28) < 0.2)
    target = torch.arange(batch_size) % 10
    ours = ConvNet((1, 28, 28), 10, [16, 64], beta, thresholds, FastSigmoid(slope), 0.0, binarize=True)
    peer = SnntorchConvNet(num_steps, [16, 64], 1024, 10, beta, slope, thresholds, 0.0, binarize=True)
    peer.take_weights(ours)

    sequence = constant_current(image, num_steps)

    def stepper(net, x):
        return training_step(torch.optim.Adam(net.parameters(), 9.97e-3), lambda: mse_count_loss(net(x), target))

    return {"ours": stepper(ours, sequence), "peer": stepper(peer, image)}


def spike_timing(num_steps=100, num_hidden=1000, num_iterations=10):
    """W7: iterations of temporal_coding/conf.py, annealed case, its threshold as at the start; the first one's loss.

    Several in a row, as they come while training: one of ours alone would mostly wait for what snntorch's pushed
    out of the caches.
    """
    sizes, beta, slope, thresholds = [100, num_hidden, 1], 0.15, 5.0, [5.0, 5.0]
    ours = ThaMLP(sizes, beta, thresholds, FastSigmoid(slope), [0.0, 0.0], binarized=True, readout="membrane")
    peer = SnntorchMLP(sizes, beta, slope, thresholds, binarize=True).take_weights(ours)
    sequence, target = bernoulli_train(num_steps, 100, seed=0)[:, None], torch.tensor([num_steps * 3 // 4])

    def stepper(net):
        optimizer = torch.optim.SGD(net.parameters(), 1e-3, 0.9)
        step = training_step(optimizer, lambda: mse_membrane_loss(net(sequence), target, on_target=55.0))
        return lambda: [step() for _ in range(num_iterations)][0]

    return {"ours": stepper(ours), "peer": stepper(peer)}


def shd_annealing(num_steps=333, batch_size=32, num_hidden=3000):
    """W3: SHD threshold annealing, 700-3000-20, binarized, on events of 1.5 % density, without dropout."""
    sizes, beta, slope, thresholds = [700, num_hidden, 20], 0.95, 0.257, [13.504, 11.20]
    ours = ThaMLP(sizes, beta, thresholds, FastSigmoid(slope), [0.0, 0.0], binarized=True)
    peer = SnntorchMLP(sizes, beta, slope, thresholds, binarize=True, spikes=True).take_weights(ours)
    events, target = random_events(num_steps, batch_size), torch.arange(batch_size) % 20

    def stepper(net, x):
        return training_step(torch.optim.Adam(net.parameters(), 6.54e-4), lambda: mse_count_loss(net(x), target))

    return {"ours": stepper(ours, events), "peer": stepper(peer, events.dense())}


def shd_neurons(neuron, num_steps, batch_size=64, hidden=(128, 128, 128)):
    """W4: SHD, 700-128-128-128-20 of LIF or SPSN-SB; the peer is SPSN's own way of computing."""
    sizes, times = [700, *hidden, 20], {"tau_syn": 0.02, "tau_mem": 0.02, "dt": 0.001}
    make = {"lif": lambda: SynapticLIF(**times, surrogate=FastSigmoid(100.0)), "spsn_sb": lambda: SPSN(**times)}[neuron]
    readout = LeakyIntegrator(**times)
    ours = MLP(sizes, [make() for _ in hidden], readout, binarized=False)
    peer = SpsnMLP(sizes, neuron, readout.alpha, readout.beta).take_weights(ours)
    events, target = random_events(num_steps, batch_size), torch.arange(batch_size) % 20

    def stepper(net, x, dim):
        optimizer = torch.optim.Adamax(net.parameters(), 1e-3)
        return training_step(optimizer, lambda: F.cross_entropy(net(x).mean(dim), target))

    return {"ours": stepper(ours, events, 0), "peer": stepper(peer, events.dense().transpose(0, 1).contiguous(), 1)}


def dvs_annealing(num_steps=100, batch_size=8):
    """W2: DVS Gesture threshold annealing, the binarized convnet of dvs_gesture/conf.py without dropout."""
    beta, slope, thresholds = 0.9297, 0.24, [10.4, 16.62, 6.81]
    frames = torch.poisson(0.3 * torch.rand(num_steps, batch_size, 2, 32, 32))
    target = torch.arange(batch_size) % 11
    ours = ConvNet((2, 32, 32), 11, [16, 32], beta, thresholds, FastSigmoid(slope), 0.0, binarize=True,
                   batch_norm=False)  # fmt: skip
    peer = SnntorchEventConvNet((2, 32, 32), 11, [16, 32], beta, slope, thresholds, binarize=True).take_weights(ours)

    def stepper(net):
        return training_step(torch.optim.Adam(net.parameters(), 1.765e-3), lambda: mse_count_loss(net(frames), target))

    return {"ours": stepper(ours), "peer": stepper(peer)}


def plif_net(step_mode, num_steps=20, batch_size=2, side=128, channels=128, num_layers=5, hidden_size=512):
    """W6: the PLIF net of dvs_gesture/conf.py without dropout; the peer is SpikingJelly's in this step mode."""
    from common.peers_plif import JellyPLIFNet  # SpikingJelly is needed for this alone

    shape, sizes = (2, side, side), {"channels": channels, "num_layers": num_layers, "hidden_size": hidden_size}
    frames = torch.poisson(0.3 * torch.rand(num_steps, batch_size, *shape))
    target = torch.arange(batch_size) % 11
    ours = PLIFNet(shape, 11, lambda _: PLIF(2.0), **sizes, dropout=0.0)
    for name in ("fc1", "fc2"):
        weight = ours.synapses[name].linear.weight.data
        weight.abs_().mul_(20 / weight.shape[1] ** 0.5)  # so that the outputs spike from the first step
    peer = JellyPLIFNet(shape, 11, **sizes, step_mode=step_mode).take_weights(ours)

    def stepper(net):
        return training_step(torch.optim.Adam(net.parameters(), 1e-3), lambda: mse_rate_loss(net(frames), target))

    return {"ours": stepper(ours), "peer": stepper(peer)}


def random_events(num_steps, batch_size, num_units=700, density=0.015):
    """An EventBatch of independent events."""
    rows, units = (torch.rand(num_steps * batch_size, num_units) < density).nonzero(as_tuple=True)
    row_starts = torch.zeros(num_steps * batch_size + 1, dtype=torch.int64)
    row_starts[1:] = rows.bincount(minlength=num_steps * batch_size).cumsum(0)
    return EventBatch((num_steps, batch_size, num_units), row_starts, units.int())


# name -> (function, sizes, a tiny case that loads every kernel)
WORKLOADS = {
    "LIF layer, T 100 × 32,768": (lif_layer, {}, {"num_steps": 2, "num_neurons": 8}),
    "MNIST annealing, B 128, T 100, binarized": (mnist_annealing, {}, {"num_steps": 2, "batch_size": 2}),
    "DVS annealing, B 8, T 100, 2×32×32, binarized": (dvs_annealing, {}, {"num_steps": 2, "batch_size": 2}),
    "spike timing 100-1000-1, T 100, binarized, 10 iterations": (
        spike_timing, {}, {"num_steps": 2, "num_hidden": 4, "num_iterations": 1}),
    "SHD annealing 700-3000-20, B 32, T 333, 1.5 % events": (
        shd_annealing, {}, {"num_steps": 2, "batch_size": 2, "num_hidden": 4}),
    **{f"SHD {neuron}, 700-128×3-20, B 64, T {num_steps}": (
        functools.partial(shd_neurons, neuron), {"num_steps": num_steps},
        {"num_steps": 2, "batch_size": 16, "hidden": (64,)})
       for neuron in ("lif", "spsn_sb") for num_steps in (100, 1000)},
    **{f"tdBN ResNet-19, B 64, T 2, {title}": (
        make, {"channels": channels}, {"num_steps": 2, "batch_size": 4, "channels": 4, "hidden_size": 8})
       for title, make, channels in (
           ("128 channels", resnet19, 128), ("32 channels", resnet19, 32),
           ("128 channels; bf16 beside float32", resnet19_bf16, 128))},
    **{f"PLIF net, B 2, T 20, 2×128×128, 128 channels; SpikingJelly {mode!r}": (
        functools.partial(plif_net, mode), {},
        {"num_steps": 2, "side": 16, "channels": 8, "num_layers": 2, "hidden_size": 32}) for mode in ("s", "m")},
}
