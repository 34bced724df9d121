"""The device of a run: what settings may name, and what of it torch sees."""

import pytest
import torch
from helpers.settings import settings_of

from common.running.experiment import _device


@pytest.mark.parametrize("name", ["auto", "cpu", "mps", "cuda", "cuda:1"])
def test_a_device_can_be_named(name):
    assert settings_of("mnist", f"device={name}")["device"] == name


@pytest.mark.parametrize("name", ["mps:1", "gpu", "cuda:", "cpu:0", "amps"])
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
