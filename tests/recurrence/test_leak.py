"""The leaky integration against scipy's filter, the Fourier transform, closed forms, and its plain loop."""

from functools import partial

import numpy as np
import pytest
import torch
from helpers.drawn import uniform
from helpers.variants import LAYOUTS
from scipy.signal import lfilter

from common.recurrence import leak
from common.recurrence.leak import fused_leak, plain_leak

SHAPES = [(1, 3, 4), (12, 3, 4), (7, 2, 3, 5, 4), (5, 2), (9,), (6, 2, 1500), (4, 0, 3)]


draw = partial(uniform, low=-1.0)


def decays(shape, dtype):
    """alpha and beta in (0, 1)."""
    return 0.5 + draw(*shape, dtype=dtype, seed=2) / 2.5, 0.5 + draw(*shape, dtype=dtype, seed=3) / 2.5


def run(integrate, current, alpha, beta):
    """The membrane, and the gradients of a loss on it with respect to current, alpha and beta."""
    inputs = [value.clone().requires_grad_() for value in (current, alpha, beta)]
    membrane = integrate(*inputs)
    loss = (draw(*membrane.shape, dtype=membrane.dtype, seed=1) * membrane.sin()).sum()
    return membrane, torch.autograd.grad(loss, inputs)


def fourier(current, alpha, beta):
    """Both filters as products of spectra; 3T points are enough that nothing wraps around."""
    steps, size = np.arange(len(current)), 3 * len(current)
    spectrum = np.fft.rfft(alpha**steps, size) * np.fft.rfft((1 - beta) * beta**steps, size)
    return np.fft.irfft(np.fft.rfft(current, size, axis=0) * spectrum[:, None, None], size, axis=0)[: len(current)]


@pytest.mark.parametrize("alpha, beta", [(0.9512, 0.9512), (0.8, 0.3), (0.0, 0.6), (0.6, 0.0), (0.999, 0.998)])
def test_it_is_scipy_s_filter_and_the_product_of_spectra(alpha, beta):
    current = draw(400, 3, 5)
    reference = lfilter([1 - beta], [1, -(alpha + beta), alpha * beta], current.numpy(), axis=0)
    for dtype, tolerance in ((torch.float64, 1e-11), (torch.float32, 2e-4)):
        membrane = leak(current.to(dtype), alpha, beta)
        assert membrane.dtype == dtype
        np.testing.assert_allclose(membrane.numpy(), reference, rtol=0, atol=tolerance)
    np.testing.assert_allclose(leak(current, alpha, beta).numpy(), fourier(current.numpy(), alpha, beta), atol=1e-10)


def test_an_impulse_leaves_the_difference_of_two_exponentials():
    impulse, t = torch.zeros(30, 1, 1, dtype=torch.float64), np.arange(30)
    impulse[0] = 1
    expected = 0.25 * (0.75 ** (t + 1) - 0.5 ** (t + 1)) / (0.75 - 0.5)
    np.testing.assert_allclose(leak(impulse, 0.5, 0.75).flatten().numpy(), expected, rtol=1e-12)
    equal = 0.25 * (t + 1) * 0.75**t  # both decays the same
    np.testing.assert_allclose(leak(impulse, 0.75, 0.75).flatten().numpy(), equal, rtol=1e-12)


def test_the_membrane_by_hand():
    current = torch.tensor([1.0, 0.0, 2.0]).view(3, 1, 1)
    #  syn: 1 | 0.5 | 0.25 + 2       V: 0.25 | 0.1875 + 0.125 | 0.234375 + 0.5625
    assert leak(current, 0.5, 0.75).flatten().tolist() == [0.25, 0.3125, 0.796875]
    assert leak(current, 0.5, 0.0).flatten().tolist() == [1.0, 0.5, 2.25]


def test_a_constant_current_settles_at_the_synapse_s_gain():
    membrane = leak(torch.ones(1, 1, 1, dtype=torch.float64).expand(2000, 1, 1), 0.95, 0.9)
    assert membrane[-1].item() == pytest.approx(1 / (1 - 0.95))


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_kernels_equal_the_plain_loop(shape, dtype, tolerance):
    current = draw(*shape, dtype=dtype)
    for step in {shape[1:], shape[2:], ()}:  # a decay for each neuron and sample, for each neuron, for all
        ours, reference = (run(f, current, *decays(step, dtype)) for f in (fused_leak, plain_leak))
        assert torch.equal(ours[0], reference[0])
        for mine, theirs in zip(ours[1], reference[1], strict=True):
            assert mine.shape == theirs.shape
            scale = max(1.0, theirs.abs().max().item()) if theirs.numel() else 1.0
            torch.testing.assert_close(mine, theirs, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_as_decays_equal_the_plain_loop_with_gradients_of_the_current(dtype):
    current = draw(40, 3, 700, dtype=dtype)
    for alpha, beta in ((0.95, 0.9), (0.5, 0.0), (0.95, torch.tensor(0.9, dtype=dtype))):
        grads = []
        for integrate in (fused_leak, plain_leak):
            x = current.clone().requires_grad_()
            membrane = integrate(x, alpha, beta)
            grads.append((membrane.detach(), *torch.autograd.grad(membrane.square().sum(), x)))
        assert torch.equal(grads[0][0], grads[1][0])
        torch.testing.assert_close(grads[0][1], grads[1][1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("alpha, beta", [(0.9, 0.7), (0.4, 0.0), (0.0, 0.5)])
def test_the_gradients_are_the_numerical_ones(alpha, beta):
    for shape in ((), (3,), (2, 3)):
        inputs = draw(6, 2, 3), *(torch.full(shape, value, dtype=torch.float64) for value in (alpha, beta))
        assert torch.autograd.gradcheck(fused_leak, [value.requires_grad_() for value in inputs])


def test_the_gradient_of_a_decay_is_that_of_the_closed_form():
    """An impulse through V[1] = (1 - beta) (alpha + beta): dV/dalpha = 1 - beta, dV/dbeta = 1 - alpha - 2 beta."""
    impulse = torch.tensor([1.0, 0.0], dtype=torch.float64).view(2, 1, 1)
    alpha, beta = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (0.5, 0.125))
    leak(impulse, alpha, beta)[1].sum().backward()
    assert (alpha.grad.item(), beta.grad.item()) == pytest.approx((0.875, 0.25))


def test_float32_gradients_of_slow_decays_keep_their_digits():
    current, weights, grads = draw(1000, 2, 3), draw(1000, 2, 3, seed=1), []
    for integrate, dtype in ((plain_leak, torch.float64), (fused_leak, torch.float32)):
        slow = torch.full((2,), 1 - 2.0**-10, dtype=dtype, requires_grad=True)
        loss = (weights.to(dtype) * integrate(current.to(dtype), *slow)).sum()
        grads.append(torch.autograd.grad(loss, slow)[0])
    torch.testing.assert_close(grads[1].double(), grads[0], rtol=1e-5, atol=0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout_gives_the_same_and_is_left_as_it_is(layout):
    current, constants = LAYOUTS[layout](draw(5, 4, 3, 6, 7)), decays((3, 6, 7), torch.float64)
    copy = current.contiguous().clone()
    membrane, grads = run(lambda x, *rest: fused_leak(LAYOUTS[layout](x), *rest), current, *constants)
    reference, expected = run(lambda x, *rest: plain_leak(LAYOUTS[layout](x), *rest), copy, *constants)
    assert torch.equal(current, copy) and torch.equal(membrane, reference)
    for mine, theirs in zip(grads, expected, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_a_static_leaf_gets_the_gradient_of_each_step_and_one_step_the_sum():
    step = draw(2, 3).requires_grad_()
    leaf = step.detach().expand(6, 2, 3).requires_grad_()
    reference = leaf.detach().clone().requires_grad_()
    for x in (leaf, reference):
        (leak if x is leaf else plain_leak)(x, 0.9, 0.7).square().sum().backward()
    leak(step.expand(6, 2, 3), 0.9, 0.7).square().sum().backward()
    torch.testing.assert_close(leaf.grad, reference.grad)
    torch.testing.assert_close(step.grad, reference.grad.sum(0))


def test_a_loss_whose_gradient_is_the_same_at_every_step():
    grads = []
    for integrate in (fused_leak, plain_leak):
        x = draw(6, 2, 3).requires_grad_()
        integrate(x, 0.9, 0.7).sum(0).square().sum().backward()
        grads.append(x.grad)
    torch.testing.assert_close(*grads)


def test_nothing_is_saved_for_constant_decays_and_only_the_membrane_for_learnt_ones():
    saved, current = [], draw(6, 2, 5).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(lambda x: saved.append(x) or x, lambda x: x):
        leak(current, 0.9, 0.8)
        assert not saved
        membrane = leak(current, torch.tensor(0.9, dtype=torch.float64, requires_grad=True), 0.8)
    assert [x.data_ptr() for x in saved] == [membrane.data_ptr()]


def test_no_step_depends_on_a_later_one_and_nan_stays_nan():
    current = draw(12, 2, 5)
    changed = current.clone()
    changed[7:, 0, 0] = float("nan")
    before, after = leak(current, 0.9, 0.8), leak(changed, 0.9, 0.8)
    assert torch.equal(before[:7], after[:7]) and after[7:, 0, 0].isnan().all()
    assert torch.equal(before[:, 1], after[:, 1])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float16, torch.bfloat16])
def test_counts_and_half_precision_run_in_the_plain_loop(dtype):
    current = torch.tensor([1.0, 0.0, 2.0]).view(3, 1, 1)
    assert leak(current.to(dtype), 0.5, 0.75).flatten().tolist() == pytest.approx([0.25, 0.3125, 0.796875], rel=1e-2)


def test_the_number_of_threads_changes_nothing_and_is_left_as_it_is():
    current, results = draw(7, 3, 5000, dtype=torch.float32), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(run(fused_leak, current, *decays((5000,), torch.float32)))
        assert torch.get_num_threads() == threads
    assert torch.equal(results[0][0], results[1][0]) and torch.equal(results[0][1][0], results[1][1][0])
