"""Sums over a batch in float32 lose no more than those of plain PyTorch on contiguous tensors.

Each part runs in float32 as it is, written out plainly in float32, and plainly in float64: of every result and gradient
our distance from float64 is at most twice the plain one's, and what one rounding takes.
"""

import pytest
import torch
from torch.nn import functional as F

from common.bench.workloads.shd import random_events
from common.kernels import norm_step
from common.kernels.event_conv import event_conv_pool
from common.kernels.event_linear import event_linear
from common.kernels.spike_linear import spike_linear
from common.layers.step_norm import StepBatchNorm2d
from common.layers.tdbn import TDBatchNorm2d
from common.neurons import LIF
from common.recurrence import LIFConstants, leak, lif, lif_conv, lif_spikes, norm_lif, norm_pool, norm_step_lif, plain
from common.recurrence.leak import plain_leak
from common.recurrence.wide_layer import wide_layer
from common.surrogate import ATan, FastSigmoid, Rectangle

SHAPES = [(4, 32, 16, 12, 12), (4, 64, 64, 4, 4), (2, 16, 128, 14, 14)]
ROUNDING = 2**-24
FAST, RECTANGLE = FastSigmoid(2.0), Rectangle(0.5)


def results(function, dtype, operands, grad):
    """The output, then the gradient of each operand, in double."""
    operands = [value.detach().to(dtype).clone().requires_grad_() for value in operands]
    output = function(*operands)
    output = output[0] if isinstance(output, (tuple, list)) else output
    output.backward(grad.to(dtype))
    return [value.double() for value in (output.detach(), *(operand.grad for operand in operands))]


def check(ours, plainly, operands, grad):
    exact = results(plainly, torch.float64, operands, grad)
    rivals = results(plainly, torch.float32, operands, grad)
    for found, rival, true in zip(results(ours, torch.float32, operands, grad), rivals, exact, strict=True):
        assert (found - true).norm() <= 2 * (rival - true).norm() + ROUNDING * true.norm()


def channels_last(x):
    return x.movedim(-3, -1).contiguous().movedim(-1, -3)


def norm_operands(shape):
    """Currents whose channels lie last, apart by more than their spread; weight, bias and the output's gradient."""
    channels = shape[-3]
    x = torch.randn(shape) + 2 * torch.randn(channels)[:, None, None]
    return [channels_last(x), 0.5 + torch.rand(channels), torch.randn(channels)], 0.1 + torch.randn(shape)


def by_step(x, weight, bias):
    return torch.stack([F.batch_norm(step, None, None, weight, bias, training=True) for step in x.contiguous()])


def over_all(x, weight, bias):
    flat = F.batch_norm(x.flatten(0, 1).contiguous(), None, None, weight, bias, training=True)
    return flat.unflatten(0, x.shape[:2])


@pytest.mark.parametrize("shape", SHAPES)
def test_norms_by_step(shape):
    operands, grad = norm_operands(shape)
    check(lambda *given: norm_step.norm_steps(*given, 1e-5), by_step, operands, grad)
    check(lambda *given: norm_step_lif.norm_lif(*given, 1e-5, 0.9, torch.tensor(1.0), FAST, "subtract"),
          lambda *given: plain.lif(by_step(*given), 0.9, 1.0, 1.0, FAST), operands, grad)


@pytest.mark.parametrize("shape", SHAPES)
def test_norms_over_all_steps(shape):
    operands, grad = norm_operands(shape)
    check(lambda *given: norm_lif.norm_lif(given[0], None, *given[1:], 1e-5, 0.25, 0.4, RECTANGLE, False),
          lambda *given: plain.lif(over_all(*given), 0.25, 1.0, 0.4, RECTANGLE, "zero", False), operands, grad)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("per_neuron", [False, True])
def test_norms_with_a_pool(shape, per_neuron):
    operands, grad = norm_operands(shape)
    decay = torch.full(shape[2:] if per_neuron else (), 0.5)

    def plainly(x, weight, bias, decay):
        spikes, _ = plain.lif(by_step(x, weight, bias), decay, 1 - decay, 1.0, ATan(2.0), "zero", True, True)
        return F.max_pool2d(spikes.flatten(0, 1), 2).unflatten(0, x.shape[:2])

    check(lambda *given: norm_pool.norm_lif_pool(*given[:3], 1e-5, given[3], 1 - given[3], 1.0, ATan(2.0)), plainly,
          [*operands, decay], F.avg_pool2d(grad.flatten(0, 1), 2).unflatten(0, shape[:2]))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layer", ["by step, static", "tdbn", "tdbn static"])
def test_running_statistics(shape, layer):
    (x, *_), _ = norm_operands(shape)
    x, norms = x[0], [TDBatchNorm2d(shape[2], 1.0) if "tdbn" in layer else StepBatchNorm2d(shape[2])
                      for _ in range(3)]
    rival, exact = norms[1], norms[2].double()
    for norm, values in ((rival, x.contiguous()), (exact, x.double().contiguous())):
        F.batch_norm(values, norm.running_mean, norm.running_var, None, None, training=True)
    if layer == "by step, static":
        norms[0].static(x, 1)
    else:
        norms[0](x.expand(1, *x.shape) if layer == "tdbn static" else x.unflatten(0, (2, -1)))
    for name in ("running_mean", "running_var"):
        ours, plainly, true = (getattr(norm, name).double() for norm in (norms[0], rival, exact))
        assert (ours - true).norm() <= 2 * (plainly - true).norm() + ROUNDING * true.norm()


@pytest.mark.parametrize("num_steps, num_samples, size", [(100, 64, 128), (333, 16, 300)])
def test_linear_layers(num_steps, num_samples, size):
    events = random_events(num_steps, num_samples)
    weight, bias, onward = torch.randn(size, 700) / 26, torch.randn(size), torch.randn(20, size)
    grad = 0.1 + torch.randn(num_steps, num_samples, size)

    def dense(weight, bias):
        return F.linear(events.dense().to(weight.dtype), weight, bias)

    check(lambda *given: event_linear(events, *given), dense, [weight, bias], grad)
    x = (torch.rand(num_steps, num_samples, 128) < 0.05).float()
    check(spike_linear, F.linear, [x, torch.randn(size, 128) / 11, bias], grad)
    for signs, theta in ((False, 1.0), (True, 5.0)):
        lif_of = LIFConstants(0.9, 1.0, torch.tensor(theta), FAST)
        check(lambda weight, bias, onward, lif_of=lif_of, signs=signs: wide_layer(
                  events, weight, bias, onward, lif_of, 0.0, signs=signs),
              lambda weight, bias, onward, theta=theta: F.linear(
                  plain.lif(dense(weight, bias), 0.9, 1.0, theta, FAST)[0], onward),
              [weight.sign() if signs else weight, bias, onward], grad[..., :20])


def test_convolutions_on_spikes():
    def conv_pool(x, weight):
        return F.avg_pool2d(F.conv2d(x, weight), 2)

    spikes, weight = (torch.rand(3200, 16, 12, 12) < 0.03).float(), torch.randn(64, 16, 5, 5) / 20
    check(event_conv_pool, conv_pool, [spikes, weight], 0.1 + torch.randn(3200, 64, 4, 4))
    current, neuron = torch.randint(-16, 17, (32, 16, 12, 12)) / 8.0, LIF(0.5, 3.0625, FAST)

    def plainly(current, weight):  # currents and decay of few bits: both precisions find the same spikes
        spikes, _ = plain.lif(current.expand(100, *current.shape), 0.5, 1.0, 3.0625, FAST)
        return conv_pool(spikes.flatten(0, 1), weight).unflatten(0, (100, 32))

    check(lambda *given: lif_conv.static_spikes(given[0], 100, neuron.constants()).conv_pool(given[1]), plainly,
          [current, weight], 0.1 + torch.randn(100, 32, 64, 4, 4))


@pytest.mark.parametrize("num_steps", [16, 1000])
def test_sums_over_time(num_steps):
    x, decay = torch.randn(num_steps, 64, 50), torch.full((50,), 0.9)
    grad = 0.1 + torch.randn(x.shape)
    rule = FAST, "zero", True, True
    check(lambda x, decay: lif(x, decay, 1 - decay, 0.4, *rule),
          lambda x, decay: plain.lif(x, decay, 1 - decay, 0.4, *rule), [x, decay], grad)
    check(leak, plain_leak, [x, decay, 0.9 * decay], grad)
    current = torch.randint(-16, 17, (1, 64, 50)) / 8.0
    check(lambda x: lif_spikes((1 * x).expand_as(grad), 0.5, 1.0, 3.0625, FAST),
          lambda x: plain.lif(x.expand_as(grad), 0.5, 1.0, 3.0625, FAST), [current], grad)
