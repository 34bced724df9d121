import copy
import math

import pytest
import torch

from common import build

CONFIG = {
    "optimizer": "adam", "lr": 0.01, "lr_schedule": "none", "momentum": 0.855,
    "cosine_iterations": 50, "lr_step_epochs": 2, "lr_step_factor": 0.1,
}


def rates(steps_per_epoch=4, num_steps=130, **settings):
    """The learning rate of each iteration; the first is that of the first step."""
    optimizer, schedule = build.optimizer(CONFIG | settings, [torch.nn.Parameter(torch.ones(2))], steps_per_epoch)
    used = []
    for _ in range(num_steps):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return used


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_cosine_falls_for_half_a_period_and_rises_again(optimizer):
    used = rates(lr_schedule="cosine", optimizer=optimizer)
    assert used == pytest.approx([0.005 * (1 + math.cos(math.pi * n / 50)) for n in range(130)], abs=1e-12)
    assert [used[50], used[75], used[100]] == pytest.approx([0, 0.005, 0.01], abs=1e-12)


def test_the_cosine_over_epochs_is_torchs_stepped_once_an_epoch():
    used = rates(lr_schedule="cosine", cosine_iterations=0, cosine_epochs=8)  # of 4 steps each
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], 0.01)
    reference, wanted = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8), []
    for _ in range(33):
        wanted += 4 * reference.get_last_lr()
        optimizer.step(), reference.step()
    assert used == pytest.approx(wanted[:130], abs=1e-12)
    assert used[15] == pytest.approx(0.01 * (1 + math.cos(3 / 8 * math.pi)) / 2) and used[32] == pytest.approx(0)


@pytest.mark.parametrize("iterations, epochs", [(0, 0), (50, 8)])
def test_the_cosine_needs_one_length(iterations, epochs):
    with pytest.raises(ValueError, match="lr_schedule=cosine needs cosine_iterations or cosine_epochs"):
        rates(lr_schedule="cosine", cosine_iterations=iterations, cosine_epochs=epochs)


def test_steps_cut_the_rate_at_the_ends_of_epochs():
    used = rates(lr_schedule="step", num_steps=20)  # 8 iterations are 2 epochs
    assert used == pytest.approx([0.01] * 8 + [0.001] * 8 + [0.0001] * 4)


def test_without_a_schedule_the_rate_stays():
    assert rates() == [0.01] * 130


def test_sgd_takes_the_momentum_and_adam_none():
    optimizer, _ = build.optimizer(CONFIG | {"optimizer": "sgd"}, [torch.nn.Parameter(torch.ones(2))], 4)
    assert isinstance(optimizer, torch.optim.SGD) and optimizer.param_groups[0]["momentum"] == 0.855
    without = {key: value for key, value in CONFIG.items() if key != "momentum"}
    assert isinstance(build.optimizer(without, [torch.nn.Parameter(torch.ones(2))], 4)[0], torch.optim.Adam)


@pytest.mark.parametrize("optimizer, steps", [
    ("sgd", [0.01, 0.01 * (1 + 0.855), 0.01 * (1 + 0.855 + 0.855**2)]),  # of a gradient that is 1
    ("adam", [0.01, 0.01, 0.01]),
])
def test_the_first_steps_by_hand(optimizer, steps):
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    algorithm, _ = build.optimizer(CONFIG | {"optimizer": optimizer}, [weight], 4)
    for step in steps:
        before, weight.grad = weight.item(), torch.ones(1, dtype=torch.float64)
        algorithm.step()
        assert before - weight.item() == pytest.approx(step, rel=1e-6)


@pytest.mark.parametrize("schedule, others", [
    ("cosine", {}), ("cosine", {"cosine_iterations": 0, "cosine_epochs": 6}), ("step", {}), ("none", {})])
def test_a_state_dict_resumes_the_schedule(schedule, others):
    whole = rates(lr_schedule=schedule, num_steps=40, **others)
    used, states = [], None
    for part in (15, 25):
        settings = CONFIG | {"lr_schedule": schedule} | others
        optimizer, lr_schedule = build.optimizer(settings, [torch.nn.Parameter(torch.ones(2))], 4)
        if states:
            optimizer.load_state_dict(states[0]), lr_schedule.load_state_dict(states[1])
        for _ in range(part):
            used.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            lr_schedule.step()
        states = optimizer.state_dict(), lr_schedule.state_dict()
    assert used == whole


@pytest.mark.parametrize("name, algorithm, options", [
    ("sgd", torch.optim.SGD, {"momentum": 0.855}), ("adam", torch.optim.Adam, {}), ("adamax", torch.optim.Adamax, {})])
def test_it_goes_where_torchs_plain_optimizer_goes_and_on_from_its_state(name, algorithm, options):
    start = torch.randn(5, 7, dtype=torch.float64)
    weight, other = (torch.nn.Parameter(start.clone()) for _ in range(2))
    ours, plain = build.optimizer(CONFIG | {"optimizer": name}, [weight], 4)[0], algorithm([other], 0.01, **options)
    for _ in range(2):
        for _ in range(10):
            weight.grad, other.grad = (torch.sin(3 * parameter.detach()) for parameter in (weight, other))
            ours.step(), plain.step()
            torch.testing.assert_close(weight.detach(), other.detach(), rtol=1e-12, atol=1e-14)
        ours.load_state_dict(copy.deepcopy(plain.state_dict()))  # else they share its tensors
    assert not torch.allclose(weight, start, atol=0.05)
