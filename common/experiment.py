"""From a directory's conf.py to its run directories: train, validate, test, record, draw."""

import functools
import shlex
import sys
from os.path import relpath
from pathlib import Path
from types import SimpleNamespace

import torch

from common import annealing, checkpoint, config, monitor, plots, record, trial
from common.config import UserError, user_errors
from common.training import Diverged, Interrupted, stop_signals

CHANGEABLE = {"resume": ("num_epochs", "device", "data_dir", "num_workers"),  # the keys that these accept
              "evaluate": ("device", "data_dir", "num_workers")}  # fmt: skip


def main(conf, load_data, build_net, encode):
    """What a directory's run.py does with its command line; errors end the process with their status.

    conf: the module conf.py.  load_data(settings) -> Data.  build_net(settings, data) -> network.
    encode(inputs, num_steps) -> sequence [T, B, ...].
    """
    arguments, functions = sys.argv[1:], (load_data, build_net, encode)
    if {"--help", "-h"} & set(arguments):
        print(sys.modules["__main__"].__doc__.strip(), config.help_text(conf), sep="\n\n")
        return
    try:
        command, path, rest = _command(arguments)
        if command == "train":
            with user_errors():
                settings = config.resolve(conf.config, conf.conditional, rest)
                config.refuse_unread(settings)
            run(settings, *functions, parent=Path(conf.__file__).parent / "runs")
        else:
            settings = _saved_settings(path, Path(conf.__file__).parent.name, command, rest)
            (run if command == "resume" else evaluate)(settings, *functions, path=path)
    except (UserError, OSError) as error:
        _stop(error, 2)
    except Diverged as error:
        _stop(f"diverged: {error}; what was saved before it is in the run directory, and a lower lr may help", 1)
    except Interrupted as error:
        _stop(f"stopped by {error}", 128 + error.signum)
    except KeyboardInterrupt:
        _stop("stopped", 130)


def _stop(message, status):
    print(f"run.py: {message}", file=sys.stderr)
    sys.exit(status)


def _command(arguments):
    """("train" | "resume" | "evaluate", run directory, the other arguments)."""
    named = [argument.partition("=")[::2] for argument in arguments if argument.startswith(("resume=", "evaluate="))]
    if not named:
        return "train", None, arguments
    if len(named) > 1:
        raise UserError("resume= and evaluate= take one run directory, once")
    command, path = named[0]
    return command, Path(path), [argument for argument in arguments if argument != f"{command}={path}"]


def _saved_settings(path, directory, command, arguments):
    """The settings of the run at `path`, with the few that may change overridden."""
    with user_errors():
        saved = record.read_config(path)
        if saved["directory"] != directory:
            raise ValueError(f"{path} is a run of {saved['directory']}, not of {directory}")
        settings = saved["settings"]
        changeable = [key for key in CHANGEABLE[command] if key in settings]
        if refused := [argument for argument in arguments if argument.partition("=")[0] not in changeable]:
            raise ValueError(f"{refused[0]}: a run goes on as it began; only {', '.join(changeable)} may change")
        overrides = config.parse(arguments, settings)
        for key, value in overrides.items():
            config.check(key, value, ())
        if overrides.get("num_epochs", settings["num_epochs"]) < settings["num_epochs"]:
            raise ValueError(f"num_epochs can only grow: the run was to have {settings['num_epochs']}")
    return settings | overrides


def run(settings, load_data, build_net, encode, parent=None, path=None):
    """Train, validate and test all trials of a run in a new directory under `parent`, or go on in `path`.

    Returns the run's directory. UserError for settings, data or files that a user can mend.
    """
    data, device, encode = _prepare(settings, load_data, build_net, encode)
    with user_errors():
        path = path or record.create(parent, settings)
    with record.locked(path), stop_signals() as signals:
        with user_errors():
            record.write_config(path, settings, data, device)
        print(f"{data.name}: {len(data.train)} training, {len(data.val)} validation, {len(data.test)} test samples")
        print(f"run directory: {relpath(path)}", flush=True)
        try:
            result, net = _run_trials(path, settings, data, build_net, encode, device, signals)
        except (Interrupted, KeyboardInterrupt, OSError):
            print(f"to go on: {shlex.join(['python', sys.argv[0], f'resume={relpath(path)}'])}", file=sys.stderr)
            raise
        _draw(path, settings, data, net, encode, result)
    _report(path, result)
    return path


def evaluate(settings, load_data, build_net, encode, path):
    """Test a finished run's best weights again, print what they reach, and draw its figures anew."""
    data, device, encode = _prepare(settings, load_data, build_net, encode)
    with record.locked(path), user_errors():
        record.check_data(path, data)
        num_tested = record.read_json(path / "result.json")["num_trials"] if (path / "result.json").exists() else 0
        if num_tested < settings["num_trials"]:
            raise ValueError(f"{num_tested} of {settings['num_trials']} trials have been tested; resume={path} first")
        trials = [trial.build(settings, data, build_net, path / f"trial_{k}", settings["seed"] + k, device)
                  for k in range(num_tested)]  # fmt: skip
        result = record.summary(data, [trial.test(t, settings, data, encode) for t in trials], settings["select_on"])
        _draw(path, settings, data, trials[0].net, encode, result)
    _report(path, result)


def _prepare(settings, load_data, build_net, encode):
    """(data on its device, device, encode for this number of steps)."""
    with user_errors():
        name = settings["device"]
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        if name.startswith("cuda") and int((name + ":0").split(":")[1]) >= torch.cuda.device_count():
            raise ValueError(f"device={name}, but torch sees no such CUDA device; use device=cpu or torch for CUDA")
        data = load_data(settings)
        if not len(data.val) and settings["select_on"] == "val":
            raise ValueError("the validation set is empty; raise val_fraction, or say select_on=test")
        trial.check(settings, data, build_net)  # what cannot be built is said before a run directory is made
    for split in ("train", "val", "test"):
        setattr(data, split, getattr(data, split).to(name))
    return data, torch.device(name), functools.partial(encode, num_steps=settings["num_steps"])


def _run_trials(path, settings, data, build_net, encode, device, signals):
    """(result, network of the last trial), each trial recorded as soon as it is done."""
    done = record.read_json(path / "result.json")["trials"] if (path / "result.json").exists() else []
    results, rows = [], []
    for k in range(settings["num_trials"]):
        with user_errors():
            current = trial.build(settings, data, build_net, path / f"trial_{k}", settings["seed"] + k, device)
        with record.tensorboard(path / "tensorboard" / f"trial_{k}", current.progress["epoch"]) as write_tensorboard:
            for row in trial.fit(current, settings, data, encode, signals):
                record.write_metrics(path / "metrics.csv", rows + current.progress["rows"])
                write_tensorboard(row)
                _print_epoch(row, settings, current.net)
        if current.progress["epoch"] < settings["num_epochs"]:
            print(f"trial {k} ended after {settings['patience']} epochs without a better accuracy (patience)")
        rows += current.progress["rows"]
        record.write_metrics(path / "metrics.csv", rows)
        tested = k < len(done) and done[k]["num_epochs"] == current.progress["epoch"]
        results.append(done[k] if tested else trial.test(current, settings, data, encode, signals))
        result = record.summary(data, results, settings["select_on"])
        record.write_json(path / "result.json", result)
    return result, current.net


def _print_epoch(row, settings, net):
    rates = "  ".join(f"{name} {row[f'firing_rate_{name}']:.3f}" for name in net.neurons)
    print(f"trial {row['trial']}  epoch {row['epoch']}/{settings['num_epochs']}  "
          f"train loss {row['train_loss']:.4f} accuracy {row['train_accuracy']:.2%}  "
          f"{settings['select_on']} {row['val_accuracy']:.2%}  firing rates {rates}  "
          f"{row['epoch_seconds']:.1f} s", flush=True)  # fmt: skip
    layers = {name: {key: row[f"{key}_{name}"] for key in ("silent_share", "saturated_share")} for name in net.neurons}
    for line in monitor.warnings(layers):
        print(f"warning: {line}", file=sys.stderr)


def _draw(path, settings, data, net, encode, result):
    """figures/*.png: learning curves, thresholds, firing rates, and an example of trial 0 at its best."""
    rows = plots.read_metrics(path / "metrics.csv")
    names, neurons = list(net.neurons), [SimpleNamespace(threshold=torch.tensor(t)) for t in settings["thresholds"]]
    schedule, trajectory = annealing.build(settings, neurons), [settings["thresholds"]]
    for _ in range(max(row["iteration"] for row in rows if row["trial"] == 0)):
        schedule.step()
        trajectory.append([neuron.threshold.item() for neuron in neurons])
    net.load_state_dict(checkpoint.load(path / "trial_0" / "best.pt")["net"])
    image, label = data.test.batch(torch.tensor([0]))
    traces = [(name, spikes[:, 0].flatten(1).cpu().numpy(), membrane[:, 0].flatten(1).cpu().numpy(), threshold)
              for name, spikes, membrane, threshold in monitor.traces(net, encode(image))]  # fmt: skip
    figures = {
        "learning_curves": plots.learning_curves(rows),
        "thresholds": plots.threshold_curves(names, dict(zip(names, zip(*trajectory, strict=True), strict=True)), rows),
        "firing_rates": plots.firing_rates(result),
        "example": plots.example(traces, label.item(), image[0, 0].cpu().numpy()),
    }
    for name, figure in figures.items():
        plots.save(figure, path / "figures" / f"{name}.png")


def _report(path, result):
    spread = f" ± {result['test_std']:.2%}" if result["num_trials"] > 1 else ""
    marks = ", a stand-in" * result["data"]["stand_in"] + ", best on test" * (result["select_on"] == "test")
    print(f"test accuracy {result['test_mean']:.2%}{spread} over {result['num_trials']} trial(s) "
          f"on {result['data']['name']}{marks}")  # fmt: skip
    print(f"figures and results: {relpath(path)}")
