"""Which runs the report finds, and what an unfinished or damaged one costs."""

import subprocess
import sys

import pytest
from helpers.markdown_table import table
from helpers.place import ROOT
from helpers.report_runs import HEADER, make_run

from common import report


def test_runs_without_a_result_are_listed_below(tmp_path, capsys):
    stopped, begun = tmp_path / "mnist/runs/stopped", tmp_path / "mnist/runs/begun"
    for run in (stopped, begun):
        run.mkdir(parents=True)
        (run / "config.json").write_text("{}")
    (stopped / "metrics.csv").write_text(HEADER + "0,1,430,0.5\n0,2,860,0.9125\n")
    report.main([str(tmp_path)])
    text = capsys.readouterr().out
    assert f"- {stopped}: trial 0, epoch 2, iteration 860, val accuracy 91.25%" in text
    assert f"- {begun}: no epoch yet" in text
    assert table(text) == []


@pytest.mark.parametrize("file, content", [
    ("result.json", '{"data": {"na'),
    ("result.json", "[]"),
    ("result.json", '{"data": {}, "trials": []}'),
    ("result.json", '{"data": {"name": "MNIST", "stand_in": false, "num_train": 9}, "trials": [1]}'),
    ("result.json", '{"data": {"name": "MNIST", "stand_in": false, "num_train": "nine"}, "trials": [{"test": 0.5}]}'),
    ("result.json", '{"data": {"name": 3}, "trials": [{"test": 0.5}]}'),
    ("result.json", '{"data": {"name": "a", "stand_in": 0, "num_train": 1}, "trials": [{"firing_rates": {"a": "b"}}]}'),
    ("config.json", '{"settings": {"net": ["a"], "neuron": {}, "num_trials": "2"}, "directory": "mnist"}'),
    ("config.json", '{"settings": {}}'),
    ("config.json", None),
])
def test_a_run_with_a_damaged_file_is_named_and_the_others_are_shown(tmp_path, capsys, file, content):
    make_run(tmp_path, "good")
    bad = make_run(tmp_path, "bad")
    (bad / file).unlink()
    if content is not None:
        (bad / file).write_text(content)
    report.main([str(tmp_path)])
    out, err = capsys.readouterr()
    assert [row["run"] for row in table(out)] == ["good"]
    assert err.startswith("warning: ") and str(bad / file) in err and err.count("\n") == 1


def test_a_folder_for_metrics_costs_no_more(tmp_path, capsys):
    bad = make_run(tmp_path, "bad")
    (bad / "metrics.csv").unlink(missing_ok=True)
    (bad / "metrics.csv").mkdir()
    report.main([str(tmp_path)])
    out, err = capsys.readouterr()
    assert [row["run"] for row in table(out)] == ["bad"]
    assert str(bad / "metrics.csv") in err and err.count("\n") == 1


@pytest.mark.parametrize("content", [HEADER + "0,1,430,0.9\n0,2,8", HEADER + "0,one,430,0.9\n", "\xff", "a,b\n1,2\n"])
def test_damaged_metrics_cost_a_run_only_its_number_of_epochs(tmp_path, capsys, content):
    bad = make_run(tmp_path, "bad")
    (bad / "metrics.csv").write_text(content, encoding="latin-1")
    report.main([str(tmp_path)])
    out, err = capsys.readouterr()
    (row,) = table(out)
    assert (row["test accuracy (%)"], row["epochs (best / run)"]) == ("98.00 ± 1.00", "2–4 / –")
    assert str(bad / "metrics.csv") in err and err.count("\n") == 1


def test_runs_are_found_from_above_and_sorted(tmp_path, monkeypatch, capsys):
    make_run(tmp_path, "b", tests=[0.9])
    make_run(tmp_path, "a", tests=[0.7, 0.7])
    last = make_run(tmp_path, "c", directory="shd", tests=[0.8, 0.8, 0.8])
    monkeypatch.chdir(tmp_path)

    def names(*arguments):
        report.main(list(arguments))
        return [row["run"] for row in table(capsys.readouterr().out)]

    assert names() == ["a", "b", "c"]
    assert names("--sort", "accuracy") == ["b", "c", "a"]
    assert names("--sort", "time") == ["b", "a", "c"]
    assert names("mnist") == names("mnist", "mnist/runs") == ["a", "b"]
    assert names(str(last)) == ["c"]


def test_no_runs_and_no_such_directory(tmp_path, capsys):
    report.main([str(tmp_path)])
    assert capsys.readouterr().out == f"no runs under {tmp_path}\n"
    with pytest.raises(SystemExit, match="2"):
        report.main([str(tmp_path / "absent")])
    assert "no such directory" in capsys.readouterr().err


def test_a_reader_may_stop_early(tmp_path):
    make_run(tmp_path, "run")
    command = [sys.executable, "-m", "common.report", tmp_path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    process.stdout.close()
    assert process.stderr.read() == "" and process.wait() == 0
    process.stderr.close()
