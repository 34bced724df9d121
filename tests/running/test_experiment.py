"""What is found before a run: the device that settings name, if torch sees it, and whether the net can be trained."""

import contextlib
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from helpers.settings import settings_of

from common.errors import UserError
from common.running import trial
from common.running.experiment import _device


@pytest.mark.parametrize("name", ["auto", "cpu", "mps", "cuda", "cuda:1"])
def test_a_device_can_be_named(name):
    assert settings_of("mnist", f"device={name}")["device"] == name


@pytest.mark.parametrize("name", ["mps:1", "gpu", "cuda:", "cpu:0", "amps", "cuda:00", "cuda:128", "cuda:\u0663"])
def test_another_device_is_refused(name):
    with pytest.raises(ValueError, match="device must be auto, cpu, mps, cuda or cuda:NUMBER, got"):
        settings_of("mnist", f"device={name}")


@pytest.mark.parametrize("num_gpus, mps, found", [
    (0, False, {"auto": "cpu", "cpu": "cpu", "mps": None, "cuda": None, "cuda:1": None}),
    (0, True, {"auto": "cpu", "mps": "mps", "cuda": None}),
    (1, False, {"auto": "cuda", "cpu": "cpu", "cuda": "cuda", "cuda:0": "cuda:0", "cuda:1": None}),
])
def test_auto_is_cuda_or_the_cpu_and_a_device_that_torch_does_not_see_is_named(monkeypatch, num_gpus, mps, found):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: num_gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: num_gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    for name, expected in found.items():
        if expected:
            assert _device(name) == torch.device(expected)
        else:
            kind = name.partition(":")[0].upper()
            with pytest.raises(ValueError, match=f"device={name}, but torch sees no such {kind} device; use"):
                _device(name)


@dataclass
class Samples:
    inputs: torch.Tensor
    labels: torch.Tensor

    def __len__(self):
        return len(self.labels)

    def batch(self, indices):
        return self.inputs[indices], self.labels[indices]


class Normed(torch.nn.Module):
    """A net whose norm needs two samples at least."""

    neurons = {}

    def __init__(self, *_):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(3)

    def forward(self, sequence):
        return self.norm(sequence[0])[None]


@pytest.mark.parametrize("num_samples, fits", [(32, True), (18, True), (17, False), (1, False)])
def test_an_epoch_s_last_batch_is_tried_before_training(monkeypatch, num_samples, fits):
    monkeypatch.setattr(trial.build, "net", Normed)
    inputs, labels = torch.rand(num_samples, 3), torch.arange(num_samples) % 3
    data = SimpleNamespace(train=Samples(inputs, labels), in_shape=(3,), num_classes=3)
    settings = {"loss": "cross_entropy", "reduce": "mean", "optimizer": "sgd", "lr": 0.1, "lr_schedule": "none",
                "batch_size": 16}
    with contextlib.nullcontext() if fits else pytest.raises(UserError, match=f"last batch, 1 of {num_samples} samples:"
                                                             " Expected more than 1 value"):
        trial.check(settings, data, lambda inputs: inputs[None], "cpu")
