import csv
import json
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch
from helpers.place import ROOT

from common.errors import UserError
from common.running import metrics, provenance, record

SETTINGS = {"exp_name": "quick", "lr": 0.1}
DATA = SimpleNamespace(name="a set", stand_in=True, train=range(60))
HOLD = """
import sys, time
from pathlib import Path
from common.running import record
with record.locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_directory_is_never_used_twice(tmp_path):
    paths = [record.create(tmp_path / "runs", SETTINGS) for _ in range(5)]
    assert len(set(paths)) == 5 and all(path.parent == tmp_path / "runs" and path.is_dir() for path in paths)


def test_its_name_tells_time_experiment_and_settings(tmp_path):
    first, other = record.create(tmp_path, SETTINGS), record.create(tmp_path, SETTINGS | {"lr": 0.2})
    date, clock, name, digest = first.name.split("-")[:4]
    assert time.strptime(date + clock, "%Y%m%d%H%M%S") and name == "quick" and len(digest) == 6
    assert other.name.split("-")[3] != digest
    reordered = record.create(tmp_path, dict(reversed(SETTINGS.items())))
    assert reordered.name.split("-")[3] == digest


def test_a_hundred_runs_in_one_second_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(record.time, "strftime", lambda *_: "now")
    paths = [record.create(tmp_path, SETTINGS) for _ in range(99)]
    assert len(set(paths)) == 99
    with pytest.raises(OSError, match="a hundred"):
        record.create(tmp_path, SETTINGS)


@pytest.mark.parametrize("parent", ["file", "file/runs"])
def test_a_parent_that_is_a_file_is_an_error_of_one_line(tmp_path, parent):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot make the run directory") as error:
        record.create(tmp_path / parent, SETTINGS)
    assert str(tmp_path / parent) in str(error.value) and "\n" not in str(error.value)
    assert "irectory" in str(error.value).split(": ")[-1]  # Not a directory


def test_the_lock_refuses_a_second_process_until_the_first_is_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="in use by another process") as error, record.locked(tmp_path):
            pass
        assert str(tmp_path) in str(error.value)
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with record.locked(tmp_path):
        assert tmp_path.is_dir()


def test_the_lock_is_released_after_an_error(tmp_path):
    for _ in range(2):
        with pytest.raises(RuntimeError, match="inside"), record.locked(tmp_path):
            raise RuntimeError("inside")


def test_metrics_are_a_line_each_and_floats_keep_every_bit(tmp_path):
    rows = [{"trial": 0, "epoch": 1, "loss": 0.1 + 0.2}, {"trial": 0, "epoch": 2, "loss": 1e-310}]
    metrics.write(tmp_path / "metrics.csv", rows)
    with open(tmp_path / "metrics.csv", newline="") as file:
        read = list(csv.DictReader(file))
    assert list(read[0]) == ["trial", "epoch", "loss"]
    assert [float(line["loss"]) for line in read] == [0.30000000000000004, 1e-310]
    assert [line["epoch"] for line in read] == ["1", "2"]


def test_the_spread_is_that_of_a_sample():
    spread = record.mean_std("test", [0.5, 0.7, 0.9])
    assert spread["test_mean"] == pytest.approx(0.7)
    assert spread["test_std"] == pytest.approx(0.2)  # the root of (0.04 + 0 + 0.04) / 2


@pytest.mark.parametrize("values, mean", [([0.5], 0.5), ([], None)])
def test_one_value_has_no_spread_and_none_no_mean(values, mean):
    assert record.mean_std("test", values) == {"test_mean": mean, "test_std": None}


@pytest.mark.parametrize("path", ["mnist/runs/a", "runs/mnist/runs/a", "mnist/runs/all/float"])
def test_a_run_knows_its_data_set_s_directory(path, tmp_path):
    assert record.directory(tmp_path / path) == "mnist"


def test_json_comes_back(tmp_path):
    content = {"command": "python run.py", "nested": {"a": [1, 2.5, None]}, "text": "±"}
    record.write_json(tmp_path / "a.json", content)
    assert record.read_json(tmp_path / "a.json") == content
    assert json.loads((tmp_path / "a.json").read_text()) == content
    (tmp_path / "a.json").write_text((tmp_path / "a.json").read_text(), encoding="utf-8-sig")  # as some editors do
    assert record.read_json(tmp_path / "a.json") == content


@pytest.mark.parametrize("content", [None, "", '{"a": ', b"\xff\xfe\x00", "[" * 10**5])
def test_json_that_cannot_be_read_names_its_file(tmp_path, content):
    if content is not None:
        (tmp_path / "a.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match="cannot read") as error:
        record.read_json(tmp_path / "a.json")
    assert "a.json" in str(error.value) and "\n" not in str(error.value)


def test_provenance_has_the_commit_the_versions_and_the_device():
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    if head.returncode:
        pytest.skip("not a git repository")
    found = provenance.provenance(torch.device("cpu"))
    assert found["git_commit"] == head.stdout.strip()
    assert isinstance(found["git_dirty"], bool)
    assert found["versions"]["torch"].startswith(torch.__version__.split("+")[0])
    assert (found["device"], found["threads"]) == ("cpu, 1 thread(s)", 1)


@pytest.mark.parametrize("repository, kept, known", [
    (None, False, False), (".", False, False), (".", True, True), ("..", True, False)])
def test_a_commit_is_that_of_the_repository_whose_root_is_ours(monkeypatch, tmp_path, repository, kept, known):
    """Not of another one in which a copy of these files lies, nor one that keeps it in a folder."""
    file = tmp_path / "root" / "common" / "running" / "provenance.py"
    file.parent.mkdir(parents=True)
    file.touch()
    if repository:
        for command in (["init", "-q"], ["add", "-A" if kept else "--dry-run", "."],
                        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "a", "--allow-empty"]):
            subprocess.run(["git", *command], cwd=tmp_path / "root" / repository, check=True, capture_output=True)
    monkeypatch.setattr(provenance, "__file__", str(file))
    found = provenance.provenance(torch.device("cpu"))
    assert (found["git_commit"] is not None, found["git_dirty"]) == (known, False)


@pytest.mark.parametrize("settings, result, finished", [
    ({"num_trials": 2, "num_epochs": 5}, {"num_trials": 2, "length": 5}, True),
    ({"num_trials": 2, "num_epochs": 5}, {"num_trials": 1, "length": 5}, False),
    ({"num_trials": 2, "num_epochs": 9}, {"num_trials": 2, "length": 5}, False),  # being made longer
    ({"num_trials": 1, "num_iterations": 100}, {"num_trials": 1, "length": 100}, True),
    ({"num_trials": 1, "num_iterations": 100}, {"num_trials": 1, "length": 10}, False),
    ({"num_trials": 1, "num_epochs": 5}, {}, False),
])
def test_a_result_is_finished_when_it_is_that_of_the_settings(settings, result, finished):
    assert record.is_finished(settings, result) is finished


@pytest.mark.parametrize("content", [
    "[]", "null", "{}", '{"directory": "mnist", "settings": {}, "data": {"hashes": {}}}',
    '{"directory": "mnist", "settings": {"a": 1}, "data": {"name": "x"}}', '{"directory": "mnist", "cases": {}}',
    '{"settings": {"a": 1}, "data": {"hashes": {}}}'])
def test_a_damaged_config_is_named(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match="config.json is damaged"):
        record.read_config(tmp_path)


@pytest.mark.parametrize("content", ["[]", "{}", '{"data": {"name": "x"}, "num_trials": "1", "trials": [{}]}',
                                     '{"data": {"name": "x"}, "num_trials": 1, "trials": [1]}'])
def test_a_damaged_result_is_named(tmp_path, content):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(ValueError, match="result.json is damaged"):
        record.standing_result(tmp_path)
