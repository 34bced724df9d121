"""The leaky integration without reset as one autograd function around Triton's kernels. See leak."""

import torch
from torch.autograd.function import once_differentiable

from common.recurrence import triton_kernels as kernels
from common.recurrence.layout import empty_in_order, memory_order, of_each_neuron, to_matrix, unflat
from common.recurrence.triton_lif import constant, per_neuron, stride


def leak(current, alpha, beta):
    """See common.recurrence.leak.leak; saves the membrane if alpha or beta wants its gradient, else nothing."""
    return _Leak.apply(current, *of_each_neuron(alpha, beta, current))


class _Leak(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, alpha, beta):
        order = memory_order(current)
        membrane = empty_in_order(current, order)
        ctx.order, ctx.learns = order, any(ctx.needs_input_grad[1:])
        ctx.constants = [constant(value, current, order) for value in (alpha, beta, 1 - beta)]
        x = to_matrix(current, order)
        kernels.launch(
            kernels.leak_forward, x.shape[1], x, *ctx.constants, membrane, stride(x), len(current),
            PER_NEURON=per_neuron(*ctx.constants))
        ctx.save_for_backward(*[membrane] * ctx.learns)
        return membrane

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        grads, size = to_matrix(grad, ctx.order), grad[0].numel()
        grad_current = empty_in_order(grad, ctx.order)
        membrane = ctx.saved_tensors[0] if ctx.learns else None
        by_alpha, by_beta = (grad.new_empty(size) if ctx.learns else None for _ in range(2))
        kernels.launch(
            kernels.leak_backward, size, grads, membrane, *ctx.constants, grad_current, by_alpha, by_beta,
            stride(grads), len(grad), PER_NEURON=per_neuron(*ctx.constants))
        by_alpha, by_beta = (unflat(by, grad[0], ctx.order) if ctx.learns else None for by in (by_alpha, by_beta))
        return grad_current, by_alpha, by_beta
