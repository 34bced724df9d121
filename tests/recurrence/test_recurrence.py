"""The fused kernels against the plain loop: the same rounding forwards, gradients to 1e-5."""

import itertools

import pytest
import torch
from helpers.variants import SURROGATES, VARIANTS

from common import recurrence
from common.recurrence import fused, plain
from common.surrogate import Rectangle

SHAPES = [(1, 3, 4), (12, 3, 4), (7, 2, 3, 5, 4), (5, 2), (9,), (6, 2, 1500), (4, 0, 3)]


def run(loop, current, decay, gain, threshold, *variant):
    """Spikes, membrane, and the gradients of a loss on both with respect to current, decay and gain."""
    inputs = [value.clone().requires_grad_() for value in (current, decay, gain)]
    surrogate, reset, detach_reset, inclusive = variant
    spikes, membrane = loop(*inputs, threshold, surrogate, reset, detach_reset, inclusive)
    generator = torch.Generator().manual_seed(1)
    weights = torch.rand(2, *spikes.shape, generator=generator, dtype=spikes.dtype)
    loss = (weights[0] * spikes).sum() + (weights[1] * membrane.tanh()).sum()
    return spikes, membrane, torch.autograd.grad(loss, inputs)


def draw(shape, dtype, seed=0):
    return 1.5 * torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("reset, detach_reset, inclusive, surrogate", VARIANTS, ids=str)
def test_every_variant_equals_the_plain_loop(reset, detach_reset, inclusive, surrogate, dtype):
    for shape in SHAPES:
        current = draw(shape, dtype)
        decay, gain = 0.5 + draw(shape[1:], dtype, 2) / 4, 0.5 + draw(shape[1:], dtype, 3)
        variant = surrogate, reset, detach_reset, inclusive
        ours = run(fused.lif, current, decay, gain, 0.9, *variant)
        reference = run(plain.lif, current, decay, gain, 0.9, *variant)
        assert torch.equal(ours[0], reference[0])
        assert torch.equal(ours[1], reference[1])
        for mine, theirs in zip(ours[2], reference[2], strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)


def test_the_cases_above_do_fire_and_do_not_fire():
    spikes, _ = fused.lif(draw((12, 3, 4), torch.float32), 0.5, 1.0, 0.9, SURROGATES[0])
    assert 0.1 < spikes.mean() < 0.9


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_shared_decay_and_gain_get_the_summed_gradient(reset):
    current = draw((8, 3, 5), torch.float64)
    for shape in [(), (5,), (1, 5)]:
        shared = torch.full(shape, 0.7, dtype=torch.float64), torch.full(shape, 1.3, dtype=torch.float64)
        variant = SURROGATES[0], reset, True, False
        ours, reference = (run(loop, current, *shared, 1.0, *variant)[2] for loop in (fused.lif, plain.lif))
        for mine, theirs in zip(ours, reference, strict=True):
            assert mine.shape == theirs.shape
            torch.testing.assert_close(mine, theirs)


def test_the_gradient_of_a_smooth_spike_is_the_numerical_one():
    """A rectangle so wide that the membrane's own path carries all: finite differences of it agree."""
    current = draw((6, 2, 3), torch.float64).requires_grad_()
    decay = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    gain = torch.tensor(0.6, dtype=torch.float64, requires_grad=True)
    below = 100.0  # nothing fires: the recurrence is linear
    assert torch.autograd.gradcheck(
        lambda x, d, g: fused.lif(x, d, g, below, Rectangle(0.5), "zero")[1], (current, decay, gain))


@pytest.mark.parametrize("layout", ["channels_last", "time_last", "every_other", "static"])
def test_any_memory_layout_gives_the_same_and_is_left_as_it_is(layout):
    plain_copy = draw((5, 4, 3, 6, 7), torch.float32)
    if layout == "channels_last":
        current = plain_copy.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, (5, 4))
    elif layout == "time_last":
        current = plain_copy.movedim(0, -1).contiguous().movedim(-1, 0)
    elif layout == "every_other":
        current = torch.stack([plain_copy, -plain_copy], dim=-1).flatten(-2)[..., ::2]
    else:
        current = plain_copy[0].expand(5, -1, -1, -1, -1)
        plain_copy = current.contiguous()
    assert torch.equal(current, plain_copy)
    decay = 0.5 + draw((3, 6, 7), torch.float32, 2) / 4
    ours = run(fused.lif, current, decay, torch.ones(()), 0.9, SURROGATES[0], "subtract", True, False)
    reference = run(plain.lif, plain_copy, decay, torch.ones(()), 0.9, SURROGATES[0], "subtract", True, False)
    assert torch.equal(current, plain_copy)
    assert torch.equal(ours[0], reference[0]) and torch.equal(ours[1], reference[1])
    for mine, theirs in zip(ours[2], reference[2], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("surrogate", SURROGATES, ids=str)
def test_a_static_current_gives_the_spikes_and_the_gradient_of_the_plain_loop(surrogate, inclusive, reset, dtype):
    for shape in [(3, 4), (2, 3, 5, 4), (2, 1500), (0, 3), (4,)]:
        step, results = 0.6 * draw(shape, dtype), []
        for spikes_of in (lambda *a: recurrence.lif_spikes(*a), lambda *a: plain.lif(*a)[0]):
            x = step.clone().requires_grad_()
            spikes = spikes_of(x.expand(20, *shape), 0.75, 1.25, 0.9, surrogate, reset, True, inclusive)
            weights = torch.rand(spikes.shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
            results.append((spikes, *torch.autograd.grad((weights * spikes).sum(), x)))
        assert torch.equal(results[0][0], results[1][0])
        torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-5, atol=1e-5)


def test_a_static_current_keeps_its_memory_layout_and_stores_one_step():
    step = draw((4, 3, 6, 7), torch.float32).contiguous(memory_format=torch.channels_last).requires_grad_()
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: saved.append(x) or x, lambda x: x):
        spikes = recurrence.lif_spikes(step.expand(5, *step.shape), 0.9, 1.0, 0.9, SURROGATES[0])
    assert spikes[0].stride() == step.stride()
    assert [x.untyped_storage().nbytes() for x in saved] == [step.nbytes]
    spikes.sum(0).square().sum().backward()
    reference = step.detach().clone().requires_grad_()
    plain.lif(reference.expand(5, *step.shape), 0.9, 1.0, 0.9, SURROGATES[0])[0].sum(0).square().sum().backward()
    torch.testing.assert_close(step.grad, reference.grad, rtol=1e-5, atol=1e-5)


def test_a_static_leaf_gets_the_gradient_of_each_step():
    leaf = draw((3,), torch.float64).expand(6, 2, 3).requires_grad_()
    recurrence.lif_spikes(leaf, 0.9, 1.0, 0.9, SURROGATES[0]).cumsum(0).square().sum().backward()
    reference = leaf.detach().clone().requires_grad_()
    plain.lif(reference, 0.9, 1.0, 0.9, SURROGATES[0])[0].cumsum(0).square().sum().backward()
    torch.testing.assert_close(leaf.grad, reference.grad)


def test_gradients_of_a_static_loss_and_of_one_output_alone():
    current = draw((6, 2, 5), torch.float64)
    for choose in (lambda spikes, membrane: spikes.sum(0).square(), lambda spikes, membrane: membrane.sum(0)):
        grads = []
        for loop in (fused.lif, plain.lif):
            x = current.clone().requires_grad_()
            choose(*loop(x, 0.9, 1.0, 1.0, SURROGATES[0])).sum().backward()
            grads.append(x.grad)
        torch.testing.assert_close(*grads)


def test_nan_stays_nan_and_does_not_fire():
    current = torch.ones(3, 1, 2)
    current[1, 0, 0] = float("nan")
    spikes, membrane = fused.lif(current, 0.5, 1.0, 0.9, SURROGATES[0])
    assert membrane[1:, 0, 0].isnan().all() and not membrane[:, 0, 1].isnan().any()
    assert spikes[:, 0, 0].tolist() == [1, 0, 0]


def test_only_the_membrane_is_saved_for_backward():
    current = draw((6, 2, 5), torch.float32).requires_grad_()
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: saved.append(x) or x, lambda x: x):
        _, membrane = fused.lif(current, 0.9, 1.0, 1.0, SURROGATES[0])
    assert [x.data_ptr() for x in saved] == [membrane.data_ptr()]


def test_the_number_of_threads_changes_nothing_and_is_left_as_it_is():
    current, results = draw((7, 3, 5000), torch.float32), []
    variant = SURROGATES[0], "subtract", True, False
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(run(fused.lif, current, torch.tensor(0.9), torch.tensor(1.0), 1.0, *variant))
        assert torch.get_num_threads() == threads
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][2][0], results[1][2][0])


@pytest.mark.parametrize("reset, inclusive", list(itertools.product(["subtract", "zero"], [True, False])))
def test_without_gradient_the_spikes_are_the_same_and_take_one_array(reset, inclusive):
    for shape in SHAPES:
        current, decay = draw(shape, torch.float32), 0.5 + draw(shape[1:], torch.float32, 2) / 4
        settings = 0.9, SURROGATES[0], reset, True, inclusive
        for x in (current, current.transpose(-1, -2).contiguous().transpose(-1, -2) if len(shape) > 2 else current):
            for values in ((0.75, 1.25), (decay, torch.tensor(1.25))):
                with torch.no_grad():
                    spikes = recurrence.lif_spikes(x, *values, *settings)
                assert torch.equal(spikes, plain.lif(current, *values, *settings)[0])
                assert spikes.stride() == x.stride()
