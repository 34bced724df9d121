"""A batch norm put in evaluation mode while its net trains keeps its statistics, and normalises by them."""

import pytest
import torch
from torch import nn

from common.data.encode import constant_current
from common.nets.convnet import ConvNet
from common.nets.plifnet import PLIFNet
from common.nets.resnet19 import ResNet19
from common.neurons import LIF, PLIF
from common.surrogate import FastSigmoid, Rectangle

SHAPE = 1, 16, 16


def convnet():
    return ConvNet(SHAPE, 3, [4, 8], 0.9, [0.1, 0.1, 0.1], FastSigmoid(5.0), 0.0, binarize=False)


def plifnet():
    return PLIFNet(SHAPE, 3, lambda _: PLIF(2.0), channels=4, num_layers=2, hidden_size=32, dropout=0.0)


def resnet19():
    return ResNet19(SHAPE, 3, lambda: LIF(0.25, 0.4, Rectangle(0.5), "zero", detach_reset=False), 0.4, 4, 4, 8)


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("make", [convnet, plifnet, resnet19])
def test_a_frozen_norm_stays_and_computes_as_in_evaluation(make, static):
    torch.manual_seed(0)
    net = make().double()
    x = torch.rand(3, *SHAPE, dtype=torch.float64)
    x = constant_current(x, 4) if static else torch.rand(4, *x.shape, dtype=torch.float64)
    net(x)  # moves the statistics off their start
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    wanted = net.eval()(x)
    net.train()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    torch.testing.assert_close(net(x), wanted, rtol=1e-9, atol=1e-12)
    assert all(torch.equal(buffer, before[name]) for name, buffer in net.named_buffers())
    net.train()(x)
    assert any(not torch.equal(buffer, before[name]) for name, buffer in net.named_buffers())
