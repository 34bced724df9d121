"""A trial that diverges is a result: the others go on, and all that is told of the run says so."""

import pytest

from common import report
from common.running import metrics, record

DIVERGING = """
import os, runpy, sys
sys.path.insert(1, sys.path[0] + "/..")
from common.running import trial
from common.training import loop
bad, started, train_epoch = set(), trial.started, loop.train_epoch
def start(settings, data, path, device):
    found = started(settings, data, path, device)
    if path.name in os.environ["DIVERGE"].split():
        bad.add(found.net)
    return found
def train(net, split, encode, loss_fn, optimizer, batches, progress, *rest, **others):
    if net in bad and progress.epoch == int(os.environ["EPOCH"]) - 1:
        progress.iteration += 1
        raise loop.Diverged("loss inf")
    train_epoch(net, split, encode, loss_fn, optimizer, batches, progress, *rest, **others)
trial.started, loop.train_epoch = start, train
runpy.run_path("run.py", run_name="__main__")
"""
KEYS = ["num_trials=3", "num_epochs=2", "patience=0"]


@pytest.fixture(scope="module")
def diverging(place):
    """train(trials, epoch): (run directory, stdout, stderr) of a run, trials of which diverge in an epoch."""
    (place.root / "mnist" / "diverging.py").write_text(DIVERGING)

    def train(trials, epoch, status=0):
        return place.train("mnist", *KEYS, script="diverging.py", DIVERGE=trials, EPOCH=str(epoch), status=status)

    return train


@pytest.fixture(scope="module")
def whole(place):
    return place.train("mnist", *KEYS)[0]


@pytest.mark.parametrize("number, epoch", [(0, 1), (1, 2)])
def test_the_others_go_on_and_resume_evaluate_and_report_say_so(place, diverging, whole, capsys, number, epoch):
    path, stdout, stderr = diverging(f"trial_{number}", epoch)
    told = f"loss inf, in epoch {epoch}"
    assert f"warning: trial {number} diverged: {told}; a lower lr may help" in stderr and "Traceback" not in stderr
    assert f"diverged: trial {number}: {told}\n" in stdout and "(n = 2, " in stdout
    result, unbroken = record.read_result(path), record.read_result(whole)
    for k in {0, 1, 2} - {number}:
        assert result["trials"][k] | {"seconds": 0} == unbroken["trials"][k] | {"seconds": 0}
    assert result["trials"][number]["diverged"] == told and result["trials"][number]["seed"] == number
    tests = [result["trials"][k]["test"] for k in {0, 1, 2} - {number}]
    assert result["test_mean"] == pytest.approx(sum(tests) / 2) and result["num_trials"] == 3
    rows = metrics.read(path / "metrics.csv")
    assert [row["trial"] for row in rows].count(number) == epoch - 1 and len(rows) == 4 + epoch - 1
    assert (path / "figures" / "example.png").exists()
    for command in ("resume", "evaluate"):
        status, again, stderr = place.call("mnist", f"{command}=runs/{path.name}")
        assert (status, "differs" in stderr) == (0, False), stderr
        lines = [line for line in again.splitlines() if line != "its figures are there; evaluate= draws them again"]
        assert (len(lines) < len(again.splitlines())) == (command == "resume")
        assert lines[-2:] == stdout.splitlines()[-2:] and f"diverged: trial {number}: {told}" in again
        assert "epoch 1/" not in again and record.read_result(path) == result
        assert metrics.read(path / "metrics.csv") == rows
    report.main([str(path)])
    text = capsys.readouterr().out
    assert "| 3, 1 diverged " in text and "no longer finite; the others are shown" in text and "Unfinished" not in text


def test_a_run_whose_every_trial_diverges_has_failed_and_is_not_repeated(place, diverging, capsys):
    path, stdout, _ = diverging("trial_0 trial_1 trial_2", 2, status=1)
    result = record.read_result(path)
    assert [line["num_epochs"] for line in result["trials"]] == [1, 1, 1] and result["test_mean"] is None
    for command in ("resume", "evaluate"):
        status, again, stderr = place.call("mnist", f"{command}=runs/{path.name}")
        assert status == 1 and "Traceback" not in stderr and "epoch 1/" not in again
        assert "run.py: diverged: trial 0: loss inf, in epoch 2; trial 1: loss inf" in stderr
        assert record.read_result(path) == result
    report.main([str(path)])
    assert "| 3, 3 diverged " in capsys.readouterr().out


def test_a_trial_that_diverged_is_trained_again_once_it_is_deleted(place, diverging, whole):
    path, _, _ = diverging("trial_2", 1)
    (path / "trial_2").rmdir()
    status, stdout, stderr = place.call("mnist", f"resume=runs/{path.name}")
    assert status == 0 and "trial 2  epoch 2/2" in stdout, stderr
    assert [line.get("test") for line in record.read_result(path)["trials"]] == [
        line["test"] for line in record.read_result(whole)["trials"]]


@pytest.mark.parametrize("arguments, message", [
    (["thresholds=[1e300,1.0,1.0]"], "thresholds must lie within what float32 holds"),
    (["slope=1e300"], "slope must lie within what float32 holds")])
def test_a_number_that_no_float32_holds_is_named(place, main, arguments, message):
    status, stderr = main(place.small(*arguments))
    assert status == 2 and message in stderr and "diverged" not in stderr


def test_what_diverges_before_any_step_is_not_for_its_lr(place):
    path, _, stderr = place.train("mnist", "net=plifnet", "channels=4", "hidden_size=8", "pixel_std=1e-44", status=1)
    assert "not for its lr, since no step was taken" in stderr and "Traceback" not in stderr
