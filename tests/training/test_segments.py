"""Nets in segments of time against the same nets on the whole sequence."""

import copy

import pytest
import torch
from helpers.segmented_nets import BATCH, NETS, NUM_STEPS, convnet, tha_mlp

from common.nets.convnet import ConvNet
from common.surrogate import FastSigmoid
from common.training.losses import mse_count_loss
from common.training.monitor import Activity
from common.training.segments import Segmented


def trained(net, x, num_steps=0):
    """(output, gradients by name, buffers by name) of one forward and backward pass, in segments or whole."""
    net = copy.deepcopy(net)
    output = (Segmented(net, num_steps) if num_steps else net)(x)
    mse_count_loss(output, torch.arange(BATCH) % 3).backward()
    return output, {name: p.grad for name, p in net.named_parameters()}, dict(net.named_buffers())


@pytest.mark.parametrize("num_steps", [1, 3, 10, 11, 50])
@pytest.mark.parametrize("name", NETS)
def test_output_gradients_and_statistics_are_those_of_the_whole(name, num_steps):
    net, x = NETS[name]()
    whole, gradients, buffers = trained(net, x)
    output, found, moved = trained(net, x, num_steps)
    assert 0.02 < (whole != 0).double().mean()
    torch.testing.assert_close(output, whole, rtol=0, atol=1e-12 if name == "mlp" else 0)
    for key, gradient in gradients.items():
        assert gradient.abs().max() > 0
        assert (found[key] - gradient).abs().max() <= 1e-9 * gradient.abs().max(), key
    for key, buffer in buffers.items():
        torch.testing.assert_close(moved[key], buffer, msg=key)


@pytest.mark.parametrize("name", NETS)
def test_float32_spikes_differ_at_ties_only(name):
    net, x = NETS[name](dtype=torch.float32)
    net = net.float()
    x = x.float() if isinstance(x, torch.Tensor) else x
    whole, gradients, _ = trained(net, x)
    output, found, _ = trained(net, x, 3)
    torch.testing.assert_close(output, whole, rtol=1e-6, atol=1e-6)
    for key, gradient in gradients.items():
        assert (found[key] - gradient).abs().max() <= 1e-4 * gradient.abs().max(), key


@pytest.mark.parametrize("make", [convnet, tha_mlp])
def test_dropout_is_the_same_in_both_passes_of_a_segment(make):
    net, x = make(dropout=0.5)
    gradients = []
    for run in (Segmented(net, 2), lambda x: in_one_pass(Segmented(net, 2), x)):
        net.zero_grad()
        torch.manual_seed(5)
        output = run(x)
        after = torch.rand(1)
        mse_count_loss(output, torch.arange(BATCH) % 3).backward()
        gradients.append([output, after, *(p.grad for p in net.parameters())])
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=0)
    assert (net(x) != gradients[0][0]).any()  # what is dropped matters


def in_one_pass(segmented, x):
    """The same segments, of which nothing is computed twice."""
    carries, outputs = {}, []
    for start in range(0, NUM_STEPS, segmented.num_steps):
        part = slice(start, start + segmented.num_steps)
        output, carries = segmented.segment(x[part] if isinstance(x, torch.Tensor) else x.steps(part), carries)
        outputs.append(output)
    return torch.cat(outputs)


def test_a_recorder_is_told_of_each_step_once_and_nothing_stays_on_the_net():
    net, x = convnet()
    before, counts = {name: set(vars(module)) for name, module in net.named_modules()}, []
    for run in (net, Segmented(net, 3)):
        activity = Activity(net, operations=True)
        run(x, activity).sum().backward()
        counts.append((activity.layers(), activity.operations_per_sample(BATCH)))
    assert counts[0] == counts[1] and counts[0][1]["effective_acs"] > 0
    assert {name: set(vars(module)) for name, module in net.named_modules()} == before


def test_a_wide_layer_is_not_computed_in_blocks(monkeypatch):
    net, x = tha_mlp(hidden=300)
    whole, gradients, _ = trained(net, x)
    monkeypatch.setattr("common.nets.mlp.WIDE", 1)
    output, found, _ = trained(net, x, 3)
    assert torch.equal(output, whole)
    for key, gradient in gradients.items():
        assert (found[key] - gradient).abs().max() <= 1e-9 * gradient.abs().max(), key


def test_evaluation_is_that_of_the_whole():
    net, x = convnet()
    net(x)
    net.eval()
    with torch.no_grad():
        assert torch.equal(Segmented(net, 4)(x), net(x))


def test_a_net_without_anything_to_learn_runs_by_segments_too():
    net = ConvNet((1, 16, 16), 3, [4, 8], 0.9, [0.1, 0.1, 0.1], FastSigmoid(5.0), 0.0, binarize=False)
    net.eval().requires_grad_(False)
    frames = torch.rand(5, 2, 1, 16, 16)
    assert torch.equal(Segmented(net, 2)(frames), net(frames))
