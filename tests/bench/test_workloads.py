"""The two sides of a workload compute the same, and no less is counted than they could do with."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from common.bench.workloads import WORKLOADS, counts

EXACT = ("W3", "W4", "W7", "W8")  # nets of linear layers alone; a convolution's padding is not counted


@pytest.fixture(params=WORKLOADS)
def name(request):
    if "Jelly" in request.param:
        pytest.importorskip("spikingjelly")
    torch.manual_seed(0)
    return request.param


TRAINING = "W1 MNIST annealing, B 128, T 100, binarized"


def test_both_sides_of_a_workload_agree(name):
    work = WORKLOADS[name]
    steps = work.steps(**work.sizes | work.tiny | {"num_steps": 30})
    tolerance = 0.2 if "spsn" in name else 1e-4  # whose spikes are drawn, and whose peer wraps around
    tolerance = 0.5 if name.startswith("W6") and "'m'" in name else tolerance  # whose norm takes all steps together
    tolerance = 0.05 if "ResNet" in name else tolerance  # in whose depth a rounded current flips spikes
    for _ in range(2):  # the second step of a net is after an update of the weights
        results = [step().sum().item() for step in steps.values()]
        assert results[0] > 0
        assert results[0] == pytest.approx(results[1], rel=tolerance)


def test_no_more_products_are_counted_than_the_peer_takes(name):
    work = WORKLOADS[name]
    sizes = work.sizes | work.tiny
    step = work.steps(**sizes)["peer"]
    with FlopCounterMode(display=False) as counter:
        step()
    count, taken = work.count(**sizes), counter.get_total_flops()
    if name == "W1 evaluation: rates and operations counted beside not":
        taken = WORKLOADS[TRAINING].count(**sizes).dense_flop / 2  # its peer is ours, whose products nobody counts
    assert 0 <= count.least_flop <= count.dense_flop <= taken
    if name.startswith(EXACT):
        assert count.dense_flop == taken
    elif not name.startswith("LIF"):
        assert count.dense_flop > 0.3 * taken


def test_a_quick_look_is_no_larger(name):
    work = WORKLOADS[name]
    assert set(work.quick) <= set(work.sizes)
    assert all(value < work.sizes[key] for key, value in work.quick.items())


def test_products_and_bytes_by_hand():
    """Of 8 rows, the first layer's 3 x 2 weights see an input half of zeros; 2 x 5 weights hand a gradient back."""
    layers = [counts.Layer(6, 8, 0.5, False), counts.Layer(10, 8)]
    assert counts.count(layers, 100) == counts.Count(2 * (2 * 48 + 3 * 80), 2 * (48 + 80), 100 + 16 * 16)
