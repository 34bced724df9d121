"""What users type in dvs_gesture/, each in a process of its own, on a few recordings of moving bars."""

import csv
import json
import runpy
from signal import SIGKILL
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.place import ROOT, equal, timeless, weights

from common.running import checkpoint, command, record
from common.tasks import classification

SMALL = ["num_trials=1", "num_epochs=2", "batch_size=8", "val_fraction=0.25"]
PLIF = ["net=plifnet", "downsample=8", "num_steps=6", "num_layers=2", "channels=8", "hidden_size=32", "lr=0.01"]
NETS = {
    "binarized": ["num_steps=12", "num_steps_test=20", "dt_ms=50.0", "channels=[2,4]"],
    "float": ["binarize=False", "num_steps=6", "num_steps_test=6", "split_by=time", "channels=[2,4]",
              "normalization=max"],
    "layer": [*PLIF, "val_split=users", "val_users=[2]"],
    "neuron": [*PLIF, "tau=neuron", "pool=average", "augment=True"],
    "held": [*PLIF, "tau=neuron", "pool=average", "augment=True", "tau_penalty=30.0"],
    "fixed": [*PLIF, "tau=fixed", "learn_surrogate=True"],
}
LAYERS = ["conv1", "conv2", "fc1", "fc2"]


@pytest.fixture(scope="module")
def place(gesture_place):
    return gesture_place


def call(place, *arguments, **others):
    return place.call("dvs_gesture", *arguments, **others, XDG_CACHE_HOME=str(place.root / "cache"))


def train(place, *arguments, **others):
    usual = [*SMALL, f"data_dir={place.data}"]
    if "val_split=users" in arguments:
        usual.remove("val_fraction=0.25")
    return place.attempt("dvs_gesture", usual, *arguments, **others, XDG_CACHE_HOME=str(place.root / "cache"))


def metrics(path):
    with open(path / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def runs(place):
    """{name of NETS: (run directory, stderr)}, made when asked for."""
    made = {}

    def run(name):
        if name not in made:
            path, status, _, stderr = train(place, *NETS[name])
            assert status == 0, stderr
            made[name] = path, stderr
        return made[name]

    return run


@pytest.mark.parametrize("name", NETS)
def test_every_kind_of_net_trains_and_leaves_what_is_documented(runs, name):
    path, stderr = runs(name)
    assert "your own set in the layout of DVS128 Gesture" in stderr
    result = record.read_json(path / "result.json")
    held_out = 12 if name == "layer" else 6
    assert result["data"]["stand_in"] and result["data"]["num_train"] == 24 - held_out
    (trial,) = result["trials"]
    operations = trial["synaptic_operations"]
    assert 0 <= trial["test"] <= 1 and operations["dense"] > operations["effective_acs"] + operations["effective_macs"]
    figures = {file.stem for file in (path / "figures").glob("*.png")}
    usual = {"learning_curves", "firing_rates", "example"}
    learnt = {"tau", "tau_distributions"}
    assert figures == usual | ({"thresholds"} if name in ("binarized", "float") else learnt)


def test_time_constants_differ_within_a_layer_only_where_each_neuron_has_its_own(runs):
    last = {name: metrics(runs(name)[0])[-1] for name in ("layer", "neuron", "fixed", "binarized")}
    assert [key for key in last["layer"] if key.startswith("tau_mean")] == [f"tau_mean_{layer}" for layer in LAYERS]
    assert not any(key.startswith("tau") for key in last["binarized"])
    for layer in LAYERS:
        assert float(last["layer"][f"tau_std_{layer}"]) == 0 < float(last["neuron"][f"tau_std_{layer}"])
        assert float(last["layer"][f"tau_mean_{layer}"]) != 2 == float(last["fixed"][f"tau_mean_{layer}"])


def test_thresholds_are_annealed_towards_their_final_values(runs):
    first, last = metrics(runs("binarized")[0])
    for layer, start, final, rate in (("conv1", 10.4, 12.1565, 0.00333), ("fc", 6.81, 16.465, 0.173)):
        for row, num_iterations in ((first, 3), (last, 6)):  # 18 recordings in batches of 8
            wanted = final - (final - start) * (1 - rate) ** num_iterations
            assert float(row[f"threshold_{layer}"]) == pytest.approx(wanted, rel=1e-5)


def test_a_penalty_holds_the_variance_of_tau_down(runs):
    free, held = (metrics(runs(name)[0])[-1] for name in ("neuron", "held"))
    assert all(float(held[f"tau_std_{layer}"]) < float(free[f"tau_std_{layer}"]) for layer in LAYERS)


def test_a_killed_run_goes_on_and_ends_as_an_unbroken_one(place, runs):
    unbroken, _ = runs("neuron")
    path, status, _, _ = train(place, *NETS["neuron"], script="saving.py", KILL="9 11")
    assert status == -SIGKILL
    status, _, stderr = call(place, f"resume=runs/{path.name}")
    assert status == 0, stderr
    for file in ("trial_0/last.pt", "trial_0/best.pt"):
        assert equal(weights(path / file), weights(unbroken / file))
    assert timeless(record.read_json(path / "result.json")) == timeless(record.read_json(unbroken / "result.json"))
    assert timeless(metrics(path)) == timeless(metrics(unbroken))


def test_all_cases_are_those_of_the_thesis_side_by_side_on_frames_that_are_there(place, runs):
    runs("layer")
    frames = {file: file.stat().st_mtime_ns for file in (place.root / "cache").rglob("frames/*")}
    path, status, stdout, stderr = train(place, "case=all", *PLIF[1:], "num_epochs=1")
    assert status == 0 and "frames" not in stderr, stderr
    assert {file: file.stat().st_mtime_ns for file in (place.root / "cache").rglob("frames/*")} == frames
    cases = {"layer": ("layer", None), "neuron": ("neuron", 0.0), "neuron_0.01": ("neuron", 0.01),
             "neuron_0.1": ("neuron", 0.1)}
    found = {case: record.read_config(path / case)["settings"] for case in cases}
    assert {case: (settings["tau"], settings.get("tau_penalty")) for case, settings in found.items()} == cases
    assert all(settings["net"] == "plifnet" for settings in found.values())
    assert (path / "figures" / "cases.png").exists()
    table = stdout[stdout.index("case            ") :].splitlines()[1:5]
    assert [line.split()[0] for line in table] == list(cases)
    for line in table:
        result = record.read_json(path / line.split()[0] / "result.json")
        assert line.split()[1] == f"{result['test_mean']:.2%}"


def test_the_distributions_drawn_are_those_at_the_end(runs):
    path, _ = runs("neuron")
    state = checkpoint.load(path / "trial_0" / "last.pt")["net"]
    tau = 1 + np.exp(-state["neurons.fc1.w"].numpy())
    assert tau.shape == (32,) and float(metrics(path)[-1]["tau_std_fc1"]) == pytest.approx(tau.std(), rel=1e-5)


def test_one_case_can_be_named_and_its_keys_overridden():
    conf = SimpleNamespace(**runpy.run_path(str(ROOT / "dvs_gesture" / "conf.py")))
    settings = command.new_settings(conf, ["case=neuron_0.01", "seed=3"])
    assert (settings["net"], settings["tau_penalty"], settings["seed"]) == ("plifnet", 0.01, 3)
    assert command.new_settings(conf, ["seed=3"])["net"] == "convnet"


def test_an_older_run_is_compared_as_it_is(place, tmp_path):
    """Of nets without time constants no figure of theirs is drawn."""
    run = tmp_path / "run"
    run.mkdir()
    trial = {"test": 0.5, "val": 0.75}
    (run / "result.json").write_text(json.dumps(
        {"data": {"name": "x"}, "num_trials": 1, "test_mean": 0.5, "test_std": None, "trials": [trial]}))
    (run / "metrics.csv").write_text("trial,epoch,val_accuracy\n0,1,0.75\n")
    classification.compare({"one": run})
    classification.draw_cases(tmp_path, {"one": run})
    assert not (tmp_path / "figures").exists()
