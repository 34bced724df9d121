"""ConvNet's layers: fused as plain, with and without batch norm, in training and evaluation."""

import pytest
import torch
from helpers.convnets import BATCH, NUM_STEPS, THRESHOLDS, images, nets, sequence
from helpers.recorders import Tensors, plainly
from torch import nn

from common.layers.step_norm import StepBatchNorm2d
from common.nets.convnet import ConvNet
from common.recurrence import lif_conv
from common.sequence import UNRECORDED
from common.surrogate import FastSigmoid
from common.training.losses import mse_count_loss
from common.training.monitor import Activity


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_the_plain_layers_compute_as_the_fused_ones(batch_norm, reset, static, way):
    torch.manual_seed(1)
    thresholds = THRESHOLDS if batch_norm else [0.2, 0.1, 0.05]
    net = ConvNet((1, 19, 16), 10, [4, 8], 0.875, thresholds, FastSigmoid(5.0), 0.0, False, reset, batch_norm).double()
    state = {name: value.clone() for name, value in net.state_dict().items()}
    x, record = sequence(torch.rand(BATCH, 1, 19, 16, dtype=torch.float64), static), Tensors()
    results = []
    for recorder in (UNRECORDED, record):
        net.load_state_dict(state)
        out = net(x, recorder)
        loss = mse_count_loss(out, torch.arange(BATCH) % 10)
        gradients = torch.autograd.grad(loss, list(net.parameters()))
        results.append([out, *gradients, *(value.clone() for value in net.buffers())])
    assert list(record.taken) == list(record.currents) == list(record.fired) == ["conv1", "conv2", "fc"]
    assert 0.01 < out.mean() < 0.99
    for fused, plain in zip(*results, strict=True):
        torch.testing.assert_close(fused, plain, rtol=1e-9, atol=1e-9)


def test_the_hidden_spikes_come_from_the_fused_functions(monkeypatch):
    monkeypatch.setattr(lif_conv, "DENSITY", 1.0), monkeypatch.setattr(lif_conv, "CAPACITY", 1.0)
    ours, _ = nets(binarize=True)
    for name in ("conv1", "conv2"):
        ours.neurons[name].forward = lambda _, name=name: pytest.fail(f"{name} was called")
    ours(sequence(images()[0], static=True)).sum().backward()


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("train", [True, False])
def test_a_recorder_sees_the_same_of_the_fused_functions(monkeypatch, static, train):
    """Spikes and operations are those of the layers called one by one."""
    ours, _ = nets(binarize=True)
    x, state = sequence(images()[0], static), {name: value.clone() for name, value in ours.state_dict().items()}
    with torch.no_grad():
        ours(x)
    ours.train(train)

    def counted(activity):
        ours.load_state_dict(state | {"neurons.conv1.threshold": torch.tensor(1.0)})
        with torch.no_grad():
            ours(x, activity), ours(x, activity)
        spikes = {name: n.tolist() for name, n in activity.spike_counts.items()}
        return activity.layers(), activity.operations_per_sample(), spikes

    called = counted(plainly(Activity(ours, operations=True)))
    assert 0 < called[0]["conv1"]["firing_rate"] < 0.9 and 0 < called[0]["fc"]["firing_rate"]
    for density in (lif_conv.DENSITY, 1.0):
        monkeypatch.setattr(lif_conv, "DENSITY", density), monkeypatch.setattr(lif_conv, "CAPACITY", density)
        if static or train:
            ours.synapses["conv1"].forward = lambda _: pytest.fail("conv1 was called")
        assert counted(Activity(ours, operations=True)) == called


def test_a_static_sequence_without_batch_norm_is_computed_once():
    net = ConvNet((1, 16, 16), 3, [2, 2], 0.9, [0.1, 0.1, 0.1], FastSigmoid(5.0), 0.0, False, batch_norm=False)
    x = torch.rand(2, 1, 16, 16).expand(5, 2, 1, 16, 16)
    layer = net.synapses["conv1"]
    assert layer(x).stride(0) == 0 and torch.equal(layer(x), layer(x.contiguous()))


def test_static_norm_moves_the_statistics_as_so_many_calls():
    once, often = StepBatchNorm2d(3).double(), nn.BatchNorm2d(3).double()
    x = torch.randn(4, 3, 5, 5, dtype=torch.float64) * 3 + 1
    out = once.static(x, 7)
    for _ in range(7):
        expected = often(x)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(once.running_mean, often.running_mean)
    torch.testing.assert_close(once.running_var, often.running_var)


def test_dropout_draws_a_new_mask_each_step_and_only_in_training():
    ours, _ = nets(binarize=True, dropout=0.5)
    image, _ = images()
    features = torch.rand(NUM_STEPS, BATCH, 8, 4, 4, dtype=torch.float64)
    dropped = ours.synapses["fc"](features) == 0
    assert 0.4 < dropped.double().mean() < 0.6
    assert not torch.equal(dropped[0], dropped[1])
    assert not (ours.eval().synapses["fc"](features) == 0).any()


def test_only_the_asked_for_layers_exist():
    kinds = [{type(m).__name__ for m in net.modules()} for net in (nets(True)[0], nets(False)[0])]
    assert {"BinaryConv2d", "BinaryLinear"} <= kinds[0] and not {"Conv2d", "Linear"} & kinds[0]
    assert {"Conv2d", "Linear"} <= kinds[1] and not {"BinaryConv2d", "BinaryLinear"} & kinds[1]


def test_no_step_depends_on_a_later_one():
    ours = nets(binarize=True)[0].eval()
    image, _ = images()
    x = sequence(image, static=False).clone()
    changed = x.clone()
    changed[7:] += 1
    before, after = ours(x), ours(changed)
    assert torch.equal(before[:7], after[:7]) and not torch.equal(before[7:], after[7:])


@pytest.mark.parametrize("arguments, message", [
    ({"in_shape": (1, 15, 28)}, "16 x 16"), ({"thresholds": [1.0, 1.0]}, "3 thresholds"),
    ({"channels": [4]}, "2 channels")])
def test_what_cannot_be_built_is_said(arguments, message):
    settings = {"in_shape": (1, 28, 28), "channels": [4, 8], "thresholds": THRESHOLDS} | arguments
    with pytest.raises(ValueError, match=message):
        ConvNet(num_classes=10, beta=0.9, surrogate=FastSigmoid(5.0), dropout=0.0, binarize=True, **settings)
