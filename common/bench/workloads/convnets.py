"""W1 and W2: the convnets of threshold annealing; the peer is plain snntorch."""

import torch

from common.bench.peers.plain import SnntorchConvNet, SnntorchEventConvNet
from common.bench.workloads.step import training_step
from common.data.encode import constant_current
from common.nets.convnet import ConvNet
from common.surrogate import FastSigmoid
from common.training.losses import mse_count_loss
from common.training.monitor import Activity

BETA, SLOPE, THRESHOLDS = 0.99, 10.22, [11.666, 14.105, 0.6656]  # workload W1's


def _mnist_net():
    return ConvNet((1, 28, 28), 10, [16, 64], BETA, THRESHOLDS, FastSigmoid(SLOPE), 0.0, binarize=True)


def _images(batch_size):
    """Random ones, a fifth of whose pixels are not black."""
    return torch.rand(batch_size, 1, 28, 28) * (torch.rand(batch_size, 1, 28, 28) < 0.2)


def mnist_annealing(num_steps, batch_size):
    """W1: MNIST threshold annealing, the binarized convnet of mnist/conf.py without dropout."""
    image, target, ours = _images(batch_size), torch.arange(batch_size) % 10, _mnist_net()
    peer = SnntorchConvNet(num_steps, [16, 64], 1024, 10, BETA, SLOPE, THRESHOLDS, 0.0, binarize=True)
    peer.take_weights(ours)

    sequence = constant_current(image, num_steps)

    def stepper(net, x):
        return training_step(torch.optim.Adam(net.parameters(), 9.97e-3), lambda: mse_count_loss(net(x), target))

    return {"ours": stepper(ours, sequence), "peer": stepper(peer, image)}


def mnist_evaluation(num_steps, batch_size):
    """W1's net evaluated, firing rates and synaptic operations counted; the peer is the same with nobody counting."""
    net, sequence = _mnist_net(), constant_current(_images(batch_size), num_steps)
    with torch.no_grad():
        net(sequence)  # moves the running statistics, so that it spikes
    net.eval()

    @torch.no_grad()
    def step(*record):
        return net(sequence, *record)

    def counting():
        activity = Activity(net, operations=True)
        spikes = step(activity)
        assert activity.layers() and activity.operations_per_sample()
        return spikes

    return {"ours": counting, "peer": step}


def dvs_annealing(num_steps, batch_size):
    """W2: DVS Gesture threshold annealing, the binarized convnet of dvs_gesture/conf.py without dropout."""
    beta, slope, thresholds = 0.9297, 0.24, [10.4, 16.62, 6.81]
    frames = torch.poisson(0.3 * torch.rand(num_steps, batch_size, 2, 32, 32))
    target = torch.arange(batch_size) % 11
    ours = ConvNet((2, 32, 32), 11, [16, 32], beta, thresholds, FastSigmoid(slope), 0.0, binarize=True,
                   batch_norm=False)
    peer = SnntorchEventConvNet((2, 32, 32), 11, [16, 32], beta, slope, thresholds, binarize=True).take_weights(ours)

    def stepper(net):
        return training_step(torch.optim.Adam(net.parameters(), 1.765e-3), lambda: mse_count_loss(net(frames), target))

    return {"ours": stepper(ours), "peer": stepper(peer)}
