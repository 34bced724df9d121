"""The first ten losses and gradient norms of each data set's default net and others, in float64 on one thread.

Recorded anew, after a change that is meant to change them, from the root with: python -m tests.test_golden NAME ...
"""

import json
import sys
from pathlib import Path

import pytest
import torch
from helpers.settings import settings_of

from common import build
from common.data import encode, synthetic
from common.data.events import EventBatch

ROOT = Path(__file__).parents[1]


def images(num_steps):
    """(shape of an image, number of classes, ten batches of 16 drawn from a fixed generator: sequence, targets)."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(160, 1, 7, 7, generator=generator, dtype=torch.float64) ** 3
    images = torch.nn.functional.interpolate(images, scale_factor=4).unflatten(0, (10, 16))  # blocks, as strokes are
    targets = torch.randint(10, (10, 16), generator=generator)
    sequences = [encode.constant_current(image, num_steps) for image in images]
    return (1, 28, 28), 10, zip(sequences, targets, strict=True)


def spike_trains(num_steps):
    """(its shape, one output, the one input ten times: sequence, step to spike at)."""
    sequence = synthetic.bernoulli_train(num_steps, 100, seed=0)[:, None].double()
    return (100,), 1, [(sequence, torch.tensor([75]))] * 10


def frames(num_steps):
    """(shape of a frame, number of classes, ten batches of 4 recordings as counts in blocks: sequence, targets)."""
    generator = torch.Generator().manual_seed(0)
    rates = torch.rand(10, num_steps, 4, 2, 4, 4, generator=generator, dtype=torch.float64) ** 4
    counts = torch.poisson(2 * rates.repeat_interleave(8, -1).repeat_interleave(8, -2), generator=generator)
    return (2, 32, 32), 11, zip(counts, torch.randint(11, (10, 4), generator=generator), strict=True)


def events(num_steps):
    """(number of channels, number of classes, ten batches of 2 recordings of sparse events: sequence, targets)."""
    generator, batches = torch.Generator().manual_seed(0), []
    for _ in range(10):
        rows, units = (torch.rand(2 * num_steps, 700, generator=generator) < 0.03).nonzero(as_tuple=True)
        row_starts = torch.zeros(2 * num_steps + 1, dtype=torch.int64)
        row_starts[1:] = rows.bincount(minlength=2 * num_steps).cumsum(0)
        batches.append((EventBatch((num_steps, 2, 700), row_starts, units.int()),
                        torch.randint(20, (2,), generator=generator)))
    return (700,), 20, batches


CASES = {  # name -> (directory, arguments of its run.py, inputs)
    "mnist": ("mnist", (), images),
    "fashion_mnist": ("fashion_mnist", (), images),
    "temporal_coding": ("temporal_coding", (), spike_trains),
    "dvs_gesture": ("dvs_gesture", (), frames),
    "shd": ("shd", (), events),
    "resnet19": ("mnist", ("net=resnet19", "channels=4", "stem=4", "hidden_size=16"), images),
}


def losses_of(name):
    """Ten (loss, gradient norm) with the schedules of conf.py."""
    directory, arguments, inputs = CASES[name]
    settings = settings_of(directory, *arguments)
    in_shape, num_classes, batches = inputs(settings["num_steps"])
    torch.manual_seed(0)
    net = build.net(settings, in_shape, num_classes).double()
    optimizer, lr_schedule = build.optimizer(settings, net.parameters(), steps_per_epoch=10)
    thresholds, loss_fn = build.threshold_schedule(settings, list(net.neurons.values())), build.loss(settings)
    values = []
    for sequence, target in batches:
        loss = loss_fn(net(sequence), target)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in net.parameters()])
        optimizer.step(), lr_schedule.step(), thresholds.step()
        values += [loss.item(), norm.item()]
    return values


@pytest.mark.parametrize("name", CASES)
def test_the_first_ten_steps_are_as_recorded(name):
    recorded = json.loads((ROOT / "tests" / "golden" / f"{name}.json").read_text())
    assert len(recorded) == 20 and len(set(recorded[1::2])) == 10
    assert losses_of(name) == pytest.approx(recorded, rel=1e-6)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:]:
        (ROOT / "tests" / "golden" / f"{name}.json").write_text(json.dumps(losses_of(name), indent=1) + "\n")
