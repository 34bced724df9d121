"""Leaky integration and the spikes drawn from it as one autograd function: the membrane potential is not kept."""

import torch
from torch.autograd.function import once_differentiable

from common.kernels import random_numbers
from common.kernels.compiled import empty, run
from common.recurrence import drawn_leak_kernels, leak_kernels
from common.recurrence.layout import flat, to_rows


def bernoulli_spikes(current, alpha, beta, generator=None):
    """Spikes [T, B, ...], each 1 with the probability sigmoid(V), V = leak(current, alpha, beta), else 0.

    alpha, beta: numbers, see common.recurrence.leak.  generator: of random numbers; None: torch's own.  The same
    numbers, spikes and gradients as random_numbers.bernoulli(V.sigmoid()), from one tensor saved, the probability.
    """
    return _DrawnLeak.apply(current, alpha, beta, _bernoulli, generator)


def gumbel_spikes(current, alpha, beta, generator=None):
    """As bernoulli_spikes, but 1 where 2 V + logit(r) > 0, r ~ U(0, 1); gradient of sigmoid(2 V + logit(r))."""
    return _DrawnLeak.apply(current, alpha, beta, _gumbel, generator)


class _DrawnLeak(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, alpha, beta, draw, generator):
        current = current.contiguous()  # numbers are drawn in this order
        membrane = empty(current.shape, current.dtype)
        ctx.constants = [flat(value, None, current.dtype) for value in (alpha, beta, 1 - beta)]
        run(leak_kernels.leak_forward, to_rows(current), *ctx.constants, to_rows(membrane))
        spikes, probability = draw(membrane, generator)
        ctx.bernoulli = draw is _bernoulli
        ctx.save_for_backward(probability)
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        (probability,) = ctx.saved_tensors
        grad_current = empty(probability.shape, probability.dtype)
        rows = (to_rows(x) for x in (grad, probability))
        run(drawn_leak_kernels.backward, *rows, ctx.bernoulli, *ctx.constants, to_rows(grad_current))
        return grad_current, None, None, None, None


def _bernoulli(membrane, generator):
    """(spikes, their probability), the latter in the membrane's place."""
    probability = membrane.sigmoid_()
    return random_numbers.below(probability, generator), probability


def _gumbel(membrane, generator):
    """(spikes, the probability given the noise), the former in the membrane's place."""
    logit = random_numbers.uniform(membrane, generator).logit_().add_(membrane, alpha=2)
    return torch.gt(logit, 0, out=membrane), logit.sigmoid_()
