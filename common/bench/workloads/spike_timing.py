"""W7: the spike-timing task; the peer is plain snntorch."""

import torch

from common.bench.peers.plain import SnntorchMLP
from common.bench.workloads.step import training_step
from common.data.synthetic import bernoulli_train
from common.nets.mlp import SpikingMLP
from common.surrogate import FastSigmoid
from common.training.losses import mse_membrane_loss


def spike_timing(num_steps, num_hidden, num_iterations):
    """W7: iterations of temporal_coding/conf.py, annealed case, its threshold as at the start; the first one's loss.

    Several in a row, as they come while training: one of ours alone would mostly wait for what snntorch's pushed
    out of the caches.
    """
    sizes, beta, slope, thresholds = [100, num_hidden, 1], 0.15, 5.0, [5.0, 5.0]
    ours = SpikingMLP(sizes, beta, thresholds, FastSigmoid(slope), [0.0, 0.0], binarized=True, readout="membrane")
    peer = SnntorchMLP(sizes, beta, slope, thresholds, binarize=True).take_weights(ours)
    sequence, target = bernoulli_train(num_steps, 100, seed=0)[:, None], torch.tensor([num_steps * 3 // 4])

    def stepper(net, **options):
        optimizer = torch.optim.SGD(net.parameters(), 1e-3, 0.9, **options)
        step = training_step(optimizer, lambda: mse_membrane_loss(net(sequence), target, on_target=55.0))
        return lambda: [step() for _ in range(num_iterations)][0]

    return {"ours": stepper(ours, fused=True), "peer": stepper(peer)}
