"""A run whose files were changed by hand since: each change is named, and nothing goes on from it unawares."""

import json
import runpy
import shutil
import sys

import pytest
from helpers.place import check_mistake

from common.running import checkpoint, record, trial


@pytest.fixture(scope="module")
def finished(place):
    """copy(name): a copy under that name of a run of two trials and epochs."""
    path, _, _ = place.train("mnist", "num_trials=2", "patience=0")

    def copy(name):
        return shutil.copytree(path, path.with_name(name), dirs_exist_ok=True)

    return copy


def edit(path, **values):
    config = json.loads((path / "config.json").read_text())
    config["settings"] |= values
    (path / "config.json").write_text(json.dumps(config))


def lines(stderr):
    """Those that do not announce the stand-in."""
    return [line for line in stderr.splitlines() if not line.startswith("***")]


def outcome(place, monkeypatch, capsys, *arguments):
    """(exit status, stderr) of mnist/run.py in this process, which a traceback would end."""
    folder = place.root / "mnist"
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [str(folder / "run.py"), *arguments])
    status = 0
    try:
        runpy.run_path("run.py", run_name="__main__")
    except SystemExit as end:
        status = end.code
    return status, capsys.readouterr().err


@pytest.mark.parametrize("command", ["resume", "evaluate"])
@pytest.mark.parametrize("key, value", [("beta", 0.9), ("lr", 0.5), ("seed", 3)])
def test_a_setting_edited_by_hand_is_refused(place, finished, command, key, value):
    path = finished("edited")
    then = f"{key}={record.read_config(path)['settings'][key]}"
    edit(path, **{key: value})
    before = (path / "config.json").read_bytes()
    status, stdout, stderr = place.call("mnist", f"{command}=runs/edited")
    check_mistake(f"best.pt was made with {then}: config.json was changed", status, stderr)
    assert (path / "config.json").read_bytes() == before and "epoch" not in stdout


@pytest.mark.parametrize("command", ["resume", "evaluate"])
@pytest.mark.parametrize("file", ["best.pt", "last.pt"])
def test_another_trial_s_checkpoint_is_refused(place, finished, command, file):
    path = finished("mixed")
    for name in (file, f"{file}.sha256"):
        shutil.copy(path / "trial_1" / name, path / "trial_0" / name)
    check_mistake(f"trial_0/{file} was made with trial=1: ", *place.call("mnist", f"{command}=runs/mixed")[::2])


def test_a_conf_py_that_writes_1_for_1_0_since_costs_no_run(place, finished, monkeypatch, capsys):
    path, conf = finished("whole"), place.root / "mnist" / "conf.py"
    content = conf.read_text()
    monkeypatch.setattr(trial, "started", lambda *_: sys.exit(0))  # all has been checked by then
    conf.write_text(content.replace('"beta": 0.99,', '"beta": 1,').replace("[11.666, 14.105, 0.6656]", "[11, 14, 1]"))
    try:
        status, stderr = outcome(place, monkeypatch, capsys, "evaluate=runs/whole")
        edit(path, num_epochs=2.0)
        mistake = outcome(place, monkeypatch, capsys, "evaluate=runs/whole")
    finally:
        conf.write_text(content)
    assert status == 0, stderr
    assert mistake[0] == 2 and "num_epochs must be a whole number" in mistake[1]


def test_a_run_is_made_longer_and_not_shorter(place, finished):
    path = finished("longer")
    edit(path, num_epochs=1)
    mistake = place.call("mnist", "resume=runs/longer")
    check_mistake("has gone on for 2 epochs, more than config.json says", *mistake[::2])
    edit(path, num_epochs=2)
    for arguments in (["resume=runs/longer", "num_epochs=3"], ["evaluate=runs/longer"], ["resume=runs/longer"]):
        status, _, stderr = place.call("mnist", *arguments)
        assert status == 0 and "warning: runs" not in stderr, stderr


def test_a_run_of_before_checkpoints_told_their_settings_goes_on_with_a_warning(place, finished):
    path = finished("before")
    for file in path.glob("trial_*/*.pt"):
        checkpoint.save(file, {key: value for key, value in checkpoint.load(file).items() if key != "origin"})
    status, _, stderr = place.call("mnist", "evaluate=runs/before")
    assert status == 0 and stderr.count("its config.json is believed") == 1, stderr


def test_a_config_that_lacks_a_key_or_has_one_of_another_kind_is_told_in_a_line(place, finished, monkeypatch, capsys):
    """Where a default stands in for the key, and is what it was, the run goes on."""
    path = finished("lacking")
    monkeypatch.setattr(trial, "started", lambda *_: sys.exit(0))  # all has been checked by then
    content = json.loads((path / "config.json").read_text())
    ends = {}
    for section, values in (("", content), ("data", content["data"]), ("settings", content["settings"])):
        for key in values:
            for change in ({}, {key: [[]]}):
                changed = {name: value for name, value in values.items() if name != key} | change
                text = json.dumps(content | {section: changed} if section else changed)
                (path / "config.json").write_text(text)
                status, stderr = outcome(place, monkeypatch, capsys, "evaluate=runs/lacking")
                assert status in (0, 2) and len(lines(stderr)) <= 1, (section, key, change, stderr)
                ends[section, key, str(change)[:9]] = status
    lacking = {key for section, key, change in ends if section == "settings" and change == "{}"}
    named = {key for key in lacking if ends["settings", key, "{}"] == 2}
    assert {"beta", "lr", "num_trials", "num_epochs", "batch_size", "select_on", "seed", "device", "data_dir"} <= named
    assert ends["", "settings", "{}"] == ends["data", "hashes", "{}"] == ends["data", "name", "{}"] == 2


@pytest.mark.parametrize("key, value", [("command", 7), ("command", "python 'run.py"), ("resumed", 5)])
def test_what_only_a_run_that_goes_on_reads_of_config_json_is_told(place, finished, monkeypatch, capsys, key, value):
    path = finished("spoilt")
    record.write_json(path / "config.json", json.loads((path / "config.json").read_text()) | {key: value})
    status, stderr = outcome(place, monkeypatch, capsys, "resume=runs/spoilt")
    assert status == 2 and "runs/spoilt/config.json is damaged" in stderr.splitlines()[-1], stderr


@pytest.mark.parametrize("content, message", [
    ([1, 2], "its trials are no dicts"), ([{"seed": 0}, {"seed": 1}], "result.json is damaged"),
    ([], "it lacks trials")])
def test_a_result_of_another_form_is_told_in_a_line(place, finished, content, message):
    path = finished("foreign")
    result = record.read_result(path)
    keys = [{"num_iterations": line["num_iterations"]} for line in result["trials"]]
    lines = [line | more if isinstance(line, dict) else line for line, more in zip(content, keys, strict=False)]
    record.write_json(path / "result.json", result | {"trials": lines})
    status, _, stderr = place.call("mnist", "resume=runs/foreign")
    assert status == 2 and message in stderr.splitlines()[-1] and "Traceback" not in stderr


@pytest.mark.parametrize("command", ["resume", "evaluate"])
def test_a_last_epoch_s_checkpoint_is_not_taken_for_the_best_one_s(place, finished, command):
    path = finished("renamed") / "trial_0"
    for end in ("", ".sha256"):
        shutil.copy(path / f"last.pt{end}", path / f"best.pt{end}")
    mistake = place.call("mnist", f"{command}=runs/renamed")
    check_mistake("trial_0/best.pt is no checkpoint of a best epoch; to train this trial again, delete", *mistake[::2])


class Foreign:
    """Something that torch does not load without being told to."""


STATES = [Foreign(), {"net": 3}, [1], {"progress": {}}, {"progress": {"rows": 5}}, {"net": {}, "origin": 3}]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", ["resume", "evaluate"])
def test_a_foreign_checkpoint_is_told_in_a_line_without_torch_s_advice(place, finished, state, command):
    path = finished("pickle")
    checkpoint.save(path / "trial_0" / "last.pt", state)
    status, _, stderr = place.call("mnist", f"{command}=runs/pickle")
    assert status == 2 and "trial_0/last.pt" in stderr and "Traceback" not in stderr
    assert len(lines(stderr)) <= 2 and "weights_only" not in stderr
