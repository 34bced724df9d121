"""Epochs: their order and steps, where they stop and go on, and which is the best."""

import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from common.training import loop


class Split:
    """`num_samples` random inputs [4] of three classes; or the inputs and targets given."""

    def __init__(self, inputs=None, target=None, num_samples=22):
        generator = torch.Generator().manual_seed(1)
        self.inputs = torch.randn(num_samples, 4, generator=generator) if inputs is None else inputs
        self.target = torch.randint(3, (num_samples,), generator=generator) if target is None else target

    def __len__(self):
        return len(self.target)

    def batch(self, indices):
        return self.inputs[indices], self.target[indices]


def predict(output, mask):
    return output.argmax(-1)


def make(seed=0):
    """Everything that a trial trains: (network with dropout and batch norm, optimizer, progress)."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
    return net, torch.optim.Adam(net.parameters(), lr=0.05), loop.Progress()


def train(net, optimizer, progress, loss_fn=F.cross_entropy, split=None, **others):
    split = split or Split()
    batches = loop.batch_order(len(split), 5, 7, progress.epoch)
    loop.train_epoch(net, split, lambda x: x, loss_fn, optimizer, batches, progress, predict, **others)


def test_an_epoch_visits_every_sample_once_in_batches():
    batches = loop.batch_order(10, 4, seed=3, epoch=0)
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert sorted(torch.cat(batches).tolist()) == list(range(10))


def test_the_order_depends_on_seed_and_epoch_and_on_nothing_else():
    def order(seed, epoch):
        return torch.cat(loop.batch_order(50, 7, seed, epoch)).tolist()

    first = order(0, 1)
    torch.manual_seed(99)
    assert order(0, 1) == first
    assert len({tuple(order(seed, epoch)) for seed in range(4) for epoch in range(4)}) == 16


@pytest.mark.parametrize("stop_after", [1, 3, 5])
def test_an_epoch_resumed_in_its_middle_ends_as_an_unbroken_one(stop_after):
    net, optimizer, progress = make()
    train(net, optimizer, progress)

    begun, kept = make(), {}

    def stop():
        if begun[2].step == stop_after:
            kept.update(copy.deepcopy({"net": begun[0].state_dict(), "optimizer": begun[1].state_dict(),
                                       "progress": begun[2], "generator": torch.get_rng_state()}))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train(*begun, after_step=[stop])
    other = make(seed=1)
    other[0].load_state_dict(kept["net"])
    other[1].load_state_dict(kept["optimizer"])
    torch.set_rng_state(kept["generator"])
    train(*other[:2], kept["progress"])
    assert kept["progress"] == progress and progress.step == 5 and progress.num_seen == 22
    states = net.state_dict(), other[0].state_dict()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not torch.equal(net[0].weight, make()[0][0].weight)


@pytest.mark.parametrize("loss_fn", [
    lambda output, target, mask: output.sum() * torch.nan,
    lambda output, target, mask: output.sum() * torch.inf,
    lambda output, target, mask: (output.sum() * 0).sqrt(),  # 0, with a gradient of 0 / 0
])
def test_a_loss_or_gradient_that_is_not_finite_stops_before_the_step(loss_fn):
    net, optimizer, progress = make()
    weights = copy.deepcopy(list(net.parameters()))
    with pytest.raises(loop.Diverged, match="iteration 1"):
        train(net, optimizer, progress, loss_fn)
    assert all(torch.equal(a, b) for a, b in zip(weights, net.parameters(), strict=True))
    assert progress == loop.Progress() and not optimizer.state


def one_weight():
    """(network y = 2 x, plain gradient descent at lr 0.1, one sample x = 3)."""
    net = nn.Linear(1, 1, bias=False)
    nn.init.constant_(net.weight, 2.0)
    return net, torch.optim.SGD(net.parameters(), lr=0.1), Split(torch.tensor([[3.0]]), torch.tensor([0]))


def test_a_step_by_hand_with_penalties():
    net, optimizer, split = one_weight()
    progress, seen = loop.Progress(), []
    train(net, optimizer, progress, lambda output, target, mask: output.mean(), split,
          penalties=[lambda net: net.weight.square().sum(), lambda net: 0.5 * net.weight.sum()],
          after_step=[lambda: seen.append(net.weight.item())])
    assert seen == [pytest.approx(2 - 0.1 * (3 + 2 * 2 + 0.5))]  # d/dw of 3 w + w² + w / 2 at w = 2
    assert progress.iteration == progress.step == progress.num_seen == progress.num_correct == 1


def test_an_evaluation_weighs_samples_equally_and_draws_nothing():
    split = Split(torch.tensor([[1.0, 0.0], [0.0, 1.0], [5.0, 0.0]]), torch.tensor([0, 0, 0]))
    net, generator = nn.Dropout(0.9), torch.get_rng_state()
    loss, accuracy = loop.evaluate(
        net, split, lambda x: x, lambda output, target, mask: output[:, 0].mean(), predict, batch_size=2)
    assert (loss, accuracy) == (pytest.approx(6 / 3), pytest.approx(2 / 3))
    assert torch.equal(torch.get_rng_state(), generator)


@pytest.mark.parametrize("equal_is_better", [False, True])
def test_of_equal_epochs_the_first_is_the_best_or_the_last(equal_is_better):
    progress = loop.Progress()
    better = [progress.end_epoch({"val_accuracy": value}, (value,), equal_is_better)
              for value in (0.0, 0.5, 0.5, 0.4, 0.6)]
    assert better == [True, True, equal_is_better, False, True]
    assert (progress.epoch, progress.best_epoch, progress.best_score) == (5, 5, (0.6,))
    assert [row["val_accuracy"] for row in progress.rows] == [0.0, 0.5, 0.5, 0.4, 0.6]


def test_a_second_number_breaks_ties():
    progress = loop.Progress()
    scores = [(0.4, -1.59), (0.4, -1.30), (0.4, -1.30), (0.3, -1.0), (0.4, -1.31)]
    assert [progress.end_epoch({}, score) for score in scores] == [True, True, False, False, False]
    assert progress.best_epoch == 2


def test_the_end_of_an_epoch_adds_its_time_and_clears_its_sums():
    progress = loop.Progress(iteration=4, seconds=2.0, step=4, num_seen=20, num_correct=3, loss_sum=2.0,
                             epoch_seconds=1.5)
    row = {"val_accuracy": 0.5}
    progress.end_epoch(row, score=(0.5,))
    assert progress == loop.Progress(epoch=1, iteration=4, rows=[row], best_epoch=1, best_score=(0.5,), seconds=3.5)


@pytest.mark.parametrize("epoch, best_epoch, patience, ended", [
    (0, 0, 1, False), (9, 9, 1, False), (10, 10, 0, True), (12, 1, 0, True), (4, 1, 0, False),
    (4, 1, 3, True), (4, 2, 3, False), (4, 3, 1, True),
])
def test_a_trial_ends_after_its_epochs_or_its_patience(epoch, best_epoch, patience, ended):
    progress = loop.Progress(epoch=epoch, best_epoch=best_epoch)
    assert progress.has_ended(10, patience) is ended


def test_gradients_are_clipped_to_one_norm_of_all():
    net = torch.nn.Linear(1, 1, bias=False).double()
    net.weight.data.fill_(2.0)
    split = SimpleNamespace(batch=lambda indices: (torch.full((1, 1), 3.0).double(), torch.zeros(1)))
    for limit, moved in ((10.0, 3.0), (1.5, 1.5)):
        net.weight.data.fill_(2.0)
        optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
        loop.train_epoch(net, split, lambda x: x, lambda output, target, mask: output.mean(), optimizer,
                             [torch.tensor([0])], loop.Progress(), predict, clip_grad_norm=limit)
        assert net.weight.item() == pytest.approx(2 - moved, abs=1e-5)


def test_the_mask_of_the_sequence_reaches_loss_and_prediction():
    seen = []
    sequence = SimpleNamespace(mask="the mask")
    split = SimpleNamespace(batch=lambda indices: (sequence, torch.zeros(1)))
    net = torch.nn.Linear(1, 1)
    net.forward = lambda x: net.weight.sum() * torch.ones(1, 1)

    def loss_fn(output, target, mask):
        seen.append(mask)
        return output.mean()

    def predict(output, mask):
        seen.append(mask)
        return output[:, 0]

    loop.train_epoch(net, split, lambda x: x, loss_fn, torch.optim.SGD(net.parameters(), 0.1),
                         [torch.tensor([0])], loop.Progress(), predict)
    assert seen == ["the mask"] * 2
