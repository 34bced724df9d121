"""A run: its trials trained, tested and recorded in one directory, and drawn.

A task is a module of functions that says what a trial does: classification, spike_timing.
    check(settings, data)                         ValueError if they do not go together
    fit(trial, settings, data, encode, signals)   train; yield a row of metrics after each epoch, when it is on disk
    show(row, settings, net)                      print such a row
    test(trial, settings, data, encode, signals)  -> the trial's line of result.json
    summary(results, settings)                    -> what result.json says over all trials
    draw(path, settings, data, net, encode, result)    the figures
    conclude(result)                              -> the result in a line
"""

import functools
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from os.path import relpath
from types import ModuleType

import torch

from common import monitor, record, trial
from common.config import user_errors
from common.training import Interrupted, stop_signals


@dataclass(frozen=True)
class Experiment:
    """What a directory's run.py puts together.

    load_data(settings) -> Data.  build_net(settings, data) -> network.  encode(inputs, num_steps) ->
    sequence [T, B, ...].  task: see above.
    """

    load_data: Callable
    build_net: Callable
    encode: Callable
    task: ModuleType


def run(experiment, settings, parent=None, path=None, whole=None):
    """Train, validate and test all trials of a run in a new directory under `parent`, or go on in `path`.

    whole: the directory to resume, if the run is a part of it.  Returns the run's directory.
    UserError for settings, data or files that a user can mend.
    """
    data, device, encode = _prepare(experiment, settings)
    with user_errors():
        path = path or record.create(parent, settings)
    with record.locked(path), stop_signals() as signals:
        with user_errors():
            record.write_config(path, settings, data, device)
        print(f"{data.name}: {len(data.train)} training, {len(data.val)} validation, {len(data.test)} test samples")
        print(f"run directory: {relpath(path)}", flush=True)
        try:
            result, net = _run_trials(experiment, path, settings, data, encode, device, signals)
        except (Interrupted, KeyboardInterrupt, OSError):
            resume = shlex.join(["python", sys.argv[0], f"resume={relpath(whole or path)}"])
            print(f"to go on: {resume}", file=sys.stderr)
            raise
        experiment.task.draw(path, settings, data, net, encode, result)
    _report(experiment, path, result)
    return path


def evaluate(experiment, settings, path):
    """Test a finished run's best weights again, print what they reach, and draw its figures anew."""
    data, device, encode = _prepare(experiment, settings)
    with record.locked(path), user_errors():
        record.check_data(path, data)
        num_tested = record.read_json(path / "result.json")["num_trials"] if (path / "result.json").exists() else 0
        if num_tested < settings["num_trials"]:
            raise ValueError(f"{num_tested} of {settings['num_trials']} trials have been tested; resume={path} first")
        trials = [trial.build(settings, data, experiment.build_net, path / f"trial_{k}", settings["seed"] + k, device)
                  for k in range(num_tested)]  # fmt: skip
        results = [experiment.task.test(t, settings, data, encode) for t in trials]
        result = _result(experiment, data, results, settings)
        experiment.task.draw(path, settings, data, trials[0].net, encode, result)
    _report(experiment, path, result)


def _prepare(experiment, settings):
    """(data on its device, device, encode for this number of steps)."""
    with user_errors():
        name = settings["device"]
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        if name.startswith("cuda") and int((name + ":0").split(":")[1]) >= torch.cuda.device_count():
            raise ValueError(f"device={name}, but torch sees no such CUDA device; use device=cpu or torch for CUDA")
        data = experiment.load_data(settings)
        experiment.task.check(settings, data)
        trial.check(settings, data, experiment.build_net)  # what cannot be built is said before a directory is made
    for split in ("train", "val", "test"):
        setattr(data, split, getattr(data, split).to(name))
    return data, torch.device(name), functools.partial(experiment.encode, num_steps=settings["num_steps"])


def _run_trials(experiment, path, settings, data, encode, device, signals):
    """(result, network of the last trial), each trial recorded as soon as it is done."""
    task = experiment.task
    done = record.read_json(path / "result.json")["trials"] if (path / "result.json").exists() else []
    results, rows, told = [], [], set()
    for k in range(settings["num_trials"]):
        with user_errors():
            place, seed = path / f"trial_{k}", settings["seed"] + k
            current = trial.build(settings, data, experiment.build_net, place, seed, device)
        with record.tensorboard(path / "tensorboard" / f"trial_{k}", current.progress["epoch"]) as write_tensorboard:
            for row in task.fit(current, settings, data, encode, signals):
                record.write_metrics(path / "metrics.csv", rows + current.progress["rows"])
                write_tensorboard(row)
                task.show(row, settings, current.net)
                _warn(row, current.net, told)
        rows += current.progress["rows"]
        record.write_metrics(path / "metrics.csv", rows)
        tested = k < len(done) and done[k]["num_iterations"] == current.progress["iteration"]
        results.append(done[k] if tested else task.test(current, settings, data, encode, signals))
        result = _result(experiment, data, results, settings)
        record.write_json(path / "result.json", result)
    return result, current.net


def _warn(row, net, told):
    """Say what is new of layers that are silent or always on."""
    layers = {name: {key: row.get(f"{key}_{name}", 0) for key in ("silent_share", "saturated_share")}
              for name in net.neurons}  # fmt: skip
    for line in [line for line in monitor.warnings(layers) if line not in told]:
        told.add(line)
        print(f"warning: {line}", file=sys.stderr)


def _result(experiment, data, results, settings):
    """The content of result.json."""
    return {
        "data": {"name": data.name, "stand_in": data.stand_in, "num_train": len(data.train)},
        "num_trials": len(results),
        **experiment.task.summary(results, settings),
        "trials": results,
    }


def _report(experiment, path, result):
    print(experiment.task.conclude(result))
    print(f"figures and results: {relpath(path)}")
