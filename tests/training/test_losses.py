import math

import pytest
import torch
from helpers.settings import settings_of
from snntorch import functional as SF
from snntorch import spikegen

from common import build
from common.training import losses
from common.training.losses import mse_count_loss, predict

RATES = [(0.8, 0.2), (1.0, 0.0), (0.29, 0.07)]


def spikes(num_steps, batch=6, num_classes=5, dtype=torch.float64):
    return (torch.rand(num_steps, batch, num_classes) < 0.4).to(dtype)


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("num_steps", [1, 7, 100])
def test_the_loss_and_its_gradient_equal_snntorch(num_steps, rates):
    target = torch.tensor([0, 1, 2, 3, 4, 0])
    mine = spikes(num_steps).requires_grad_()
    theirs = mine.detach().clone().requires_grad_()
    ours = mse_count_loss(mine, target, None, *rates)
    reference = SF.mse_count_loss(*rates)(theirs, target)
    torch.testing.assert_close(ours, reference)
    ours.backward(), reference.backward()
    torch.testing.assert_close(mine.grad, theirs.grad)
    assert num_steps == 1 or theirs.grad.abs().max() > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_wanted_counts_are_whole_for_every_number_of_steps(dtype):
    """int(0.29 · 100) is 28 and int(0.7 · 10) is 7, whatever the outputs' dtype: as snntorch's."""
    for num_steps in (10, 50, 100, 150, 180, 200, 300):
        for rate in (0.21, 0.29, 0.35, 0.7, 0.8, 0.2):
            wanted = int(rate * num_steps)
            output = torch.zeros(num_steps, 1, 1, dtype=dtype)
            output[:wanted] = 1
            assert mse_count_loss(output, torch.tensor([0]), correct_rate=rate) == 0, (num_steps, rate)


def test_the_loss_by_hand():
    output = torch.zeros(10, 1, 3)
    output[:8, 0, 0] = 1  # as wanted
    output[:5, 0, 1] = 1  # 3 too many
    #                       2 too few
    assert mse_count_loss(output, torch.tensor([0])).item() == pytest.approx((0 + 9 + 4) / 3 / 10)


@pytest.mark.parametrize("mask_dtype", [torch.bool, torch.float32, torch.int64])
def test_a_padded_sample_counts_as_if_alone(mask_dtype):
    """Two samples of 9 and 4 steps, the padding of the second full of spikes."""
    output, target, lengths = spikes(9, batch=2), torch.tensor([1, 3]), (9, 4)
    output[4:, 1] = 1
    mask = torch.zeros(9, 2, dtype=mask_dtype)
    for sample, length in enumerate(lengths):
        mask[:length, sample] = 1
    alone = [output[:length, k : k + 1] for k, length in enumerate(lengths)]
    expected = torch.stack([mse_count_loss(x, target[k : k + 1]) for k, x in enumerate(alone)]).mean()
    torch.testing.assert_close(mse_count_loss(output, target, mask), expected)
    assert predict(output, mask).tolist() == [predict(x).item() for x in alone]
    assert not torch.equal(mse_count_loss(output, target), mse_count_loss(output, target, mask))


def test_no_gradient_reaches_the_padding():
    output = spikes(9, batch=2).requires_grad_()
    mask = torch.ones(9, 2)
    mask[4:, 1] = 0
    mse_count_loss(output, torch.tensor([1, 3]), mask).backward()
    assert not output.grad[4:, 1].any() and output.grad[:4, 1].any() and output.grad[4:, 0].any()


def test_a_mask_of_ones_is_no_mask():
    output, target = spikes(7), torch.tensor([0, 1, 2, 3, 4, 0])
    assert torch.equal(mse_count_loss(output, target, torch.ones(7, 6)), mse_count_loss(output, target))


def test_the_class_that_spikes_most_is_predicted_and_the_first_of_equals():
    output = torch.tensor([[[0.0, 1, 1], [0, 0, 1]], [[0, 1, 0], [0, 1, 0]], [[0, 0, 0], [0, 0, 0]]])  # [T 3, B 2, K 3]
    assert predict(output).tolist() == [1, 1]  # counts [0, 2, 1] and [0, 1, 1]
    assert predict(torch.zeros(3, 2, 4)).tolist() == [0, 0]
    assert predict(output, torch.tensor([[1, 1], [1, 0], [1, 0]])).tolist() == [1, 2]


def test_build_hands_the_rates_on():
    loss = build.loss({"loss": "mse_count_loss", "correct_rate": 0.5, "incorrect_rate": 0.0})
    output = torch.zeros(10, 1, 2)
    output[:5, 0, 1] = 1
    assert loss(output, torch.tensor([1])) == 0
    assert loss(output, torch.tensor([0])).item() == pytest.approx((25 + 25) / 2 / 10)
    with pytest.raises(ValueError, match="loss must be one of 'mse_count_loss', .*, got 'mse'"):
        settings_of("mnist", "loss=mse")


@pytest.mark.parametrize("num_steps, spike_time, on_target", [(100, 75, 1.05), (100, 75, 55.0), (10, 1, 2), (7, 6, 1)])
def test_the_ramp_is_snntorch_s(num_steps, spike_time, on_target):
    theirs = spikegen.targets_latency(
        torch.tensor([0]), num_classes=1, num_steps=num_steps, first_spike_time=spike_time, on_target=on_target,
        off_target=0, interpolate=True)
    ramp = losses.membrane_ramp(torch.tensor([spike_time]), num_steps, on_target)
    assert ramp.shape == (num_steps, 1, 1)
    torch.testing.assert_close(ramp, theirs.reshape(num_steps, 1, 1))


def test_the_ramp_of_several_samples_by_hand():
    ramp = losses.membrane_ramp(torch.tensor([2, 4]), 5, 8.0)[..., 0]
    assert ramp.T.tolist() == [[0, 4, 8, 0, 0], [0, 2, 4, 6, 8]]


def test_the_membrane_loss_by_hand():
    output = torch.tensor([[[1.0], [0.0]], [[4.0], [0.0]], [[9.0], [0.0]]])  # [T = 3, B = 2, 1]; ramps 0 4 8 and 0 4 8
    target = torch.tensor([2, 2])
    assert losses.mse_membrane_loss(output, target, on_target=8.0) == (1 + 0 + 1 + 0 + 16 + 64) / 6
    mask = torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]])  # the second sample has two steps
    assert losses.mse_membrane_loss(output, target, mask, on_target=8.0) == (1 + 0 + 1 + 0 + 16) / 5


def test_the_first_spike_of_each_sample():
    spikes = torch.tensor([[0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]])[..., None]  # [T = 4, B = 3, 1]
    assert losses.first_spike_time(spikes).tolist() == [1, 0, 4]


def test_build_gives_the_membrane_loss_its_peak():
    loss = build.loss({"loss": "mse_membrane_loss", "on_target": 2.0})
    assert loss(torch.zeros(2, 1, 1), torch.tensor([1])) == 2  # (0 + 2 · 2) / 2


MASK = torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]])  # three steps and one
OUTPUT = torch.tensor([[[1.0, 5.0], [2.0, 4.0]], [[3.0, 0.0], [99.0, -99.0]], [[2.0, 4.0], [-99.0, 99.0]]])  # [T, B, K]


@pytest.mark.parametrize("reduce, first", [("mean", [2.0, 3.0]), ("max", [3.0, 5.0]), ("last", [2.0, 4.0])])
def test_a_sample_is_reduced_over_its_own_steps(reduce, first):
    masked = losses.reduced(OUTPUT, MASK, reduce)
    assert masked.tolist() == [first, [2.0, 4.0]]
    assert losses.reduced(OUTPUT[:, :1], None, reduce).tolist() == [first]


@pytest.mark.parametrize("reduce", ["mean", "max", "last"])
def test_padding_changes_neither_loss_nor_gradient(reduce):
    output = torch.randn(5, 1, 3, dtype=torch.float64, requires_grad=True)
    padded = torch.cat([output, torch.full((4, 1, 3), 1e3, dtype=torch.float64)])
    mask = torch.tensor([1.0] * 5 + [0.0] * 4)[:, None]
    target = torch.tensor([2])
    alone = losses.cross_entropy_loss(output, target, None, reduce)
    beside = losses.cross_entropy_loss(padded, target, mask, reduce)
    torch.testing.assert_close(alone, beside)
    grads = [torch.autograd.grad(loss, output, retain_graph=True)[0] for loss in (alone, beside)]
    assert grads[0].abs().max() > 0
    torch.testing.assert_close(*grads)


def test_cross_entropy_by_hand_and_what_it_predicts():
    config = {"loss": "cross_entropy", "reduce": "last"}
    loss = build.loss(config)(OUTPUT, torch.tensor([1, 0]), MASK)
    assert loss.item() == pytest.approx((math.log(1 + math.exp(-2)) + math.log(1 + math.exp(2))) / 2)
    assert build.prediction(config)(OUTPUT, MASK).tolist() == [1, 1]
    assert build.prediction({"loss": "mse_count_loss"}) is losses.predict


def test_an_unknown_reduction_is_named():
    with pytest.raises(ValueError, match="reduce must be 'mean', 'max' or 'last', got 'sum'"):
        losses.reduced(OUTPUT, MASK, "sum")


def test_the_rate_loss_by_hand():
    output = torch.tensor([[[1.0, 0.0]], [[0.5, 0.0]], [[0.0, 0.3]], [[0.5, 0.3]]])  # [T = 4, B = 1, K = 2]: .5 and .15
    loss = build.loss({"loss": "mse_rate_loss"})
    assert loss(output, torch.tensor([0])).item() == pytest.approx((0.5**2 + 0.15**2) / 2)
    mask = torch.tensor([1.0, 1.0, 0.0, 0.0])[:, None]  # .75 and 0 over its own two steps
    assert loss(output, torch.tensor([0]), mask).item() == pytest.approx((0.25**2 + 0) / 2)
