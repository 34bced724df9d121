"""The benchmark's two sides compute the same, and its figures are of what it says."""

import time

import pytest
import torch

from common import bench


@pytest.mark.parametrize("name", bench.WORKLOADS)
def test_both_sides_of_a_workload_agree(name):
    make, _, tiny = bench.WORKLOADS[name]
    steps = make(**tiny | {"num_steps": 30})
    tolerance = 0.2 if "spsn" in name else 1e-4  # whose spikes are drawn, and whose peer wraps around
    tolerance = 0.5 if "'m'" in name else tolerance  # whose batch norm takes all steps together
    tolerance = 0.05 if "ResNet" in name else tolerance  # in whose depth a rounded current flips spikes
    for _ in range(2):  # the second step of a net is after an update of the weights
        results = [step().sum().item() for step in steps.values()]
        assert results[0] > 0
        assert results[0] == pytest.approx(results[1], rel=tolerance)


def test_times_are_medians_without_the_first_run():
    calls = {"quick": 0, "slow_at_first": 0}

    def step(name, first, later):
        def run():
            calls[name] += 1
            time.sleep(first if calls[name] == 1 else later)

        return run

    seconds = bench.times({"quick": step("quick", 0, 0), "slow_at_first": step("slow_at_first", 0.3, 0.02)}, repeats=3)
    assert calls == {"quick": 4, "slow_at_first": 4}
    assert seconds["quick"] < 0.01 <= seconds["slow_at_first"] < 0.2


def test_resident_memory_sees_a_tensor():
    before = bench.resident("VmRSS")
    tensor = torch.ones(25 * 2**20)  # 100 MB
    assert 90 < bench.resident("VmRSS") - before < 130
    assert bench.resident("VmHWM") >= bench.resident("VmRSS") > tensor.numel() / 2**20


def test_a_peer_that_is_not_installed_is_named_and_the_rest_is_timed(monkeypatch, capsys):
    def absent():
        raise ModuleNotFoundError("No module named 'peer'", name="peer")

    monkeypatch.setattr(bench, "WORKLOADS", {"missing": (absent, {}, {})})
    monkeypatch.setattr("sys.argv", ["bench"])
    bench.main()
    assert "| missing | peer is not installed: see requirements-dev.txt |" in capsys.readouterr().out
