import pytest
import torch
from torch import nn

from common.neurons import LIF
from common.surrogate import FastSigmoid
from common.training.annealing import LinearAnnealing, ThresholdAnnealing


def neurons(*thresholds):
    return [LIF(0.9, theta, FastSigmoid(10.0)).double() for theta in thresholds]


def run(schedule, num_steps):
    """The thresholds after each step, [num_steps, layers]."""
    trajectory = []
    for _ in range(num_steps):
        schedule.step()
        trajectory.append([neuron.threshold.item() for neuron, *_ in schedule.layers])
    return torch.tensor(trajectory, dtype=torch.float64)


@pytest.mark.parametrize("start, final, rate", [
    (11.5, 15.75, 0.024), (0.625, 4.125, 0.0011), (50.0, 5.0, 0.1), (1.0, 2.0, 0.0), (1.0, 2.0, 1.0), (3.0, 3.0, 0.5)])
def test_exponential_annealing_is_the_geometric_series(start, final, rate):
    thresholds = run(ThresholdAnnealing(neurons(start), [final], [rate]), 300)[:, 0].tolist()
    assert thresholds == pytest.approx([final + (start - final) * (1 - rate) ** n for n in range(1, 301)], rel=1e-12)


@pytest.mark.parametrize("start, final, rate, expected", [
    (2.0, 3.0, 0.25, [2.25, 2.5, 2.75, 3.0, 3.0, 3.0]),
    (3.0, 2.0, 0.25, [2.75, 2.5, 2.25, 2.0, 2.0, 2.0]),
    (2.0, 3.0, 0.375, [2.375, 2.75, 3.0, 3.0, 3.0, 3.0]),  # the last stride is cut short
    (2.0, 3.0, 1.0, [3.0] * 6),
    (2.0, 3.0, 0.0, [2.0] * 6),
    (2.0, 2.0, 0.5, [2.0] * 6),
])
def test_linear_annealing_walks_in_equal_strides_and_stops_at_final(start, final, rate, expected):
    assert run(LinearAnnealing(neurons(start), [final], [rate]), 6)[:, 0].tolist() == expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("start, final, rate", [
    (11.666, 15.983, 0.024), (15.983, 11.666, 0.024), (6.9, 14.0456, 0.0368)])
def test_linear_annealing_reaches_final_in_awkward_numbers_too(start, final, rate, dtype):
    (neuron,) = neurons(start)
    schedule = LinearAnnealing([neuron.to(dtype)], [final], [rate])
    run(schedule, int(1 / rate) + 1)
    assert neuron.threshold.item() == torch.tensor(final, dtype=dtype).item()
    run(schedule, 5)
    assert neuron.threshold.item() == torch.tensor(final, dtype=dtype).item()


@pytest.mark.parametrize("schedule", [ThresholdAnnealing, LinearAnnealing])
def test_each_layer_goes_its_own_way_and_only_the_thresholds_move(schedule):
    net = nn.Sequential(*neurons(1.0, 4.0), nn.Linear(2, 2).double())
    before = {name: value.clone() for name, value in net.state_dict().items()}
    schedule(net[:2], [2.0, 2.0], [0.5, 0.25]).step()
    assert [neuron.threshold.item() for neuron in net[:2]] == [1.5, 3.5]
    moved = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"0.threshold", "1.threshold"}
    assert not any(neuron.threshold.requires_grad for neuron in net[:2])


@pytest.mark.parametrize("schedule", [ThresholdAnnealing, LinearAnnealing])
def test_a_state_dict_resumes_the_thresholds(schedule):
    """A resumed run builds its schedule on the untrained net, then loads the state."""
    whole, first, second = (nn.Sequential(*neurons(5.0)) for _ in range(3))
    expected = run(schedule(whole, [50.0], [0.1]), 8)
    run(schedule(first, [50.0], [0.1]), 3)
    resumed = schedule(second, [50.0], [0.1])
    second.load_state_dict(first.state_dict())
    assert torch.equal(run(resumed, 5), expected[3:])


def test_no_gradient_enters_and_a_step_after_the_backward_pass_leaves_it_alone():
    (neuron,) = neurons(1.0)
    current = torch.rand(5, 2, 3, dtype=torch.float64, requires_grad=True)
    neuron(current).sum().backward()
    ThresholdAnnealing([neuron], [2.0], [0.5]).step()
    assert neuron.threshold.item() == 1.5 and neuron.threshold.grad is None


def test_a_step_before_the_backward_pass_does_not_change_its_gradient():
    current = torch.rand(5, 2, 3, dtype=torch.float64)
    grads = []
    for moves in (False, True):
        (neuron,), x = neurons(1.0), current.clone().requires_grad_()
        spikes = neuron(x)
        if moves:
            ThresholdAnnealing([neuron], [2.0], [0.5]).step()
        spikes.sum().backward()
        grads.append(x.grad)
    assert torch.equal(*grads)


@pytest.mark.parametrize("schedule", [ThresholdAnnealing, LinearAnnealing])
@pytest.mark.parametrize("finals, rates, message", [
    ([2.0], [0.1, 0.1], "as many"), ([2.0, 2.0], [0.1], "as many"), ([2.0] * 3, [0.1] * 3, "as many"),
    ([], [], "as many"), ([2.0, 2.0], [0.1, 1.1], "lie in"), ([2.0, 2.0], [-0.1, 0.1], "lie in"),
    ([2.0, 2.0], [0.1, float("nan")], "lie in"), ([2.0, 0.0], [0.1, 0.1], "exceed 0"),
    ([-2.0, 2.0], [0.1, 0.1], "exceed 0"), ([float("nan"), 2.0], [0.1, 0.1], "exceed 0"),
])
def test_wrong_lengths_and_ranges_are_refused(schedule, finals, rates, message):
    with pytest.raises(ValueError, match=message):
        schedule(neurons(1.0, 1.0), finals, rates)
