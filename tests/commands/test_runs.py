"""What users type: each command in a process of its own, on a data set of a few random images."""

import csv
import math
import re

import pytest
import torch
from helpers.place import DIRECTORIES, check_mistake, equal, weights
from helpers.settings import settings_of

from common.running import record

LAYERS = ["conv1", "conv2", "fc"]
PER_LAYER = ["threshold", "firing_rate", "silent_share", "saturated_share"]
COLUMNS = ["trial", "epoch", "iteration", "lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy",
           *(f"{key}_{layer}" for layer in LAYERS for key in PER_LAYER), "epoch_seconds"]


@pytest.fixture(scope="module")
def mnist_run(place):
    """(the run directory of two trials on MNIST, stdout)."""
    return place.train("mnist", "num_trials=2")[:2]


@pytest.fixture(scope="module", params=DIRECTORIES)
def finished(request, place):
    """(directory's name, run directory, stdout) of its run."""
    if request.param == "mnist":
        return "mnist", *request.getfixturevalue("mnist_run")
    return request.param, *place.train(request.param)[:2]


def test_a_run_leaves_what_is_documented(finished):
    directory, path, stdout = finished
    num_trials = 2 if directory == "mnist" else 1
    trials = [f"trial_{k}" for k in range(num_trials)]
    assert {file.name for file in path.iterdir()} - {"uncommitted.patch"} == {
        "config.json", "metrics.csv", "result.json", "tensorboard", "figures", "lock", "log.txt", *trials}
    for name in trials:
        assert {"best.pt", "last.pt"} <= {file.name for file in (path / name).iterdir()}
        assert list((path / "tensorboard").glob(f"num_epochs=2 */{name}/events*"))
    assert set(stdout.splitlines()) <= set((path / "log.txt").read_text().splitlines())
    assert re.search(r"^[\d,]+ parameters$", stdout, re.M)
    assert re.search(r"epoch 1/2 .* s  ETA \d+ s$", stdout, re.M)
    assert not list(path.rglob("*.part"))
    figures = sorted((path / "figures").glob("*.png"))
    assert [file.stem for file in figures] == ["example", "firing_rates", "learning_curves", "thresholds"]
    assert all(file.read_bytes().startswith(b"\x89PNG\r\n") for file in figures)
    assert stdout.count("epoch ") == 2 * num_trials + 1 and "your own set" in stdout.splitlines()[-2]


def test_its_result_has_the_keys_others_rely_on(finished):
    directory, path, _ = finished
    result = record.read_json(path / "result.json")
    assert result["data"] == {"name": f"data/{directory}", "stand_in": True, "num_train": 48}
    assert result["num_trials"] == len(result["trials"]) == (2 if directory == "mnist" else 1)
    for k, trial in enumerate(result["trials"]):
        assert trial["seed"] == k and trial["best_epoch"] in (1, 2) and trial["seconds"] > 0
        assert trial["val"] * 16 == round(trial["val"] * 16) and trial["test"] * 20 == round(trial["test"] * 20)
        assert list(trial["firing_rates"]) == list(trial["silent_share"]) == LAYERS
    tests = [trial["test"] for trial in result["trials"]]
    assert result["test_mean"] == pytest.approx(sum(tests) / len(tests))
    assert result["test_std"] == (pytest.approx(abs(tests[0] - tests[1]) / 2**0.5) if directory == "mnist" else None)


def test_its_metrics_have_a_line_per_trial_and_epoch(finished):
    directory, path, _ = finished
    with open(path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    found = [row["trial"] + row["epoch"] + row["iteration"] for row in rows]
    assert found == ["013", "026", "113", "126"][: len(rows)]
    assert len(rows) == (4 if directory == "mnist" else 2)


def test_its_config_says_where_it_comes_from(finished):
    directory, path, _ = finished
    config = record.read_json(path / "config.json")
    assert config["directory"] == directory and config["settings"]["num_steps"] == 3
    assert config["command"].startswith("python run.py num_")
    assert (config["device"], config["threads"]) == ("cpu, 1 thread(s)", 1) and config["data"]["num_test"] == 20


def test_two_trials_differ_and_equal_seeds_agree_to_the_bit(place, mnist_run):
    path, _ = mnist_run
    first, second = (weights(path / f"trial_{k}" / "last.pt") for k in (0, 1))
    again, _, _ = place.train("mnist", "seed=1")
    assert equal(weights(again / "trial_0" / "last.pt"), second)
    assert not any(torch.equal(first[key], second[key]) for key in first if key.endswith("conv.weight"))
    one, other = (record.read_json(run / "result.json")["trials"][-1] | {"seconds": 0} for run in (path, again))
    assert one == other


def test_evaluate_repeats_the_result_and_changes_no_weights(place, mnist_run):
    path, stdout = mnist_run
    files = [*path.rglob("*.pt"), path / "result.json", path / "metrics.csv", path / "config.json"]
    before = [file.read_bytes() for file in files]
    (path / "figures" / "example.png").unlink()
    (path / "metrics.csv").write_text("trial,epoch\n0,cut sh")
    status, again, stderr = place.call("mnist", f"evaluate=runs/{path.name}")
    assert status == 0, stderr
    assert again.splitlines()[-2:] == stdout.splitlines()[-2:]
    assert [file.read_bytes() for file in files] == before and (path / "figures" / "example.png").exists()


def test_float_weights_train(place):
    path, stdout, _ = place.train("fashion_mnist", "binarize=False", "num_epochs=1")
    assert record.read_json(path / "config.json")["settings"]["binarize"] is False
    assert "test accuracy" in stdout and weights(path / "trial_0" / "best.pt")


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_the_plif_nets_train(place, directory):
    arguments = ["net=plifnet", "channels=4", "hidden_size=8", "tau=neuron", "augment=True"]
    path, stdout, _ = place.train(directory, *arguments)
    settings = record.read_config(path)["settings"]
    assert (settings["pixel_mean"], settings["pixel_std"]) in [(0.1307, 0.3081), (0.2860, 0.3530)]
    with open(path / "metrics.csv", newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert float(last["tau_std_conv1"]) > 0 and float(last["lr"]) == pytest.approx(
        5e-4 * (1 + math.cos(math.pi / 64)))  # of the second epoch
    assert "test accuracy" in stdout and (path / "figures" / "tau_distributions.png").exists()


RESNET = ["net=resnet19", "channels=4", "stem=4", "hidden_size=8"]


@pytest.mark.parametrize("directory, settings", [
    ("mnist", ["crop=2", "num_epochs=4", "patience=1", "lr=0.1", "lr_step_epochs=1"]),
    ("fashion_mnist", ["binarize=True", "readout=spikes", "surrogate_center=zero", "precision=bf16"])])
def test_the_residual_nets_train_and_are_evaluated(place, directory, settings):
    path, stdout, _ = place.train(directory, *RESNET, *settings)
    with open(path / "metrics.csv", newline="") as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    result = record.read_result(path)["trials"][0]
    losses = [row["val_loss"] for row in rows]
    assert result["best_epoch"] == 1 + losses.index(min(losses)) and result["val"] in [r["val_accuracy"] for r in rows]
    assert f"(n = 1, best epoch {result['best_epoch']}) on " in stdout.splitlines()[-2]
    if directory == "mnist":  # ended by its patience, or by its epochs
        assert [row["lr"] for row in rows] == pytest.approx([0.1 / 10**k for k in range(len(rows))])
        assert len(rows) == min(4, result["best_epoch"] + 1)
        assert ("so many epochs without a better loss" in stdout) == (len(rows) < 4)
    num_layers = 18 if directory == "mnist" else 19
    assert len(result["firing_rates"]) == len(result["silent_share"]) == num_layers
    status, again, stderr = place.call(directory, "net=resnet19", f"evaluate=runs/{path.name}")
    assert status == 0, stderr
    table = again.splitlines()[-num_layers - 3 : -2]
    assert table[0].split() == ["layer", "firing", "rate", "silent", "always", "on"]
    assert [line.split()[0] for line in table[1:]] == list(result["firing_rates"])
    assert table[1].split()[1] == f"{result['firing_rates']['conv1']:.4f}"
    assert again.splitlines()[-2] == stdout.splitlines()[-2] and (path / "figures" / "firing_rates.png").exists()
    check_mistake("goes on as it began", *place.call(directory, "net=plifnet", f"evaluate=runs/{path.name}")[::2])


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_help_lists_every_key(place, directory):
    status, stdout, stderr = place.call(directory, "--help", "seed=7")
    assert (status, stderr) == (0, "") and "python run.py resume=" in stdout
    assert settings_of(directory).keys() <= set(re.findall(r"^  (\w+)=", stdout, re.M)) and "  seed=7 " in stdout
    check_mistake("did you mean", *place.call(directory, "--help", "sed=7")[::2])


def test_a_loss_that_is_no_number_ends_with_a_message_and_good_weights(place):
    path, _, stderr = place.train("mnist", "binarize=False", "lr=1e37", status=1, script="saving.py")
    assert "Traceback" not in stderr and "run.py: diverged: trial 0: " in stderr
    assert all(value.isfinite().all() for value in weights(path / "trial_0" / "last.pt").values())


@pytest.mark.parametrize("command, argument, message", [
    ("resume", "lr=0.1", "lr=0.1: a run goes on as it began"), ("evaluate", "num_epochs=9", "goes on as it began"),
    ("resume", "num_epochs=1", "num_epochs can only grow"),
])
def test_a_run_goes_on_as_it_began(mnist_run, main, command, argument, message):
    check_mistake(message, *main([f"{command}=runs/{mnist_run[0].name}", argument]))


def test_a_run_goes_on_in_its_own_directory(place, mnist_run):
    mistake = place.call("fashion_mnist", f"resume=../mnist/runs/{mnist_run[0].name}")
    check_mistake("is a run of mnist, not of fashion_mnist", *mistake[::2])
