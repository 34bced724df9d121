"""What users type in temporal_coding/ with case=all, each command in a process of its own, on a small net."""

import shutil
from signal import SIGKILL

import pytest
from helpers.place import timeless
from helpers.timing_runs import FIGURES, train

from common import report
from common.running import record
from common.tasks.recording import Recording

CASES = ["float", "binarized", "wide_threshold", "annealed", "tuned"]


@pytest.fixture(scope="module")
def all_cases(place):
    path, status, stdout, stderr = train(place, "case=all", "num_iterations=7", "num_trials=2")
    assert status == 0, stderr
    return path, stdout


def test_all_cases_run_and_are_compared(all_cases):
    path, stdout = all_cases
    assert [line[5:] for line in stdout.splitlines() if line.startswith("case ") and line[5:] in CASES] == CASES
    for case in CASES:
        assert sorted(file.name for file in (path / case / "figures").iterdir()) == FIGURES
        config = record.read_json(path / case / "config.json")
        assert config["directory"] == "temporal_coding" and config["settings"]["case"] == case
    assert sorted(file.name for file in (path / "figures").iterdir()) == [
        ".drawn", "cases.mp4", "cases.png", "cases_smoothed.mp4", "losses.png"]
    table = stdout.split("mse last50")[1]
    for case in CASES:
        final = record.read_json(path / case / "result.json")["final_mse_mean"]
        assert f"{final:.4g}" in next(line for line in table.splitlines() if line.startswith(case))


def test_a_finished_run_of_all_cases_is_not_drawn_again(place, all_cases):
    path, stdout = all_cases
    files = {file: file.stat().st_mtime_ns for file in path.rglob("figures/*")}
    status, again, stderr = place.call("temporal_coding", f"resume=runs/{path.name}")
    assert status == 0, stderr
    assert {file: file.stat().st_mtime_ns for file in path.rglob("figures/*")} == files
    assert again.count("evaluate= draws them again") == 6 and again.splitlines()[-9:-2] == stdout.splitlines()[-8:-1]


def test_report_has_a_table_of_the_cases(all_cases, capsys):
    path, _ = all_cases
    report.main([str(path), "--wide"])
    text = capsys.readouterr().out
    assert text.count("| temporal_coding |") == 5 and "Unfinished" not in text
    result = record.read_json(path / "float" / "result.json")
    row = next(line for line in text.splitlines() if "| float " in line and "temporal_coding" in line)
    assert f"{result['mse_last50_mean']:.4f} ± {result['mse_last50_std']:.4f}" in row
    assert "mean squared error of the output's membrane over the square" in text


def test_all_cases_stopped_on_the_way_go_on(place, all_cases):
    path, status, _, _ = train(place, "case=all", "num_iterations=7", "num_trials=2", script="saving.py", KILL="9 30")
    assert status == -SIGKILL and not (path / "figures").exists()
    status, stdout, stderr = place.call("temporal_coding", f"resume=runs/{path.name}")
    assert status == 0, stderr
    for case in CASES:
        one, other = (timeless(record.read_json(run / case / "result.json")) for run in (path, all_cases[0]))
        assert one == other
    assert (path / "figures" / "cases.mp4").exists()
    status, stdout, stderr = place.call("temporal_coding", f"evaluate=runs/{path.name}", "num_frames=0")
    assert status == 0 and stdout.count("figures and results") == 5, stderr


@pytest.fixture(scope="module")
def short(place):
    """copy(name): a copy under that name of a run of two iterations."""
    path, status, _, stderr = train(place, "case=all", "num_iterations=2", "num_frames=0")
    assert status == 0, stderr
    return lambda name: shutil.copytree(path, path.with_name(name))


def test_all_cases_made_longer_and_stopped_go_on_to_the_new_length(place, short):
    path = short("stopped")
    arguments = [f"resume=runs/{path.name}", "num_iterations=5"]
    assert place.call("temporal_coding", *arguments, script="saving.py", KILL="9 20")[0] == -SIGKILL
    status, _, stderr = place.call("temporal_coding", f"resume=runs/{path.name}")
    assert status == 0, stderr
    lengths = [len(Recording.read(path / case / "trial_0" / "traces.npz").membrane) for case in CASES]
    assert lengths == [5] * 5


def test_a_case_made_longer_alone_leaves_the_others_and_is_told(place, short):
    path = short("alone")
    status, _, stderr = place.call("temporal_coding", f"resume=runs/{path.name}/tuned", "num_iterations=5")
    assert status == 0, stderr
    status, _, stderr = place.call("temporal_coding", f"evaluate=runs/{path.name}")
    assert status == 0 and "Traceback" not in stderr and "equal (iterations, time steps)" in stderr
    status, _, stderr = place.call("temporal_coding", f"resume=runs/{path.name}", "num_iterations=5")
    assert status == 0, stderr


def test_a_case_that_diverges_leaves_the_others_theirs(place):
    path, status, stdout, stderr = train(place, "case=all", "lr=1e17", "num_iterations=2", "num_frames=0")
    assert status == 1 and "Traceback" not in stderr
    assert "run.py: diverged: case wide_threshold: trial 0: loss" in stderr
    results = {case: record.read_result(path / case) for case in CASES}
    finished = [case for case in CASES if record.survivors(results[case])]
    assert finished and (path / "figures" / "cases.png").exists() and f"case {CASES[-1]}" in stdout
    assert results["wide_threshold"]["mse_last50_mean"] is None
    for command in ("evaluate", "resume"):  # which repeats nothing
        status, stdout, stderr = place.call("temporal_coding", f"{command}=runs/{path.name}")
        assert status == 1 and "run.py: diverged: case wide_threshold: trial 0: loss" in stderr.splitlines()[-1]
        assert stdout.count("mse / peak²") >= len(finished) and "failed: trial 0: loss" in stdout
        assert {case: record.read_result(path / case) for case in CASES} == results


STOPPED_WHILE_DRAWING = """
import os, runpy, signal, sys
sys.path.insert(1, sys.path[0] + "/..")
from common.plots import timing
timing.loss_curve = lambda traces: os.kill(os.getpid(), signal.{name})
runpy.run_path("run.py", run_name="__main__")
"""


@pytest.mark.parametrize("name, expected", [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_while_drawing_ends_all_and_keeps_the_result(place, name, expected):
    script = place.root / "temporal_coding" / "stopped.py"
    script.write_text(STOPPED_WHILE_DRAWING.format(name=name))
    path, status, stdout, stderr = train(place, "case=all", "num_iterations=2", script="stopped.py")
    assert status == expected and "Traceback" not in stderr
    assert stdout.count("case ") == 1 and "mse / peak²" in stdout.splitlines()[-1]
    assert f"evaluate=runs/{path.name}/float" in stderr
    assert f"to go on: python run.py resume=runs/{path.name}\n" in stderr
    assert (path / "float" / "result.json").exists() and not (path / "binarized").exists()


def test_cases_that_were_moved_go_on_and_are_reported(place, all_cases, tmp_path, capsys):
    shutil.copytree(all_cases[0], tmp_path / "all")
    report.main([str(tmp_path), "--wide"])
    assert capsys.readouterr().out.count("| temporal_coding |") == 5
    shutil.rmtree(tmp_path / "all" / CASES[-1])
    status, _, stderr = place.call("temporal_coding", f"resume={tmp_path / 'all'}", "num_frames=0")
    assert status == 0, stderr
    assert record.read_config(tmp_path / "all" / CASES[-1])["directory"] == "temporal_coding"
