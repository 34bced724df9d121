"""Triton's kernels against the plain loops, on the CPU under TRITON_INTERPRET=1, else on a GPU: see test_triton.py.

The variants are those that tests/recurrence holds numba's kernels to: all of them on a GPU, pairwise in the
interpreter, which is slow.
"""

import itertools
import os

import pytest
import torch
from helpers.variants import LAYOUTS, SURROGATES, pairwise

from common.recurrence import plain, triton_leak, triton_lif
from common.recurrence.leak import plain_leak
from common.surrogate import FastSigmoid

DEVICE = "cpu" if os.environ.get("TRITON_INTERPRET") == "1" else "cuda"
COMBINED = pairwise if DEVICE == "cpu" else itertools.product
DTYPES, RESETS, EITHER = [torch.float32, torch.float64], ["subtract", "zero"], [True, False]
SHAPES = [(1, 3, 4), (12, 3, 4), (7, 2, 3, 5, 4), (5, 2), (9,), (4, 2, 150), (4, 0, 3)]  # a program has 128 neurons
SLOPE = FastSigmoid(10.0)


def draw(*shape, dtype=torch.float64, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).to(DEVICE)


def currents_and_constants(*shape, dtype):
    """Current, decay and gain, such that some neurons fire and others do not."""
    decay, gain = (draw(*shape[1:], dtype=dtype, seed=k) for k in (2, 3))
    return 1.5 * draw(*shape, dtype=dtype), 0.5 + 0.4 * decay, 0.5 + 1.5 * gain


def both(ours, reference, inputs, arguments=()):
    """Outputs and gradients of the same loss, of each: (ours, the reference's)."""
    results = []
    for loop in (ours, reference):
        leaves = [value.clone().requires_grad_() for value in inputs]
        outputs = loop(*leaves, *arguments)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        loss = sum((draw(*x.shape, dtype=x.dtype, seed=1 + i) * x.sin()).sum() for i, x in enumerate(outputs))
        results.append((outputs, torch.autograd.grad(loss, leaves)))
    return results


def hold(ours, reference, rtol):
    """Equal outputs to the bit, gradients of the same shape to rtol, of their largest."""
    for mine, theirs in zip(ours[0], reference[0], strict=True):
        assert torch.equal(mine, theirs)
    for mine, theirs in zip(ours[1], reference[1], strict=True):
        assert mine.shape == theirs.shape and mine.dtype == theirs.dtype
        scale = max(1.0, theirs.abs().max().item()) if theirs.numel() else 1.0
        torch.testing.assert_close(mine, theirs, rtol=0, atol=rtol * scale)


def tolerance(dtype):
    return 1e-5 if dtype == torch.float32 else 1e-9


@pytest.mark.parametrize("reset, detach_reset, inclusive, surrogate, dtype",
                         COMBINED(RESETS, EITHER, EITHER, SURROGATES, DTYPES), ids=str)
def test_every_variant_equals_the_plain_loop(reset, detach_reset, inclusive, surrogate, dtype):
    inputs = currents_and_constants(6, 3, 50, dtype=dtype)
    arguments = 0.9, surrogate, reset, detach_reset, inclusive
    hold(*both(triton_lif.lif, plain.lif, inputs, arguments), tolerance(dtype))


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_shape_equals_the_plain_loop(shape, reset):
    inputs = currents_and_constants(*shape, dtype=torch.float32)
    hold(*both(triton_lif.lif, plain.lif, inputs, (0.9, SLOPE, reset, False)), 1e-5)


def test_the_cases_above_do_fire_and_do_not_fire():
    spikes, _ = triton_lif.lif(*currents_and_constants(6, 3, 50, dtype=torch.float32), 0.9, SLOPE)
    assert 0.1 < spikes.mean() < 0.9


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("reset", RESETS)
def test_numbers_and_shared_tensors_as_decay_and_gain(reset, dtype):
    current = 1.5 * draw(8, 3, 5, dtype=dtype)
    for decay, gain in ((0.7, 1.3), (0.7, draw(5, dtype=dtype))):
        arguments = decay, gain, torch.tensor(1.0, device=DEVICE), SLOPE, reset
        hold(*both(triton_lif.lif, plain.lif, [current], arguments), tolerance(dtype))
    for shape in [(), (5,), (1, 5)]:
        inputs = current, 0.5 + draw(*shape, dtype=dtype) / 2, 1 + draw(*shape, dtype=dtype, seed=1)
        hold(*both(triton_lif.lif, plain.lif, inputs, (1.0, SLOPE, reset)), tolerance(dtype))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout_gives_the_same_and_is_left_as_it_is(layout):
    x, decay = 1.5 * draw(5, 2, 3, 6, 7), 0.5 + draw(3, 6, 7) / 4

    def arranged(loop, *arguments):
        return lambda x, *constants: loop(LAYOUTS[layout](x), *constants, *arguments)

    loops = (arranged(loop, 0.9, SLOPE) for loop in (triton_lif.lif, plain.lif))
    hold(*both(*loops, (x, decay, 1 + decay)), 1e-9)
    loops = (arranged(loop) for loop in (triton_leak.leak, plain_leak))
    hold(*both(*loops, (x, decay, decay.square())), 1e-9)
    current = LAYOUTS[layout](x)
    copy, spikes = current.clone(), triton_lif.lif(current, 0.9, 1.0, 0.9, SLOPE)[0]
    assert torch.equal(current, copy) and (layout != "channels_last" or spikes[0].stride() == current[0].stride())


@pytest.mark.parametrize("surrogate, reset, dtype", COMBINED(SURROGATES, RESETS, DTYPES), ids=str)
def test_a_static_current_gives_the_spikes_and_the_gradient_of_the_plain_loop(surrogate, reset, dtype):
    for shape in [(3, 50), (0, 3), (4,)]:
        def of(loop, shape=shape):
            return lambda x: loop(x.expand(10, *shape), 0.75, 1.25, 0.9, surrogate, reset)

        static = of(lambda *arguments: triton_lif.static_spikes(*arguments, True))
        reference = of(lambda *arguments: plain.lif(*arguments, True, True)[0])
        hold(*both(static, reference, [0.9 * draw(*shape, dtype=dtype)]), tolerance(dtype))


def test_gradients_of_a_static_loss_and_of_one_output_alone():
    for which in (0, 1):
        loops = (lambda x, loop=loop, which=which: loop(x, 0.9, 1.0, 1.0, SLOPE)[which].sum(0)
                 for loop in (triton_lif.lif, plain.lif))
        hold(*both(*loops, [1.5 * draw(6, 2, 5)]), 1e-9)


def test_a_threshold_moved_before_the_backward_pass_changes_nothing():
    grads = []
    for moves in (False, True):
        current, threshold = (1.5 * draw(6, 2, 5)).requires_grad_(), torch.tensor(1.0, device=DEVICE)
        spikes = triton_lif.lif(current, 0.9, 1.0, threshold, SLOPE)[0]
        threshold += moves
        grads.append(torch.autograd.grad(spikes.sum(), current)[0])
    assert torch.equal(*grads)


def test_only_the_membrane_or_one_step_of_a_static_current_is_saved():
    current, saved = draw(6, 2, 5).requires_grad_(), []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: saved.append(x) or x, lambda x: x):
        _, membrane = triton_lif.lif(current, 0.9, 1.0, 1.0, SLOPE)
        triton_lif.static_spikes(current[0].expand(6, 2, 5), 0.9, 1.0, 1.0, SLOPE, "zero", True)
        triton_leak.leak(current, 0.9, 0.8)
    assert saved[0].data_ptr() == membrane.data_ptr() and saved[-1].stride(0) == 0
    assert sum(x.shape == current.shape and x.stride(0) > 0 for x in saved) == 1


@pytest.mark.parametrize("inclusive", EITHER)
@pytest.mark.parametrize("reset", RESETS)
def test_without_gradient_the_spikes_are_the_same(reset, inclusive):
    for shape in SHAPES:
        current, decay = 1.5 * draw(*shape), 0.5 + draw(*shape[1:], seed=2) / 4
        for values in ((0.75, 1.25), (decay, 1.25)):
            ours = triton_lif.spikes(current, *values, 0.9, reset, inclusive)
            assert torch.equal(ours, plain.lif(current, *values, 0.9, SLOPE, reset, True, inclusive)[0])


def test_what_would_fire_at_rest_does_not_before_the_first_step():
    inputs = currents_and_constants(4, 2, 5, dtype=torch.float64)
    for reset in ("subtract", "zero"):
        hold(*both(triton_lif.lif, plain.lif, inputs, (-0.25, SLOPE, reset, True, True)), 1e-9)


def test_nan_stays_nan_and_does_not_fire():
    current = torch.ones(3, 1, 2, device=DEVICE)
    current[1, 0, 0] = float("nan")
    spikes, membrane = triton_lif.lif(current, 0.5, 1.0, 0.9, SLOPE)
    assert membrane[1:, 0, 0].isnan().all() and not membrane[:, 0, 1].isnan().any()
    assert spikes[:, 0, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_leak_equals_the_plain_loop(shape, dtype):
    current = 2 * draw(*shape, dtype=dtype) - 1
    for step in {shape[1:], shape[2:], ()}:  # a decay for each neuron and sample, for each neuron, for all
        alpha, beta = (0.1 + 0.8 * draw(*step, dtype=dtype, seed=k) for k in (2, 3))
        hold(*both(triton_leak.leak, plain_leak, (current, alpha, beta)), tolerance(dtype))
    for alpha, beta in ((0.95, 0.9), (0.5, 0.0), (0.95, torch.tensor(0.9, dtype=dtype, device=DEVICE))):
        hold(*both(triton_leak.leak, plain_leak, [current], (alpha, beta)), tolerance(dtype))


def test_a_leak_s_loss_whose_gradient_is_the_same_at_every_step():
    results = both(lambda x: triton_leak.leak(x, 0.9, 0.7).sum(0), lambda x: plain_leak(x, 0.9, 0.7).sum(0),
                   [draw(6, 2, 3)])
    hold(*results, 1e-9)
