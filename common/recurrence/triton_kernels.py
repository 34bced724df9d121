"""The recurrences compiled by Triton for a GPU: a program for each block of neurons, time inside.

Tensors lie as [T, N] with N neurons times samples; a stride is how far apart two steps lie: N, or 0 where one row holds
at every step. decay and gain, alpha, beta and 1 - beta are [N], or [1] for all and PER_NEURON 0; threshold is [1].
No fused multiply-add: the forward pass rounds as the plain loop does, to the bit.
So far they have run under Triton's interpreter only, never on a GPU.
"""

import torch
import triton
import triton.language as tl

BLOCK = 128  # neurons of a program: one for each thread of its warps
NUM_WARPS = 4


def launch(kernel, size, *arguments, **constants):
    """Run a kernel for `size` neurons, on the device of its first argument."""
    with torch.cuda.device_of(arguments[0]):
        kernel[(triton.cdiv(size, BLOCK),)](
            *arguments, size, **constants, BLOCK=BLOCK, num_warps=NUM_WARPS, enable_fp_fusion=False)


@triton.jit
def _reset(u, theta, ZERO_RESET: tl.constexpr, INCLUSIVE: tl.constexpr):
    """Of the membranes u: which fire, what is kept of them, and what the next step subtracts."""
    fired = u >= theta if INCLUSIVE else u > theta
    nothing = tl.zeros_like(u)
    kept = tl.where(fired, nothing, u) if ZERO_RESET else u
    drop = nothing if ZERO_RESET else tl.where(fired, theta, nothing)
    return fired, kept, drop


@triton.jit
def _derivative(distance, KIND: tl.constexpr, PARAMETER: tl.constexpr, OFFSET: tl.constexpr):
    """ds/du at u - theta, for the surrogate of that name in common.surrogate; PARAMETER: see kernels.derivatives."""
    if KIND == "FastSigmoid":
        root = 1 / (PARAMETER * tl.abs(distance) + 1)
        slope = root * root
    elif KIND == "ATan":
        steep = 1.5707963267948966 * PARAMETER * distance
        slope = 0.5 * PARAMETER / (1 + steep * steep)
    else:
        tl.static_assert(KIND == "Rectangle")
        slope = (tl.abs(distance - OFFSET) < PARAMETER).to(distance.dtype) * (0.5 / PARAMETER)
    return slope


@triton.jit
def lif_forward(current, decay, gain, threshold, spikes, membrane, stride: tl.int64, num_steps, size: tl.int64,
                PER_NEURON: tl.constexpr, ZERO_RESET: tl.constexpr, INCLUSIVE: tl.constexpr, BLOCK: tl.constexpr):
    """Fill spikes, and membrane unless it is None; stride: of the current."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    leak = tl.load(decay + at * PER_NEURON, inside, 0.0)
    weight = tl.load(gain + at * PER_NEURON, inside, 1.0)
    theta = tl.load(threshold)
    kept, drop = tl.zeros_like(leak), tl.zeros_like(leak)
    for t in range(num_steps):
        u = leak * kept + weight * tl.load(current + t * stride + at, inside, 0.0) - drop
        fired, kept, drop = _reset(u, theta, ZERO_RESET, INCLUSIVE)
        tl.store(spikes + t * size + at, fired.to(u.dtype), inside)
        if membrane is not None:
            tl.store(membrane + t * size + at, u, inside)


@triton.jit
def lif_backward(membrane, grad_spikes, grad_membrane, decay, gain, threshold, grad_current, grad_decay, grad_gain,
                 spikes_stride: tl.int64, membrane_stride: tl.int64, num_steps, size: tl.int64,
                 PER_NEURON: tl.constexpr, ZERO_RESET: tl.constexpr, INCLUSIVE: tl.constexpr, DETACHED: tl.constexpr,
                 KIND: tl.constexpr, PARAMETER: tl.constexpr, OFFSET: tl.constexpr, BLOCK: tl.constexpr):
    """Fill grad_current [T, N], and grad_decay and grad_gain [N] unless they are None.

    The equation is that of kernels.lif_backward; grad_spikes or grad_membrane may be None, and have these strides.
    """
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    leak = tl.load(decay + at * PER_NEURON, inside, 0.0)
    weight = tl.load(gain + at * PER_NEURON, inside, 1.0)
    theta = tl.load(threshold)
    carried, by_decay, by_gain = tl.zeros_like(leak), tl.zeros_like(leak), tl.zeros_like(leak)
    u = tl.load(membrane + (num_steps - 1) * size + at, inside, 0.0)
    for back in range(num_steps):
        t = num_steps - 1 - back
        before = tl.load(membrane + (t - 1) * size + at, inside & (t > 0), 0.0)
        slope = _derivative(u - theta, KIND, PARAMETER, OFFSET)
        fired, _, _ = _reset(u, theta, ZERO_RESET, INCLUSIVE)
        by_reset = slope * (leak * u if ZERO_RESET else theta) * carried
        carried = leak * (tl.where(fired, 0.0, carried) if ZERO_RESET else carried)
        if not DETACHED:
            carried -= by_reset
        if grad_spikes is not None:
            carried += slope * tl.load(grad_spikes + t * spikes_stride + at, inside, 0.0)
        if grad_membrane is not None:
            carried += tl.load(grad_membrane + t * membrane_stride + at, inside, 0.0)
        tl.store(grad_current + t * size + at, weight * carried, inside)
        if grad_decay is not None:  # u = decay kept + gain x - drop, so that x follows and need not be saved
            _, kept, drop = _reset(before, theta, ZERO_RESET, INCLUSIVE)
            by_decay += carried * kept
            by_gain += carried * (u - leak * kept + drop * (t > 0)) / weight
        u = before
    if grad_decay is not None:
        tl.store(grad_decay + at, by_decay, inside)
        tl.store(grad_gain + at, by_gain, inside)


@triton.jit
def static_backward(current, grad_spikes, decay, gain, threshold, grad, stride: tl.int64, num_steps, size: tl.int64,
                    ZERO_RESET: tl.constexpr, INCLUSIVE: tl.constexpr, KIND: tl.constexpr, PARAMETER: tl.constexpr,
                    OFFSET: tl.constexpr, BLOCK: tl.constexpr):
    """Fill grad [N], of the current [N] that holds at every step: kernels.static_backward; stride: of grad_spikes."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    x = tl.load(current + at, inside, 0.0)
    leak, weight, theta = tl.load(decay), tl.load(gain), tl.load(threshold)
    kept, drop, by_current, total = tl.zeros_like(x), tl.zeros_like(x), tl.zeros_like(x), tl.zeros_like(x)
    for t in range(num_steps):
        u = leak * kept + weight * x - drop
        by_current = leak * by_current + weight
        slope = _derivative(u - theta, KIND, PARAMETER, OFFSET)
        total += tl.load(grad_spikes + t * stride + at, inside, 0.0) * slope * by_current
        fired, kept, drop = _reset(u, theta, ZERO_RESET, INCLUSIVE)
        by_current = tl.where(fired, 0.0, by_current) if ZERO_RESET else by_current
    tl.store(grad + at, total, inside)


@triton.jit
def leak_forward(current, alpha, beta, gain, membrane, stride: tl.int64, num_steps, size: tl.int64,
                 PER_NEURON: tl.constexpr, BLOCK: tl.constexpr):
    """Fill membrane [T, N]; gain: 1 - beta; stride: of the current."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    retained = tl.load(alpha + at * PER_NEURON, inside, 0.0)
    leak = tl.load(beta + at * PER_NEURON, inside, 0.0)
    weight = tl.load(gain + at * PER_NEURON, inside, 1.0)
    syn, v = tl.zeros_like(leak), tl.zeros_like(leak)
    for t in range(num_steps):
        syn = retained * syn + tl.load(current + t * stride + at, inside, 0.0)
        v = leak * v + weight * syn
        tl.store(membrane + t * size + at, v, inside)


@triton.jit
def leak_backward(grad_membrane, membrane, alpha, beta, gain, grad_current, grad_alpha, grad_beta,
                  stride: tl.int64, num_steps, size: tl.int64, PER_NEURON: tl.constexpr, BLOCK: tl.constexpr):
    """Fill grad_current [T, N], and grad_alpha and grad_beta [N] unless they and the membrane are None.

    The equations are those of leak_kernels.leak_backward; stride: of grad_membrane.
    """
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    retained = tl.load(alpha + at * PER_NEURON, inside, 0.0)
    leak = tl.load(beta + at * PER_NEURON, inside, 0.0)
    weight = tl.load(gain + at * PER_NEURON, inside, 1.0)
    by_syn, by_v, by_alpha, by_beta = tl.zeros_like(leak), tl.zeros_like(leak), tl.zeros_like(leak), tl.zeros_like(leak)
    for back in range(num_steps):
        t = num_steps - 1 - back
        by_v = leak * by_v + tl.load(grad_membrane + t * stride + at, inside, 0.0)
        if membrane is not None:  # V[t] = beta V[t-1] + (1 - beta) syn[t], so that syn follows
            before = tl.load(membrane + (t - 1) * size + at, inside & (t > 0), 0.0)
            syn = (tl.load(membrane + t * size + at, inside, 0.0) - leak * before) / weight
            by_alpha += by_syn * syn
            by_beta += by_v * (before - syn)
        by_syn = weight * by_v + retained * by_syn
        tl.store(grad_current + t * size + at, by_syn, inside)
    if membrane is not None:
        tl.store(grad_alpha + at, by_alpha, inside)
        tl.store(grad_beta + at, by_beta, inside)
