"""A small ConvNet, its peer in snnTorch, and what they are given."""

import torch

from common.bench.peers.plain import SnntorchConvNet
from common.nets.convnet import ConvNet
from common.surrogate import FastSigmoid

NUM_STEPS, BATCH = 12, 8
THRESHOLDS = [1.5, 1.2, 0.7]


def nets(binarize, dtype=torch.float64, dropout=0.0, side=28):
    torch.manual_seed(1)
    ours = ConvNet((1, side, side), 10, [4, 8], 0.875, THRESHOLDS, FastSigmoid(5.0), dropout, binarize).to(dtype)
    features = ours.synapses["fc"][1].in_features
    peer = SnntorchConvNet(NUM_STEPS, [4, 8], features, 10, 0.875, 5.0, THRESHOLDS, dropout, binarize).to(dtype)
    return ours, peer.take_weights(ours)


def images(dtype=torch.float64, side=28):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(BATCH, 1, side, side, generator=generator, dtype=dtype), torch.arange(BATCH) % 10


def sequence(image, static):
    x = image.expand(NUM_STEPS, *image.shape)
    return x if static else x.contiguous()
