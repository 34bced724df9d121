"""What users type in temporal_coding/, each in a process of its own, on a small net."""

import csv
import shutil
from signal import SIGKILL

import numpy as np
import pytest
from helpers.place import equal, timeless, weights
from helpers.timing_runs import FIGURES, train

from common import report
from common.running import record, replay
from common.tasks.recording import Recording


@pytest.fixture(scope="module")
def annealed(place):
    path, status, stdout, stderr = train(place, "num_trials=2")
    assert status == 0, stderr
    return path, stdout


def test_a_run_leaves_what_is_documented(annealed):
    path, stdout = annealed
    assert {file.name for file in path.iterdir()} - {"uncommitted.patch"} == {
        "config.json", "metrics.csv", "result.json", "tensorboard", "figures", "lock", "log.txt", "trial_0", "trial_1"}
    for trial in ("trial_0", "trial_1"):
        assert {"last.pt", "last.pt.sha256", "traces.npz"} == {file.name for file in (path / trial).iterdir()}
    assert sorted(file.name for file in (path / "figures").iterdir()) == FIGURES
    assert not list(path.rglob("*.part"))
    assert stdout.count("  iteration ") == 4 and "mse / peak² of the last 50 iterations" in stdout.splitlines()[-2]


def test_its_traces_hold_every_iteration_and_what_is_said_of_them(annealed):
    path, _ = annealed
    result = record.read_json(path / "result.json")
    assert result["case"] == "annealed" and [trial["seed"] for trial in result["trials"]] == [0, 1]
    for k, trial in enumerate(result["trials"]):
        found = Recording.read(path / f"trial_{k}" / "traces.npz")
        assert found.membrane.shape == found.spikes.shape == (130, 20) and found.target.argmax() == 15
        assert found.threshold[:3] == pytest.approx([5, 5.225, 5.448875])  # 5 + .005 · 45, then again
        assert trial["mse_last50"] == pytest.approx(found.loss[-50:].mean() / 55**2)
        assert set(trial["firing_rates"]) == {"fc1", "fc2"} and trial["num_iterations"] == 130
    means = [trial["mse_last50"] for trial in result["trials"]]
    assert means[0] != means[1] and result["mse_last50_mean"] == pytest.approx(sum(means) / 2)


def test_its_metrics_have_a_line_per_hundred_iterations(annealed):
    path, _ = annealed
    with open(path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] + " " + row["iteration"] for row in rows] == ["0 100", "0 130", "1 100", "1 130"]
    losses = Recording.read(path / "trial_0" / "traces.npz").loss
    assert float(rows[1]["train_loss"]) == pytest.approx(losses[100:].mean(), rel=1e-5)
    assert float(rows[1]["mse"]) == pytest.approx(losses[100:].mean() / 55**2, rel=1e-5)


def test_a_killed_run_goes_on_and_ends_as_an_unbroken_one(place, annealed):
    path, status, _, _ = train(place, "num_trials=2", script="saving.py", KILL="9 9")
    assert status == -SIGKILL and not (path / "trial_1" / "traces.npz").exists()
    status, stdout, stderr = place.call("temporal_coding", f"resume=runs/{path.name}")
    assert status == 0, stderr
    for trial in ("trial_0", "trial_1"):
        assert equal(weights(path / trial / "last.pt"), weights(annealed[0] / trial / "last.pt"))
        one, other = (Recording.read(run / trial / "traces.npz").membrane for run in (path, annealed[0]))
        assert np.array_equal(one, other)
    one, other = (timeless(record.read_json(run / "result.json")) for run in (path, annealed[0]))
    assert one == other


def test_a_finished_run_can_be_made_longer(place, annealed):
    path, status, _, stderr = train(place, "num_trials=2", "num_iterations=100")
    assert status == 0, stderr
    status, _, stderr = place.call("temporal_coding", f"resume=runs/{path.name}", "num_iterations=130", "num_frames=0")
    assert status == 0, stderr
    assert sorted(file.name for file in (path / "figures").glob("*.*")) == [".drawn", "loss.png", "spike_timing.png"]
    one, other = (timeless(record.read_json(run / "result.json")) for run in (path, annealed[0]))
    assert one == other
    status, _, stderr = place.call("temporal_coding", f"resume=runs/{path.name}", "num_iterations=120")
    assert status == 2 and "num_iterations can only grow: the run was to have 130" in stderr


def test_evaluate_repeats_the_result_and_draws_again(place, annealed):
    path, stdout = annealed
    before = (path / "result.json").read_bytes()
    (path / "figures" / "membrane.mp4").unlink()
    status, again, stderr = place.call("temporal_coding", f"evaluate=runs/{path.name}")
    assert status == 0, stderr
    assert again.splitlines()[-2:] == stdout.splitlines()[-2:]
    assert (path / "result.json").read_bytes() == before and (path / "figures" / "membrane.mp4").exists()


def test_without_frames_there_are_figures_only(place):
    path, status, _, stderr = train(place, "num_frames=0", "num_iterations=2", "case=float")
    assert status == 0, stderr
    assert sorted(file.name for file in (path / "figures").iterdir()) == [".drawn", "loss.png", "spike_timing.png"]


@pytest.mark.parametrize("arguments, message", [
    (["case=bogus"], "case must be one of float, binarized, wide_threshold, annealed, tuned or all, once; got bogus"),
    (["spike_time=100"], "spike_time must be below num_steps = 100, got 100"),
    (["thresholds=[1.0]"], "thresholds and dropout need a number for each of the 2 layers"),
    (["case=all", "case=float"], "once; got all float"),
    (["case=float", "anneal_rates=[0.1,0.1]"], "anneal_rates has no effect here"),
    (["case=all", "momentum=0.5"], "case tuned: momentum has no effect here; it needs optimizer=sgd"),
    (["readout=spikes"], "readout must be 'membrane' in this task, got 'spikes'"),
    (["lr_schedule=step", "lr_step_epochs=0"], "lr_step_epochs must be a whole number, 1 or more"),
    (["lr_schedule=cosine", "cosine_iterations=0"], "lr_schedule=cosine needs cosine_iterations or cosine_epochs"),
])
def test_a_mistake_is_told_in_one_line(place, arguments, message):
    status, _, stderr = place.call("temporal_coding", *arguments)
    assert status == 2 and stderr.startswith("run.py: ") and stderr.count("\n") == 1 and message in stderr, stderr


def test_a_run_that_is_being_made_longer_is_unfinished(place, capsys):
    path, status, _, stderr = train(place, "num_frames=0", "num_iterations=100", "case=float")
    assert status == 0, stderr
    arguments = [f"resume=runs/{path.name}", "num_iterations=230"]
    assert place.call("temporal_coding", *arguments, script="saving.py", KILL="9 4")[0] == -SIGKILL
    report.main([str(path)])
    text = capsys.readouterr().out
    assert "| 0 of 1 |" in text and "| 100 " in text
    status, _, stderr = place.call("temporal_coding", f"evaluate=runs/{path.name}")
    assert status == 2 and "the run is unfinished; resume=" in stderr
    assert replay_finds(place, path, 230) is False
    status, _, stderr = place.call("temporal_coding", f"resume=runs/{path.name}")
    assert status == 0, stderr
    assert len(Recording.read(path / "trial_0" / "traces.npz").membrane) == 230 and replay_finds(place, path, 230)


def replay_finds(place, path, num_iterations):
    settings = record.read_config(path)["settings"]
    return replay._has(path, replay._material(settings | {"num_iterations": num_iterations}))


def test_a_run_that_was_moved_goes_on_and_is_reported(place, annealed, tmp_path, capsys):
    shutil.copytree(annealed[0], tmp_path / "one")
    status, _, stderr = place.call("temporal_coding", f"resume={tmp_path / 'one'}", "num_frames=0")
    assert status == 0, stderr
    report.main([str(tmp_path)])
    assert capsys.readouterr().out.count("| temporal_coding |") == 1


@pytest.mark.parametrize("name", ["trial_0/last.pt", "result.json"])
def test_what_is_lost_or_damaged_is_named(place, annealed, tmp_path, name):
    shutil.copytree(annealed[0], tmp_path / "run")
    (tmp_path / "run" / name).unlink()
    if name == "result.json":
        (tmp_path / "run" / name).write_text("[]")
    status, _, stderr = place.call("temporal_coding", f"evaluate={tmp_path / 'run'}")
    assert status == 2 and name in stderr and stderr.count("\n") == 1, stderr
