"""ConvNet against the same net written step by step in snntorch, with the same weights."""

import pytest
import torch
from helpers.convnets import BATCH, NUM_STEPS, images, nets, sequence
from torch import nn

from common.bench.peers.plain import SnntorchEventConvNet
from common.nets.convnet import ConvNet
from common.surrogate import FastSigmoid
from common.training.losses import mse_count_loss


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("binarize", [True, False])
def test_spikes_loss_gradients_and_statistics_equal_snntorch(binarize, static, way):
    ours, peer = nets(binarize)
    image, target = images()
    mine, theirs = ours(sequence(image, static)), peer(image)
    assert 0.05 < theirs.mean() < 0.95
    assert torch.equal(mine, theirs)
    for spikes in (mine, theirs):
        mse_count_loss(spikes, target).backward()
    pairs = [
        (ours.synapses["conv1"].conv.weight, peer.conv1.weight),
        (ours.synapses["conv2"].conv.weight, peer.conv2.weight),
        (ours.synapses["conv1"].norm.weight, peer.norm1.weight), (ours.synapses["conv2"].norm.bias, peer.norm2.bias),
        (ours.synapses["fc"][1].weight, peer.fc.weight), (ours.synapses["fc"][1].bias, peer.fc.bias),
    ]
    for parameter, reference in pairs:
        assert reference.grad.abs().max() > 0
        difference = (parameter.grad - reference.grad).abs().max() / reference.grad.abs().max()
        assert difference < 1e-6  # snntorch hands spikes on as float32
    for name, norm in (("conv1", peer.norm1), ("conv2", peer.norm2)):
        mine = ours.synapses[name].norm
        torch.testing.assert_close(mine.running_mean, norm.running_mean)
        torch.testing.assert_close(mine.running_var, norm.running_var)
        assert mine.num_batches_tracked == norm.num_batches_tracked == NUM_STEPS


def test_evaluation_uses_the_running_statistics_as_snntorch_does():
    ours, peer = nets(binarize=True)
    image, _ = images()
    for _ in range(30):
        ours(sequence(image, static=True)), peer(image)
    ours.eval(), peer.eval()
    spikes = peer(image)
    assert 0.05 < spikes.mean() < 0.95
    for static in (True, False):
        assert torch.equal(ours(sequence(image, static)), spikes)


def test_float32_gradients_are_within_1e_4_of_snntorch():
    ours, peer = nets(binarize=True, dtype=torch.float32)
    image, target = images(torch.float32)
    mine, theirs = ours(sequence(image, static=True)), peer(image)
    assert (mine != theirs).double().mean() <= 1e-5
    for spikes in (mine, theirs):
        mse_count_loss(spikes, target).backward()
    for parameter, reference in ((ours.synapses["conv1"].conv.weight, peer.conv1.weight),
                                 (ours.synapses["conv2"].conv.weight, peer.conv2.weight)):
        assert (parameter.grad - reference.grad).abs().max() < 1e-4 * reference.grad.abs().max()


def test_layers_differ_from_the_plain_order_of_sums_at_ties_only():
    """The folded pool rounds otherwise than conv, then pool: float32 spikes may flip where u = theta nearly."""
    ours, peer = nets(binarize=True, dtype=torch.float32)
    image, _ = images(torch.float32)
    mine = ours.synapses["conv1"](sequence(image, static=False))
    weight = peer.quantize(peer.conv1.weight)
    theirs = peer.norm1(nn.functional.avg_pool2d(nn.functional.conv2d(image, weight), 2)).expand_as(mine)
    neuron = ours.neurons["conv1"]
    (spikes, membrane), (reference, _) = neuron.trace(mine), neuron.trace(theirs)
    flipped = spikes != reference
    assert flipped.double().mean() <= 1e-5
    assert ((membrane - neuron.threshold).abs()[flipped] < 1e-5 * neuron.threshold).all()


@pytest.mark.parametrize("side", [16, 17, 19, 28, 29])
def test_the_folded_pool_is_the_pool_for_odd_and_even_sides(side):
    ours, peer = nets(binarize=False, side=side)
    image, _ = images(side=side)
    assert torch.equal(ours(sequence(image, static=True)), peer(image))


@pytest.mark.parametrize("binarize", [True, False])
def test_without_batch_norm_and_on_frames_it_equals_snntorch_too(binarize):
    torch.manual_seed(3)
    thresholds = [2.0, 3.0, 1.5] if binarize else [0.2, 0.1, 0.05]
    ours = ConvNet((2, 21, 32), 11, [4, 6], 0.875, thresholds, FastSigmoid(5.0), 0.0, binarize, batch_norm=False)
    peer = SnntorchEventConvNet((2, 21, 32), 11, [4, 6], 0.875, 5.0, thresholds, binarize)
    ours, peer = ours.double(), peer.double().take_weights(ours)
    frames = torch.poisson(torch.rand(NUM_STEPS, BATCH, 2, 21, 32, dtype=torch.float64))
    mine, theirs = ours(frames), peer(frames)
    assert 0.05 < theirs.mean() < 0.95 and torch.equal(mine, theirs)
    for spikes in (mine, theirs):
        mse_count_loss(spikes, torch.arange(BATCH)).backward()
    pairs = [(ours.synapses["conv1"].conv.weight, peer.conv1.weight), (ours.synapses["fc"][1].weight, peer.fc.weight),
             (ours.synapses["conv2"].conv.weight, peer.conv2.weight), (ours.synapses["fc"][1].bias, peer.fc.bias)]
    for parameter, reference in pairs:
        assert (parameter.grad - reference.grad).abs().max() < 1e-6 * reference.grad.abs().max()
    assert not any(isinstance(module, nn.BatchNorm2d) for module in ours.modules())
