"""Uniform random numbers as a function of a key and a place, so that none need be kept: Threefry-2x32, 20 rounds.

Whatever the number of threads, the same key gives the same numbers; a key is drawn from torch's generator. Compiled for
the CPU; elsewhere torch draws the numbers.  Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

import numpy as np
import torch
from numba import njit, prange, uint32
from torch.autograd.function import once_differentiable

from common.kernels.compiled import empty, run

HALF = 1024  # numbers of a chunk's first half; its second half has the other words of the same blocks
SCALE = np.float32(2**-24)


def uniform(like, generator=None):
    """Numbers in [0, 1), of 24 bits, in the shape and dtype of `like` and on its device."""
    if like.device.type != "cpu":
        return torch.rand(like.shape, generator=generator, dtype=like.dtype, device=like.device)
    numbers = empty(like.shape, torch.float32)
    run(_uniform, *_key(generator), numbers.numpy().reshape(-1))
    return numbers.to(like.dtype)


def bernoulli(probability, generator=None):
    """1 with the given probability, else 0, as uniform(probability) < probability; gradient `probability`."""
    return _Bernoulli.apply(probability, generator)


def below(probability, generator=None):
    """As bernoulli, without gradient."""
    if probability.device.type != "cpu":
        return uniform(probability, generator).lt_(probability)
    probability = probability.detach().contiguous()
    drawn = empty(probability.shape, probability.dtype)
    run(_below, *_key(generator), probability.numpy().reshape(-1), drawn.numpy().reshape(-1))
    return drawn


def dropout(x, share):
    """x / (1 - share), 0 where uniform(x) < share; on the CPU the backward pass draws the same numbers again."""
    if x.device.type != "cpu":
        return x * uniform(x).ge_(share).mul_(1 / (1 - share))
    return _Dropout.apply(x, share, _key())


def kept(shape, share):
    """What `dropout` keeps of a tensor of this shape on the CPU: 1 or 0, uint8."""
    drawn = torch.empty(shape, dtype=torch.uint8)
    run(_keep, *_key(), np.float32(share), drawn.numpy().reshape(-1))
    return drawn


class _Bernoulli(torch.autograd.Function):
    @staticmethod
    def forward(ctx, probability, generator):
        ctx.save_for_backward(probability)
        return below(probability, generator)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0], None


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, share, key):
        ctx.arguments = share, key
        return _dropped(x, share, key)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        return _dropped(grad, *ctx.arguments), None, None


def _dropped(x, share, key):
    x = x.contiguous()
    out = torch.empty_like(x)
    values = x.detach().numpy().reshape(-1)
    run(_drop, *key, np.float32(share), values.dtype.type(1 / (1 - share)), values, out.numpy().reshape(-1))
    return out


def _key(generator=None):
    return [np.uint32(word) for word in torch.randint(2**32, (2,), generator=generator).tolist()]


@njit(inline="always")
def _mix(x0, x1, rotations):
    """Four rounds."""
    for rotation in rotations:
        x0 = uint32(x0 + x1)
        x1 = uint32(uint32(uint32(x1 << uint32(rotation)) | uint32(x1 >> uint32(32 - rotation))) ^ x0)
    return x0, x1


@njit(inline="always")
def threefry(key0, key1, x0, x1):
    """Two words of 32 bits for the block (x0, x1), all uint32."""
    key2 = uint32(uint32(key0 ^ key1) ^ uint32(0x1BD11BDA))
    x0, x1 = _mix(uint32(x0 + key0), uint32(x1 + key1), (13, 15, 26, 6))
    x0, x1 = _mix(uint32(x0 + key1), uint32(x1 + key2 + uint32(1)), (17, 29, 16, 24))
    x0, x1 = _mix(uint32(x0 + key2), uint32(x1 + key0 + uint32(2)), (13, 15, 26, 6))
    x0, x1 = _mix(uint32(x0 + key0), uint32(x1 + key1 + uint32(3)), (17, 29, 16, 24))
    x0, x1 = _mix(uint32(x0 + key1), uint32(x1 + key2 + uint32(4)), (13, 15, 26, 6))
    return uint32(x0 + key2), uint32(x1 + key0 + uint32(5))


@njit(inline="always")
def _fill(key0, key1, chunk, numbers):
    """Fill numbers float32 [2 HALF] with those of a chunk."""
    for i in range(HALF):
        first, second = threefry(key0, key1, uint32(i), uint32(chunk))
        numbers[i] = np.float32(np.int32(first >> uint32(8))) * SCALE
        numbers[HALF + i] = np.float32(np.int32(second >> uint32(8))) * SCALE


@njit(parallel=True, cache=True, error_model="numpy")
def _uniform(key0, key1, out):
    for chunk in prange((out.size + 2 * HALF - 1) // (2 * HALF)):
        numbers, part = np.empty(2 * HALF, np.float32), out[chunk * 2 * HALF : (chunk + 1) * 2 * HALF]
        _fill(key0, key1, chunk, numbers)
        part[:] = numbers[: part.size]


@njit(parallel=True, cache=True, error_model="numpy")
def _below(key0, key1, probability, out):
    one, zero = out.dtype.type(1), out.dtype.type(0)
    for chunk in prange((out.size + 2 * HALF - 1) // (2 * HALF)):
        numbers, low = np.empty(2 * HALF, np.float32), chunk * 2 * HALF
        p, part = probability[low : low + 2 * HALF], out[low : low + 2 * HALF]
        _fill(key0, key1, chunk, numbers)
        for i in range(part.size):
            part[i] = one if numbers[i] < p[i] else zero


@njit(parallel=True, cache=True, error_model="numpy")
def _drop(key0, key1, share, scale, x, out):
    zero = out.dtype.type(0)
    for chunk in prange((out.size + 2 * HALF - 1) // (2 * HALF)):
        numbers, low = np.empty(2 * HALF, np.float32), chunk * 2 * HALF
        values, part = x[low : low + 2 * HALF], out[low : low + 2 * HALF]
        _fill(key0, key1, chunk, numbers)
        for i in range(part.size):
            part[i] = zero if numbers[i] < share else scale * values[i]


@njit(parallel=True, cache=True, error_model="numpy")
def _keep(key0, key1, share, out):
    for chunk in prange((out.size + 2 * HALF - 1) // (2 * HALF)):
        numbers, part = np.empty(2 * HALF, np.float32), out[chunk * 2 * HALF : (chunk + 1) * 2 * HALF]
        _fill(key0, key1, chunk, numbers)
        for i in range(part.size):
            part[i] = numbers[i] >= share
