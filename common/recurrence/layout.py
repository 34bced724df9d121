"""A sequence [T, B, ...] as the kernels' matrix [T, N], its neurons in the order in which they lie in memory."""

import numpy as np
import torch

NUMPY_DTYPES = {torch.float32: np.float32, torch.float64: np.float64}  # the kernels' dtypes


def memory_order(x):
    """The dimensions of x [T, ...], time first, the others as they lie in memory; None if that is as they come."""
    return None if x.is_contiguous() else (0, *sorted(range(1, x.ndim), key=lambda dim: -x.stride(dim)))


def empty_in_order(like, order):
    """A tensor for values of the shape of `like`, its dimensions in memory in this order."""
    if order is None:
        return like.new_empty(like.shape)
    return like.new_empty([like.shape[dim] for dim in order]).permute(np.argsort(order).tolist())


def to_matrix(x, order=None):
    """x as a tensor [T, N], or [1, N] if every step is the same; copies only what is not dense. For grad mode off."""
    x = x if order is None else x.permute(order)
    x = x[:1] if x.stride(0) == 0 else x
    return x.contiguous().view(x.shape[0], -1)


def to_rows(x, order=None):
    """As to_matrix, a numpy array."""
    return to_matrix(x, order).numpy()


def flat(value, order, dtype):
    """One step's values as a numpy array [N] in the same order, or [1] for a number."""
    return to_vector(value, order).numpy() if isinstance(value, torch.Tensor) else number(value, dtype)


def to_vector(value, order):
    """A copy of one step's values as a tensor [N]."""
    value = value.detach()
    return (value if order is None else value.permute([dim - 1 for dim in order[1:]])).reshape(-1).clone()


def number(value, dtype):
    """A number as a numpy array [1] of torch's `dtype`."""
    return np.array([float(value)], NUMPY_DTYPES[dtype])


def unflat(grad, step, order):
    """The reverse of to_vector: values [N] in the shape of one step."""
    if order is None:
        return grad.reshape(step.shape)
    dims = [dim - 1 for dim in order[1:]]
    return grad.reshape([step.shape[dim] for dim in dims]).permute(np.argsort(dims).tolist())


def of_each_neuron(decay, gain, current):
    """decay and gain as they are if both are numbers, else as tensors of one step, whose shares autograd sums."""
    if isinstance(decay, torch.Tensor) or isinstance(gain, torch.Tensor):
        step = current.shape[1:]
        values = (torch.as_tensor(value, dtype=current.dtype, device=current.device) for value in (decay, gain))
        return [value.expand(step) for value in values]
    return decay, gain
