"""A run that was stopped, however and wherever, ends as one that was not, to the bit."""

import csv
import random
import shutil
import signal
from signal import SIGINT, SIGKILL, SIGTERM

import pytest
from helpers.place import equal, timeless, weights

from common.running import checkpoint, record

KEYS = ["num_trials=2", "num_epochs=3", "patience=0"]


@pytest.fixture(scope="module")
def unbroken(place):
    return place.train("mnist", *KEYS)[0]


def metrics(path):
    with open(path / "metrics.csv", newline="") as file:
        return [timeless(row) for row in csv.DictReader(file)]


def assert_same(path, other, num_figures=5):
    assert metrics(path) == metrics(other)
    assert timeless(record.read_json(path / "result.json")) == timeless(record.read_json(other / "result.json"))
    trials = [sorted(place.name for place in run.glob("trial_*")) for run in (path, other)]
    assert trials[0] == trials[1] != []
    for name in trials[0]:
        for file in ("last.pt", "best.pt"):
            assert equal(weights(path / name / file), weights(other / name / file)), (name, file)
        last = [timeless(checkpoint.load(run / name / "last.pt")) for run in (path, other)]
        assert equal(*({"generator": state["generator"]} for state in last))
        assert last[0]["progress"] == last[1]["progress"] and last[0]["lr_schedule"] == last[1]["lr_schedule"]
    names = [sorted(file.name for file in (run / "figures").iterdir()) for run in (path, other)]
    assert names[0] == names[1] and len(names[0]) == num_figures


def test_killed_and_interrupted_in_turn_it_ends_as_an_unbroken_run(place, unbroken):
    """A run has 80 to 90 renames: two for each checkpoint, after each of its 24 steps and validation batches."""
    draw, arguments, path = random.Random(1), place.small(*KEYS), None
    for number in (SIGKILL, SIGTERM, SIGKILL, SIGKILL):
        stop = f"{number:d} {draw.randrange(3, 25)}"
        status, stdout, stderr = place.call("mnist", *arguments, script="saving.py", KILL=stop)
        path = path or place.root / "mnist" / stdout.split("run directory: ")[1].split()[0]
        arguments = [f"resume=runs/{path.name}"]
        if number == SIGKILL:
            assert status == -SIGKILL
        else:
            assert status == 128 + number and f"stopped by {signal.Signals(number).name}" in stderr, stderr
            assert f"to go on: python run.py {arguments[0]}" in stderr and "Traceback" not in stderr
        assert not (path / "result.json").exists() or len(record.read_json(path / "result.json")["trials"]) == 1
    status, _, stderr = place.call("mnist", *arguments)
    assert status == 0, stderr
    assert_same(path, unbroken)
    assert len(record.read_json(path / "config.json")["resumed"]) == 4


def test_a_resnet19_killed_within_an_epoch_ends_as_an_unbroken_run(place):
    """Its second epoch's second step is in the 17th file: 2 for each checkpoint, 14 at the first epoch's end."""
    keys = ["net=resnet19", "channels=4", "stem=4", "hidden_size=8", "num_trials=1", "num_epochs=2", "lr_step_epochs=1"]
    whole, _, _ = place.train("mnist", *keys)
    status, stdout, stderr = place.call("mnist", *place.small(*keys), script="saving.py", KILL=f"{SIGKILL:d} 17")
    assert status == -SIGKILL, stderr
    path = place.root / "mnist" / stdout.split("run directory: ")[1].split()[0]
    progress = checkpoint.load(path / "trial_0" / "last.pt")["progress"]
    assert (progress["epoch"], progress["step"]) == (1, 1)
    status, _, stderr = place.call("mnist", f"resume=runs/{path.name}")
    assert status == 0, stderr
    assert_same(path, whole, num_figures=4)


def test_a_finished_run_resumed_with_more_epochs_equals_a_longer_one(place, unbroken):
    path, _, _ = place.train("mnist", "num_trials=2", "num_epochs=2", "patience=0")
    status, _, stderr = place.call("mnist", f"resume=runs/{path.name}", "num_epochs=3")
    assert status == 0, stderr
    assert_same(path, unbroken)


def test_a_trial_that_was_lost_is_trained_and_tested_again(place):
    path, _, _ = place.train("mnist", "num_trials=2", "num_epochs=1")
    result = record.read_result(path)
    before = {file: file.read_bytes() for file in path.glob("*.*")}
    for damaged in (path / "trial_1" / "last.pt", path / "trial_0" / "best.pt"):  # found before anything is trained
        content = damaged.read_bytes()
        damaged.write_bytes(content[:-1])
        status, stdout, stderr = place.call("mnist", f"resume=runs/{path.name}", "num_epochs=2")
        assert status == 2 and f"{damaged.name} is damaged" in stderr and "epoch" not in stdout
        assert {file: file.read_bytes() for file in path.glob("*.*")} == before
        damaged.write_bytes(content)
    wrong = result | {"trials": [result["trials"][0] | {"test": 0.123}, result["trials"][1]]}
    record.write_json(path / "result.json", wrong)
    status, _, stderr = place.call("mnist", f"resume=runs/{path.name}")
    assert status == 0 and record.read_result(path)["trials"] == wrong["trials"], stderr
    shutil.rmtree(path / "trial_0")
    status, _, stderr = place.call("mnist", f"resume=runs/{path.name}")
    assert status == 0 and record.read_result(path)["trials"][0]["test"] == result["trials"][0]["test"], stderr


def test_a_run_in_use_is_refused_until_ctrl_c_and_one_that_is_damaged_too(place):
    process = place.start("mnist", *place.small("num_epochs=2000", "patience=0"))
    try:
        stdout = [process.stdout.readline() for _ in range(3)]
        path = place.root / "mnist" / stdout[1].split("run directory: ")[1].strip()
        status, _, stderr = place.call("mnist", f"resume=runs/{path.name}")
        assert status == 2 and "Traceback" not in stderr
        assert "in use by another process" in stderr.splitlines()[-1]
        process.send_signal(SIGINT)
        _, stderr = process.communicate()
    finally:
        process.send_signal(SIGKILL)
    assert process.returncode == 130 and "Traceback" not in stderr
    assert f"to go on: python run.py resume=runs/{path.name}" in stderr and "stopped by SIGINT" in stderr

    copy = path.with_name("damaged")
    shutil.copytree(path, copy)
    last = copy / "trial_0" / "last.pt"
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes(content)
    status, _, stderr = place.call("mnist", "resume=runs/damaged")
    assert status == 2 and "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith("run.py: ") and "last.pt is damaged" in stderr.splitlines()[-1]
    assert weights(path / "trial_0" / "last.pt")
