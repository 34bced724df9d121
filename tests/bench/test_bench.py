"""The benchmark's figures are of what it says; what is measured survives an interruption."""

import json
import mmap
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from helpers.place import ROOT

from common import bench
from common.bench import limits, measure, sweep, table
from common.bench.workloads import Workload
from common.bench.workloads.counts import Count

MACHINE = {"float32": 1e9, "bf16": 4e9, "memory": 1e8}


def fake(steps, sizes=None, quick=None):
    return Workload(steps, lambda **_: Count(2e6, 1e6, 8.0), sizes or {}, quick or {}, {})


def instant(**_):
    return {side: lambda: torch.ones(3) for side in ("peer", "ours")}


def interrupted():
    raise KeyboardInterrupt


def absent():
    raise ModuleNotFoundError("No module named 'peer'", name="peer")


@pytest.fixture
def workloads(monkeypatch):
    chosen = {}
    monkeypatch.setattr(bench, "WORKLOADS", chosen)
    monkeypatch.setattr(limits, "measured", lambda: MACHINE)
    monkeypatch.setattr(measure, "peak", lambda *_: 3.0)
    return chosen


def test_times_are_of_each_step_in_turns():
    calls = []
    steps = {"quick": lambda: calls.append("quick"), "slow": lambda: (calls.append("slow"), time.sleep(0.02))}
    seconds = measure.times(steps, repeats=4, budget=60)
    assert calls == ["quick", "slow"] * 4 and len(seconds["quick"]) == len(seconds["slow"]) == 4
    assert min(seconds["slow"]) >= 0.02


def test_beyond_the_budget_three_repetitions_are_enough():
    assert len(measure.times({"slow": lambda: time.sleep(0.01)}, repeats=11, budget=0)["slow"]) == 3


def test_resident_memory_sees_new_pages():
    before = measure.resident("VmRSS")
    pages = np.frombuffer(mmap.mmap(-1, 100 * 2**20), np.uint8)  # a tensor may lie where another was
    pages[:] = 1
    assert 90 < measure.resident("VmRSS") - before < 130
    assert measure.resident("VmHWM") >= measure.resident("VmRSS") > 100


ALONE = """
import torch
from common.bench import measure
from common.bench.workloads import Workload
def steps(size):
    held = torch.ones(size * 2**18)  # `size` MB
    return {"ours": lambda: (held + 1).sum()}
print(measure.own_peak(Workload(steps, None, {"size": 200}, {}, {"size": 1}), "ours"))
"""


def test_the_peak_is_of_the_step_alone():
    peak = subprocess.run([sys.executable, "-c", ALONE], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert 180 < float(peak) < 230


def test_a_limit_is_the_slower_of_products_and_bytes():
    count = Count(dense_flop=8e9, least_flop=1e9, bytes=2e8)
    assert limits.seconds(count, MACHINE, "float32") == {"dense": 8.0, "least": 2.0}
    assert limits.seconds(count, MACHINE, "bf16") == {"dense": 2.0, "least": 2.0}


def test_limits_are_measured(monkeypatch):
    for name, value in {"SIDE": 128, "NUM_PRODUCTS": 3, "LARGE": 2**21}.items():
        monkeypatch.setattr(limits, name, value)
    machine = limits.measured()
    assert set(machine) == set(MACHINE) and all(1e7 < limit < 1e16 for limit in machine.values())


def test_a_row_by_hand():
    result = {"reduced": {"batch_size": 4}, "first": {"peer": 2.5, "ours": 2.25}, "peak_mb": {"peer": 40, "ours": 10},
              "median_seconds": {"peer": 3.0, "ours": 0.5}, "limit_seconds": {"dense": 0.4, "least": 0.1}}
    assert table.row("net", result) == ("| net (here batch_size 4) | 3000 | 500.0 | 6.0× | 40 | 10 | 0.25 "
                                        "| 400.0 / 100.0 | 80% / 20% | 2.5 / 2.25 |")
    same = result | {"peak_mb": {}, "reduced": {}, "limit_seconds": {"dense": 0.4, "least": 0.4}}
    assert table.row("net", same) == "| net | 3000 | 500.0 | 6.0× | – | – | – | 400.0 | 80% | 2.5 / 2.25 |"
    assert {line.count("|") for line in table.HEADER.splitlines()} == {table.row("net", same).count("|")}


def test_all_that_was_measured_is_written(workloads, tmp_path, capsys):
    workloads.update({"W1 first": fake(instant, {"size": 7}, {"size": 5}), "W2 second": fake(instant)})
    bench.main(["w1", "--json", str(tmp_path / "bench.json")])
    content = json.loads((tmp_path / "bench.json").read_text())
    (result,) = content["workloads"].values()
    assert result["sizes"] == {"size": 7} and len(result["seconds"]["ours"]) == 11
    assert result["median_seconds"]["peer"] == sorted(result["seconds"]["peer"])[5]
    assert result["peak_mb"] == {"peer": 3.0, "ours": 3.0} and result["first"] == {"peer": 3.0, "ours": 3.0}
    assert result["limit_seconds"] == {"dense": 2e-3, "least": 1e-3} and result["count"]["bytes"] == 8.0
    assert content["limits"] == MACHINE and {"git_commit", "versions", "threads"} <= set(content)
    out = capsys.readouterr().out
    assert "| W1 first |" in out and "second" not in out and "1 GFLOP/s in float32, 4 in bf16, memory 0.1 GB/s" in out


def test_a_quick_look_says_what_is_smaller(workloads, tmp_path, capsys):
    workloads["W1 net, T 100"] = fake(instant, {"num_steps": 100}, {"num_steps": 5})
    bench.main(["--quick", "--json", str(tmp_path / "bench.json")])
    (result,) = json.loads((tmp_path / "bench.json").read_text())["workloads"].values()
    assert result["sizes"] == {"num_steps": 5} and len(result["seconds"]["ours"]) == 3 and not result["peak_mb"]
    assert "| W1 net, T 100 (here num_steps 5) |" in capsys.readouterr().out


def test_an_interruption_leaves_the_finished_rows(workloads, tmp_path, capsys):
    workloads.update({"W1 done": fake(instant), "W2 stopped": fake(interrupted), "W3 never": fake(instant)})
    with pytest.raises(SystemExit):
        bench.main(["--json", str(tmp_path / "bench.json")])
    assert list(json.loads((tmp_path / "bench.json").read_text())["workloads"]) == ["W1 done"]
    out = capsys.readouterr().out
    assert "| W1 done |" in out and "torch" in out and "W2" not in out and "W3" not in out


def test_a_peer_that_is_not_installed_is_named_and_the_rest_is_timed(workloads, capsys):
    workloads.update({"missing": fake(absent), "there": fake(instant)})
    bench.main([])
    out = capsys.readouterr().out
    assert "| missing | peer is not installed: see requirements-dev.txt |" in out and "| there |" in out


@pytest.mark.parametrize("arguments, message", [
    (["W9"], "there are: W1 net"),
    (["--plot", "bench.txt"], "must end in .png"),
    (["--json", "absent/bench.json"], "cannot write absent/bench.json"),
])
def test_a_mistake_is_named_before_anything_is_timed(workloads, arguments, message, capsys):
    workloads["W1 net"] = fake(interrupted)
    with pytest.raises(SystemExit):
        bench.main(arguments)
    assert message in capsys.readouterr().err


def test_the_sweep_is_drawn(workloads, tmp_path, monkeypatch):
    workloads["W1 net"] = fake(instant)
    monkeypatch.setattr(sweep, "CENTRE", {"num_steps": 4, "batch_size": 1, "size": 8})
    monkeypatch.setattr(sweep, "SWEPT", {"num_steps": [2, 4], "batch_size": [1], "size": [8]})
    bench.main(["--quick", "--plot", str(tmp_path / "bench.png"), "--json", str(tmp_path / "bench.json")])
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")
    seconds = json.loads((tmp_path / "bench.json").read_text())["sweep"]["seconds"]
    assert list(seconds) == ["num_steps", "batch_size", "size"] and len(seconds["num_steps"]["4"]["peer"]) == 9
