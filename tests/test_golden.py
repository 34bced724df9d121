"""The first ten losses and gradient norms of each data set's default net, in float64 on one thread, as recorded.

Made anew, after a change that is meant to change them, from the root with: python -m tests.test_golden
"""

import json
from pathlib import Path

import pytest
import torch

from common import annealing, encode, losses, nets, optim
from common.config import resolve
from common.data import synthetic

ROOT = Path(__file__).parents[1]
DIRECTORIES = ["mnist", "fashion_mnist", "temporal_coding"]


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


def losses_of(directory):
    """Ten (loss, gradient norm) with the schedules of conf.py."""
    conf = {}
    exec((ROOT / directory / "conf.py").read_text(), conf)
    settings = resolve(conf["config"], conf["conditional"])
    in_shape, num_classes, batches = (spike_trains if "case" in settings else images)(settings["num_steps"])
    torch.manual_seed(0)
    net = nets.build(settings, in_shape, num_classes).double()
    optimizer, lr_schedule = optim.build(settings, net.parameters(), steps_per_epoch=10)
    thresholds, loss_fn = annealing.build(settings, list(net.neurons.values())), losses.build(settings)
    values = []
    for sequence, target in batches:
        loss = loss_fn(net(sequence), target)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in net.parameters()])
        optimizer.step(), lr_schedule.step(), thresholds.step()
        values += [loss.item(), norm.item()]
    return values


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_the_first_ten_steps_are_as_recorded(directory):
    recorded = json.loads((ROOT / "tests" / "golden" / f"{directory}.json").read_text())
    assert len(recorded) == 20 and len(set(recorded[1::2])) == 10
    assert losses_of(directory) == pytest.approx(recorded, rel=1e-6)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in DIRECTORIES:
        (ROOT / "tests" / "golden" / f"{name}.json").write_text(json.dumps(losses_of(name), indent=1) + "\n")
