"""A convolution and 2 x 2 average pool on spikes: adds up the kernels of the inputs that spiked, and nothing else."""

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from common.kernels import compiled
from common.kernels import event_conv_kernels as kernels
from common.kernels.compiled import empty, run

DENSITY = 0.08  # share of nonzero inputs from which on torch's convolution is as fast; 16 -> 64 channels, 5 x 5
PARTS = 16     # groups of images whose kernel gradients are summed apart: the same sums for any number of threads
IMAGES = 128   # images whose input gradient is computed at once, so that its intermediate result stays in the caches


def event_conv_pool(x, weight):
    """conv_pool(x, weight) without the zeros of x if most are, compiled on the CPU; x may have any values.
    A zero hides an infinite weight.

    Dense where the kernels do not know device or dtype, and under autocast.
    """
    return _EventConvPool.apply(x, weight) if can_run(x, weight) else conv_pool(x, weight)


def can_run(x, weight):
    """Whether the kernels know device, dtype and shape: a kernel of an odd number of columns."""
    known = compiled.can_run(x) and x.dtype == weight.dtype
    return known and weight.shape[3] % 2 == 1 and not torch.is_autocast_enabled("cpu")


def conv_pool(x, weight):
    """F.avg_pool2d(F.conv2d(x, weight), 2) as one convolution of stride 2; x [N, C, H, W], weight [O, C, K, L]."""
    return F.conv2d(x, folded(weight), stride=2)


def folded(weight):
    """The mean of a kernel's four shifted copies, [O, C, K + 1, L + 1]."""
    return F.avg_pool2d(F.pad(weight, (1, 1, 1, 1)), 2, stride=1)


def output_shape(x, weight):
    """(N, H', W', O) for x [N, C, H, W] and weight [O, C, K, L]."""
    height, width = ((side - taps + 1) // 2 for side, taps in zip(x.shape[2:], weight.shape[2:], strict=True))
    return len(x), height, width, len(weight)


class _EventConvPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        ctx.dense = _density(x) > DENSITY
        if ctx.dense:
            return conv_pool(x, weight)
        out = empty(output_shape(x, weight), x.dtype)
        run(kernels.forward, rows(x), by_column(folded(weight)), len(weight), out.flatten(2).numpy())
        return out.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        by_input = _by_input(x, weight, grad) if ctx.needs_input_grad[0] else None
        if not ctx.needs_input_grad[1]:
            return by_input, None
        by_kernel = (_by_kernel_dense if ctx.dense else _by_kernel)(x, weight, grad)
        return by_input, F.avg_pool2d(by_kernel, 2, stride=1)


def _density(x):
    """The share of x that is not 0, of every 17th image: no power of 2, which might pick one sample alone."""
    some = x[::17]
    return some.count_nonzero().item() / max(1, some.numel())


def _by_kernel_dense(x, weight, grad):
    return torch.nn.grad.conv2d_weight(x, folded(weight).shape, grad, stride=2)


def _by_kernel(x, weight, grad):
    """The gradient of the folded kernel, [O, C, K + 1, L + 1]."""
    parts = zero_parts(weight)
    run(kernels.backward, rows(x), rows(grad), len(weight), parts.numpy())
    return by_folded(parts, len(weight))


def zero_parts(weight):
    """The parts [P, K, C, 2, M O] of a folded kernel's gradient, all 0."""
    num_outputs, channels, height, width = weight.shape
    return torch.zeros(PARTS, height + 1, channels, 2, (width + 1) // 2 * num_outputs, dtype=weight.dtype)


def by_folded(parts, num_outputs):
    """The parts' sum in torch's order, [O, C, K + 1, L + 1]."""
    columns = parts.sum(0).unflatten(3, (-1, num_outputs)).flip(3)  # [K, C, 2, M, O]
    return columns.permute(4, 1, 0, 3, 2).flatten(3)


def by_column(kernel):
    """A kernel [O, C, K, L] in the order of the compiled ones, [K, C, 2, M O]."""
    columns = kernel.unflatten(3, (-1, 2)).flip(3)  # [O, C, K, M, 2]
    return columns.permute(2, 1, 4, 3, 0).contiguous().flatten(3).numpy()


def quartered(weight):
    """A quarter of a kernel [O, C, K, L] as a matrix [O, K L C]."""
    return (0.25 * weight).permute(0, 2, 3, 1).flatten(1)


def _by_input(x, weight, grad):
    """The gradient of x: the pool of the convolution is the convolution, of stride 2, of the means of 2 x 2 inputs.

    By these means the matrix product has K L columns for each channel, and by the folded kernel (K + 1) (L + 1).
    """
    out = empty((len(x), *x.shape[2:], x.shape[1]), x.dtype)
    grad = grad.permute(0, 2, 3, 1).contiguous()
    _, channels, height, width = weight.shape
    quarter = quartered(weight)
    for some, result in zip(grad.split(IMAGES), out.flatten(2).split(IMAGES), strict=True):
        columns = (some.flatten(0, 2) @ quarter).view(*some.shape[:3], height, width * channels)
        run(kernels.fold, columns.numpy(), channels, result.numpy())
    return out.permute(0, 3, 1, 2)


def rows(x):
    """x [N, C, H, W] as a numpy array [N, H, W C], copied unless it lies so in memory."""
    return x.detach().permute(0, 2, 3, 1).contiguous().flatten(2).numpy()
