"""A run: its trials trained, tested and recorded in one directory, and drawn.

A task is a module of functions that says what a trial does: classification, spike_timing.
    check(settings, data)                         ValueError if they do not go together
    fit(trial, settings, data, encode, signals)   train; yield a row of metrics after each epoch, when it is on disk
    show(row, settings, net)                      print such a row
    test(trial, settings, data, encode, signals)  -> the trial's line of result.json
    summary(results, settings)                    -> what result.json says over all trials
    draw(path, settings, data, net, encode, result)    the figures
    conclude(result)                              -> the result in words, a line or several
    compare(path, runs)                           print and draw the runs {case: run directory} of case=all
"""

import contextlib
import functools
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from os.path import relpath
from types import ModuleType

import torch

from common.errors import user_errors
from common.running import metrics, record, tensorboard, trial
from common.running.signals import Interrupted, stop_hook, stop_signals
from common.training import monitor
from common.training.loop import Diverged


@dataclass(frozen=True)
class Experiment:
    """What a directory's run.py puts together.

    load_data(settings) -> Data.  encode(inputs, num_steps) -> sequence [T, B, ...].  task: see above.
    """

    load_data: Callable
    encode: Callable
    task: ModuleType


def run(experiment, settings, parent=None, path=None, hint=True):
    """Train, validate and test all trials of a run in a new directory under `parent`, or go on in `path`.

    hint: whether to say how to go on, when it is stopped.  Returns the run's directory.
    UserError for settings, data or files that a user can mend.
    """
    data, device, encode = _prepare(experiment, settings)
    with user_errors():
        path = path or record.create(parent, settings)
    with record.locked(path):
        with user_errors():
            record.write_config(path, settings, data, device)
        print(f"{data.name}: {len(data.train)} training, {len(data.val)} validation, {len(data.test)} test samples")
        print(f"run directory: {relpath(path)}", flush=True)
        with hinting("to go on", "resume", path) if hint else contextlib.nullcontext():
            with stop_signals() as signals:
                result, net = _run_trials(experiment, path, settings, data, encode, device, signals)
                stop_hook(signals)()
        _draw(experiment, path, settings, data, net, encode, result)
    return path


def evaluate(experiment, settings, path):
    """Judge a finished run's trials again, print what they reach, and draw its figures anew."""
    data, device, encode = _prepare(experiment, settings)
    with record.locked(path):
        with user_errors():
            record.check_data(path, data)
            trials = [trial.started(settings, data, place, settings["seed"] + k, device)
                      for k, place in enumerate(_finished_trials(path, settings))]  # fmt: skip
            results = [experiment.task.test(trial, settings, data, encode) for trial in trials]
            _tell_differences(results, record.read_result(path)["trials"])
            metrics.write(path / "metrics.csv", [row for trial in trials for row in trial.progress["rows"]])
        _draw(experiment, path, settings, data, trials[0].net, encode, _result(experiment, data, results, settings))


def _tell_differences(results, recorded):
    """Warn of what a finished run's weights no longer repeat; its time is not compared."""
    for k, (result, before) in enumerate(zip(results, recorded, strict=True)):
        keys = [key for key in before if key != "seconds" and key in result and result[key] != before[key]]
        if keys:
            numbers = [f"{key} {result[key]:.4f}, was {before[key]:.4f}" for key in keys
                       if all(isinstance(values[key], float) for values in (result, before))]  # fmt: skip
            print(f"warning: trial {k} differs from result.json in {'; '.join(numbers or keys)}", file=sys.stderr)


def _finished_trials(path, settings):
    """The directories of a finished run's trials; ValueError if it is not finished or their weights are gone."""
    done = record.read_result(path) if (path / "result.json").exists() else {}
    if not record.is_finished(settings, done):
        raise ValueError(f"the run is unfinished; resume={path} first")
    places = [path / f"trial_{k}" for k in range(done["num_trials"])]
    if lost := [place / "last.pt" for place in places if not (place / "last.pt").exists()]:
        raise ValueError(f"{lost[0]} is missing; resume={path} trains it again")
    return places


@contextlib.contextmanager
def hinting(what, command, path):
    """Say which command to type when what happens inside is stopped or cannot write."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt, OSError):
        print(f"{what}: {shlex.join(['python', sys.argv[0], f'{command}={relpath(path)}'])}", file=sys.stderr)
        raise


def _draw(experiment, path, settings, data, net, encode, result):
    print(experiment.task.conclude(result), flush=True)
    with hinting("the run is finished; to draw its figures", "evaluate", path):
        experiment.task.draw(path, settings, data, net, encode, result)
    print(f"figures and results: {relpath(path)}")


def _prepare(experiment, settings):
    """(data on its device, device, encode for this number of steps)."""
    with user_errors():
        if "num_threads" in settings:
            torch.set_num_threads(settings["num_threads"])
        name = settings["device"]
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        if name.startswith("cuda") and int((name + ":0").split(":")[1]) >= torch.cuda.device_count():
            raise ValueError(f"device={name}, but torch sees no such CUDA device; use device=cpu or torch for CUDA")
        data = experiment.load_data(settings)
        experiment.task.check(settings, data)
        trial.check(settings, data)  # what cannot be built is said before a directory is made
    for split in ("train", "val", "test"):
        setattr(data, split, getattr(data, split).to(name))
    return data, torch.device(name), functools.partial(experiment.encode, num_steps=settings["num_steps"])


def _run_trials(experiment, path, settings, data, encode, device, signals):
    """(result, network of the last trial), each trial recorded as soon as it is done."""
    task, told = experiment.task, set()
    done = record.read_result(path) if (path / "result.json").exists() else {"trials": []}
    results = done["trials"][:] if done.get("length") == record.length(settings) else []  # until redone
    with user_errors():
        rows = [trial.rows(path / f"trial_{k}") for k in range(settings["num_trials"])]
    for k in range(settings["num_trials"]):
        with user_errors():
            place, seed = path / f"trial_{k}", settings["seed"] + k
            current = trial.started(settings, data, place, seed, device)
        before = current.progress["iteration"]
        with tensorboard.writing(path / "tensorboard" / f"trial_{k}", current.progress["epoch"]) as write_tensorboard:
            for row in _named(f"trial {k}", task.fit(current, settings, data, encode, signals)):
                rows[k] = current.progress["rows"]
                metrics.write(path / "metrics.csv", sum(rows, []))
                write_tensorboard(row)
                task.show(row, settings, current.net)
                _warn(row, current.net, told)
        metrics.write(path / "metrics.csv", sum(rows, []))
        known = done["trials"][k] if k < len(done["trials"]) else {}
        tested = known.get("num_iterations") == before == current.progress["iteration"]
        results[k : k + 1] = [known if tested else task.test(current, settings, data, encode, signals)]
        result = _result(experiment, data, results, settings)
        record.write_json(path / "result.json", result)
    return result, current.net


def _named(trial, rows):
    """The rows; Diverged says in which trial."""
    try:
        yield from rows
    except Diverged as error:
        raise Diverged(f"{trial}: {error}") from error


def _warn(row, net, told):
    """Say what is new of layers that are silent or always on."""
    layers = {name: {key: row.get(f"{key}_{name}", 0) for key in ("silent_share", "saturated_share")}
              for name in net.neurons}  # fmt: skip
    for about, line in monitor.warnings(layers).items():
        if about not in told:
            told.add(about)
            print(f"warning: {line}", file=sys.stderr)


def _result(experiment, data, results, settings):
    """The content of result.json."""
    return {
        "data": {"name": data.name, "stand_in": data.stand_in, "num_train": len(data.train)},
        "num_trials": len(results),
        "length": record.length(settings),
        **experiment.task.summary(results, settings),
        "trials": results,
    }
