"""Runs that an older commit made, kept in old_runs/: they are read, evaluated and continued by this one."""

import csv
import shutil

import pytest
import torch
from helpers.place import Place

from common.report import main as report
from common.running import checkpoint, record, translate
from common.training.loop import Progress

OLD = {"convnet": "mnist", "plifnet": "mnist", "paralif": "shd", "lif": "shd"}  # made at acc29b7


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("place"))


def copied(place, name):
    """The run directory, a copy."""
    runs = place.root / OLD[name] / "runs"
    return shutil.copytree(place.old_runs / name, runs / name, dirs_exist_ok=True)


@pytest.mark.parametrize("name", OLD)
def test_an_old_run_is_tested_as_it_was(place, name):
    path = copied(place, name)
    status, stdout, stderr = place.call(OLD[name], f"evaluate=runs/{name}")
    assert status == 0, stderr
    assert "differs from result.json" not in stderr
    assert f"test accuracy {record.read_result(path)['test_mean']:.2%}" in stdout


@pytest.mark.parametrize("name", ["plifnet", "lif"])
def test_an_old_run_goes_on(place, name):
    path = copied(place, name)
    before = record.read_config(path)["settings"]
    status, _, stderr = place.call(OLD[name], f"resume=runs/{name}", "num_epochs=3")
    assert status == 0, stderr
    with open(path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["threshold_" + list(record.read_result(path)["trials"][0]["firing_rates"])[0]] == ""  # came later
    assert record.read_config(path)["settings"] == before | {"num_epochs": 3}
    state = checkpoint.load(path / "trial_0" / "last.pt")
    assert state["progress"]["epoch"] == 3 and any(key.endswith(".threshold") for key in state["net"])


def test_old_runs_are_reported(place, capsys):
    report([str(place.old_runs), "--wide"])
    lines = [line for line in capsys.readouterr().out.splitlines() if "acc29b7" in line]
    assert len(lines) == len(OLD) + 1  # the residual net has no weights here, but its numbers
    assert sum("| resnet19" in line for line in lines) == 1


def test_a_threshold_that_was_saved_stays():
    net = torch.nn.Module()
    net.register_buffer("threshold", torch.tensor(1.0))
    outer = torch.nn.ModuleDict({"neuron": net})
    assert translate.state({}, outer) == {"neuron.threshold": 1.0}
    assert translate.state({"neuron.threshold": torch.tensor(3.0)}, outer) == {"neuron.threshold": 3.0}


def test_a_learnt_alpha_was_a_logarithm():
    saved = {"neuron.surrogate.log_alpha": torch.tensor(2.0).log(), "neuron.w": torch.tensor(0.5)}
    found = translate.state(saved, torch.nn.Module())
    assert set(found) == {"neuron.surrogate.alpha", "neuron.w"} and found["neuron.surrogate.alpha"].item() == 2


def test_a_score_that_was_a_number_is_one_of_several():
    found = translate.progress({"best_score": 0.5, "epoch": 1})
    assert found == {"best_score": (0.5,), "epoch": 1, "recorded": {}}
    assert translate.progress(found | {"best_score": (0.5, -1.0)}) == found | {"best_score": (0.5, -1.0)}


def test_what_spike_timing_records_lay_beside_the_other_fields():
    recorded = {"membrane": torch.zeros(3, 2), "threshold": torch.ones(3)}
    found = translate.progress({"best_score": (-1.0,), "epoch": 1, **recorded})
    assert found == {"best_score": (-1.0,), "epoch": 1, "recorded": recorded}
    assert translate.progress(found) == found and Progress(**found).recorded is found["recorded"]
