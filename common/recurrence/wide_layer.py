"""A wide layer of LIF neurons on events and the linear layer behind it as one: no tensor is as wide as the layer.

    x = dropout(W events + b)    LIF: see common.recurrence    out = V s
A block of neurons and a sample at a time; the backward pass computes the membranes again.
"""

import numpy as np
import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from common.kernels import compiled, random_numbers
from common.kernels.compiled import run
from common.recurrence.fused import KINDS, shape_of
from common.recurrence.wide_kernels import sort_by_unit, wide_backward, wide_forward


def can_run(events, weight, surrogate):
    """Whether the kernels know the input, the weight's device and dtype and the surrogate."""
    known = compiled.can_run(weight) and type(surrogate) in KINDS
    return known and not isinstance(events, torch.Tensor) and not torch.is_autocast_enabled("cpu")


def wide_layer(events, weight, bias, onward, constants, fraction=0.0, signs=False):
    """(the current that spikes of H neurons on events send onward, [T, B, K]; how often each neuron spiked, int64 [H]).

    events: as event_linear takes them, [T, B, N].  weight: [H, N].  bias: [H].  onward: [K, H].  All float32 or
    all float64, on the CPU.  constants: LIF.constants().  fraction: of the neurons' currents dropped, the same as
    random_numbers.dropout would.  signs: whether all weights are -1 or 1.  The events get no gradient.
    """
    num_steps, num_samples, _ = events.shape
    drawn = (num_steps * num_samples, len(weight))
    kept = random_numbers.kept(drawn, fraction) if fraction else torch.empty(0, 0).byte()
    dropout = kept.numpy(), _number(1 / (1 - fraction), weight)
    events = _single(events)
    table = weight.detach().to(torch.int8) if signs and _few(events) else weight  # quicker, and exact
    out, counts = _WideLayer.apply(weight, bias, onward, table, events, num_steps, dropout, constants)
    return out.unflatten(0, (num_steps, num_samples)), counts


class _WideLayer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, bias, onward, table, events, num_steps, dropout, constants):
        beta, gain, threshold, surrogate, reset, ctx.detached, inclusive = constants
        assert gain == 1 and not inclusive, constants
        ctx.save_for_backward(table, bias, onward)
        ctx.lif = _number(beta, bias), _number(float(threshold), bias), reset == "zero"
        ctx.rest, ctx.surrogate = (events, dropout, num_steps), shape_of(surrogate, bias.numpy().dtype)
        out = torch.zeros(len(events[0]) - 1, -(-len(onward) // 8) * 8, dtype=bias.dtype)
        counts = torch.zeros(torch.get_num_threads(), len(bias), dtype=torch.int64)
        run(wide_forward, events, table.numpy(), bias.numpy(), dropout, ctx.lif, _padded(onward.t()), _width(bias),
            num_steps, counts.numpy(), out.numpy())
        counts = counts.sum(0)
        ctx.mark_non_differentiable(counts)
        return out[:, : len(onward)].contiguous(), counts

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, _):
        table, bias, onward = ctx.saved_tensors
        events, dropout, num_steps = ctx.rest
        by_unit = np.empty((len(grad) // num_steps, table.shape[1] + 1), np.int64), np.empty_like(events[1])
        run(sort_by_unit, *events, *by_unit)
        by_weight, by_bias = torch.empty(table.shape, dtype=bias.dtype), torch.empty_like(bias)
        forth, grad = _padded(onward.t()), _padded(grad)
        by_onward = np.zeros(forth.shape)
        run(wide_backward, events, by_unit, table.numpy(), bias.numpy(), dropout, ctx.lif, ctx.detached, ctx.surrogate,
            forth, _width(bias), num_steps, grad, by_weight.numpy(), by_bias.numpy(), by_onward)
        by_onward = torch.from_numpy(by_onward)[:, : len(onward)].t().to(onward)
        return by_weight, by_bias, by_onward, None, None, None, None, None


def _single(events):
    """(row_starts, units), arrays, of the same events, each of which stands for one."""
    row_starts, units = events.row_starts, events.units
    if events.counts is not None:
        counts = events.counts.long()
        assert torch.equal(counts.float(), events.counts), "an event stands for a whole number of them"
        row_starts, units = F.pad(counts.cumsum(0), (1, 0))[row_starts], units.repeat_interleave(counts)
    return row_starts.numpy(), units.numpy()


def _few(events):
    """Whether eight bits hold the sum of a row's events, each a sign."""
    return np.diff(events[0]).max(initial=0) < 2**7


def _width(bias):
    """Neurons of a block: they stay in the second-level cache, and every thread has work."""
    return max(64, min(256, -(-len(bias) // torch.get_num_threads() // 8) * 8))


def _padded(matrix):
    """A copy with columns of zeros, so that their number is a multiple of 8."""
    return F.pad(matrix.detach(), (0, -matrix.shape[1] % 8)).contiguous().numpy()


def _number(value, like):
    return like.detach().numpy().dtype.type(value)
