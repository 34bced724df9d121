"""A run: its trials trained, tested and recorded in one directory, and drawn.

A task is a module of functions that say what a trial does: classification, spike_timing.
    check(settings, data)                         ValueError if they do not go together
    fit(trial, settings, data, encode, signals)   train; yield a row of metrics after each epoch, when it is on disk
    show(row, settings, net)                      print such a row
    test(trial, settings, data, encode, signals)  -> the trial's line of result.json
    summary(results, settings)                    -> what result.json says over all trials
    draw(path, settings, data, net, encode, result)    the figures, with the first trial for an example
    conclude(result)                              -> the result in words, a line or several
    compare(runs), draw_cases(path, runs)         print, and draw, the runs {case: run directory} of case=all
encode: inputs -> sequence.  signals: a list that receives the number of a signal, on which the task is to stop.
A trial that diverges is a result too: its line of result.json says how, and the task is told of the others alone.
"""

import contextlib
import functools
import sys
from collections.abc import Callable
from os.path import relpath
from types import ModuleType
from typing import NamedTuple

import torch

from common.data import Data
from common.errors import foreign, user_errors
from common.running import drawing, log, metrics, origin, record, results, tensorboard, trial
from common.running.signals import hinting, stop_hook, stop_signals
from common.training import monitor
from common.training.loop import Diverged


class Experiment(NamedTuple):
    """What the run.py of a data set puts together.

    load_data(settings) -> Data.  encode(inputs, num_steps) -> sequence [T, B, ...].  task: see above.
    """

    load_data: Callable
    encode: Callable
    task: ModuleType


class _Prepared(NamedTuple):
    """An experiment with its settings, its data on the device.  encode: inputs -> sequence [T, B, ...]."""

    task: ModuleType
    settings: dict
    data: Data
    encode: Callable
    device: torch.device


def run(experiment, settings, parent=None, path=None, hint=True, prepared=None):
    """Train, validate and test all trials of a run in a new directory under `parent`, or go on in `path`.

    hint: whether to say how to go on, when it is stopped.  prepared: what prepare() gave, if it was called.
    Returns the run's directory.  UserError for settings, data or files that a user can mend; Diverged if every trial
    has diverged.
    """
    prepared = prepared or prepare(experiment, settings)
    data = prepared.data
    with user_errors():
        path = path or record.create(parent, settings)
        path.mkdir(exist_ok=True)  # a case's directory is not there yet
    with record.locked(path), log.kept(path):
        with user_errors():
            rows = [origin.kept_rows(place, settings, data) for place in record.trials(path, settings["num_trials"])]
            record.write_config(path, settings, data, prepared.device)
            log.keep_changes(path)
        print(f"{data.name}: {len(data.train)} training, {len(data.val)} validation, {len(data.test)} test samples")
        print(f"run directory: {relpath(path)}", flush=True)
        with hinting("to go on", "resume", path) if hint else contextlib.nullcontext(), stop_signals() as signals:
            result, net = _run_trials(prepared, path, rows, signals)
            stop_hook(signals)()
        drawing.conclude(prepared, path, net, result)
    return path


def evaluate(experiment, settings, path):
    """Test a finished run's trials again, print the result, and draw its figures anew; errors as of run()."""
    prepared = prepare(experiment, settings)
    task, _, data, encode, device = prepared
    with record.locked(path), log.kept(path):
        with user_errors():
            record.check_data(path, data)
            places = record.finished_trials(path, settings)
            rows = [origin.kept_rows(place, settings, data) for place in places]
            recorded = record.read_result(path)["trials"]
            net, lines = None, recorded[:]
            for k in record.survivors({"trials": recorded}):
                current = trial.started(settings, data, places[k], device)
                lines[k], net = task.test(current, settings, data, encode), current.net
            results.tell_differences(lines, recorded)
            metrics.write(path / "metrics.csv", sum(rows, []))
        drawing.conclude(prepared, path, net, results.content(task, settings, data, lines), anew=True)


def prepare(experiment, settings):
    """The experiment with these settings; UserError if they, or the data, cannot be used."""
    with user_errors():
        if "num_threads" in settings:
            torch.set_num_threads(settings["num_threads"])
        device = _device(settings["device"])
        data = experiment.load_data(settings)
        experiment.task.check(settings, data)
        for split in ("train", "val", "test"):
            setattr(data, split, getattr(data, split).to(device))
        encode = functools.partial(experiment.encode, num_steps=settings["num_steps"])
        trial.check(settings, data, encode, device)  # before a directory is made
    return _Prepared(experiment.task, settings, data, encode, device)


def _device(name):
    """The device of that name; ValueError if torch sees no such.  mps, Apple's GPU, is untested."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    num_devices = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= num_devices[device.type]:
        kind = device.type.upper()
        raise ValueError(f"device={name}, but torch sees no such {kind} device; use device=cpu or torch for {kind}")
    return device


def _run_trials(prepared, path, rows, signals):
    """Train, test and record the trials in turn, each from where it stopped; (result.json, network of one or None).

    rows: of each trial, those of metrics.csv so far, to which it adds its own.
    A trial that was finished already, or has diverged, keeps its line of result.json, and is not tested again.
    """
    task, settings, data, encode, device = prepared
    before = record.standing_result(path)
    # Lines of the new result.json: the old ones each stand until replaced, unless the trials are to be longer now.
    lines = before["trials"][:] if before.get("length") == record.length(settings) else []
    warned, net = set(), None  # {(layer, metric)}: each is warned of once
    for k, place in enumerate(record.trials(path, settings["num_trials"])):
        line = before["trials"][k] if k < len(before["trials"]) else {}
        if "diverged" not in line or not place.exists():
            with user_errors():
                current = trial.started(settings, data, place, device)
            if net is None:
                print(f"{sum(parameter.numel() for parameter in current.net.parameters()):,} parameters", flush=True)
            rows[k], start = current.progress.rows, current.progress.iteration
            try:
                _train(prepared, current, path, rows, warned, signals)
                net = current.net
                if not line.get("num_iterations") == start == current.progress.iteration:
                    line = task.test(current, settings, data, encode, signals)
            except Diverged as error:
                line = results.diverged(current, error)
        lines[k : k + 1] = [line]
        with foreign(f"{path / 'result.json'} is damaged"):
            result = results.content(task, settings, data, lines)
        record.write_json(path / "result.json", result)
    return result, net


def _train(prepared, current, path, rows, warned, signals):
    """Train a trial to its end; record and show each epoch.  rows: of each trial, to which its epochs add theirs."""
    task, settings, data, encode, _ = prepared
    with foreign(f"{path / 'config.json'} is damaged"):
        name = tensorboard.name_of(record.read_config(path)["command"])
    place, iteration = path / "tensorboard" / name / current.path.name, current.progress.iteration
    with tensorboard.writing(place, iteration, record.held_out(settings)) as (write_row, current.write_loss):
        with foreign(f"trial {current.number} cannot be trained on", ValueError, RuntimeError, IndexError):
            for row in task.fit(current, settings, data, encode, signals):
                metrics.write(path / "metrics.csv", sum(rows, []))
                write_row(row)
                task.show(row, settings, current.net)
                _warn(row, current.net, warned)
    metrics.write(path / "metrics.csv", sum(rows, []))


def _warn(row, net, warned):
    """Warn of layers that are silent or always on, unless (layer, metric) is in `warned`, to which it is added."""
    layers = {name: {key: row.get(f"{key}_{name}", 0) for key in ("silent_share", "saturated_share")}
              for name in net.neurons}
    for about, line in monitor.warnings(layers).items():
        if about not in warned:
            warned.add(about)
            print(f"warning: {line}", file=sys.stderr)
