"""What notebooks draw: the newest finished run with the settings asked for, made if there is none; and its network."""

import runpy
import shutil
from types import SimpleNamespace

import pytest
from helpers.place import ROOT, Place

from common import build
from common.data import encode
from common.errors import UserError
from common.running import record, replay
from common.training import loop

SMALL = ["case=float", "num_iterations=3", "hidden_sizes=[4]", "num_inputs=5", "num_frames=0"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("place")).root / "temporal_coding"


@pytest.fixture(scope="module")
def run(folder):
    return replay.run_of(folder, *SMALL)


def test_a_run_that_lacks_is_made_and_shown(folder, capsys):
    path = replay.run_of(folder, *SMALL, "seed=7")
    settings = record.read_config(path)["settings"]
    assert (settings["case"], settings["num_iterations"], settings["seed"]) == ("float", 3, 7)
    assert (path / "result.json").exists() and "iteration 3/3" in capsys.readouterr().out


def test_a_case_that_conf_py_lists_is_named_by_its_name(monkeypatch):
    made = []
    monkeypatch.setattr(replay, "_make", lambda directory, arguments: made.append((directory.name, arguments)))
    replay.run_of(ROOT / "dvs_gesture", "case=layer", "seed=123456789")
    assert made == [("dvs_gesture", ("case=layer", "seed=123456789"))]


def test_a_run_that_is_there_is_found_also_with_other_frames(folder, run, capsys):
    assert replay.run_of(folder, *SMALL).samefile(run)
    assert replay.run_of(folder, *SMALL[:-1], "num_frames=9").samefile(run)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in lines] == [f"found temporal_coding/runs/{run.name}"] * 2


def test_the_newest_counts_and_one_among_several_cases_too(folder, run):
    newer = folder / "runs" / "99990101-000000-all" / "float"
    shutil.copytree(run, newer)
    assert replay.run_of(folder, *SMALL).samefile(newer)
    shutil.rmtree(newer.parent)


def test_an_unfinished_run_or_one_of_another_conf_does_not_count(folder, run, monkeypatch):
    made = []
    monkeypatch.setattr(replay, "_make", lambda directory, arguments: made.append(arguments))
    replay.run_of(folder, *SMALL, "num_trials=2")
    conf = folder / "conf.py"
    text = conf.read_text()
    conf.write_text(text.replace('"beta": 0.6', '"beta": 0.7'))
    replay.run_of(folder, *SMALL)
    conf.write_text(text)
    (run / "result.json").rename(run / "away.json")
    replay.run_of(folder, *SMALL)
    (run / "away.json").rename(run / "result.json")
    assert len(made) == 3 and replay.run_of(folder, *SMALL).samefile(run)


def test_a_run_that_fails_says_why(folder):
    with pytest.raises(ValueError, match="spike_time=99 in .* failed: run.py: spike_time must be below num_steps = 50"):
        replay.run_of(folder, *SMALL, "num_steps=50", "spike_time=99")


SPOKEN = ["net=mlp", "neuron=lif", "source=sample", "hidden_sizes=[8]", "dt_ms=20.0", "num_trials=1", "num_epochs=2",
          "subset=96", "val_fraction=0.05", "lr=0.01"]


def test_a_run_is_loaded_as_it_was_tested(folder, monkeypatch):
    shd = folder.parent / "shd"
    path = replay.run_of(shd, *SPOKEN)
    monkeypatch.syspath_prepend(shd)
    script = SimpleNamespace(**runpy.run_path(str(shd / "run.py")))
    settings, data, net = replay.load(script, path)
    found = loop.evaluate(net, data.test, lambda batch: encode.events(batch, 0), build.loss(settings),
                          build.prediction(settings), 50)
    assert found.accuracy == record.read_result(path)["trials"][0]["test"] > 0
    assert settings["neuron"] == "lif" and len(data.train) == 96
    config = record.read_json(path / "config.json")
    record.write_json(path / "config.json", config | {"data": config["data"] | {"hashes": {"other": "set"}}})
    with pytest.raises(UserError, match="has other hashes"):
        replay.load(script, path)


@pytest.mark.parametrize("limits, expected", [
    ("", ["num_epochs=4", "subset=0"]), ("num_epochs=2 subset=200", ["subset=0", "num_epochs=2"]),  # 0: all
    ("num_epochs=9 num_iterations=3", ["num_epochs=4", "subset=0"])])
def test_a_trial_of_a_notebook_takes_the_smaller_numbers(monkeypatch, limits, expected):
    conf = SimpleNamespace(**runpy.run_path(str(ROOT / "mnist" / "conf.py")))
    monkeypatch.setenv("SNN_REDUCED", limits)
    assert replay._reduced(conf, ["num_epochs=4", "subset=0"]) == expected
