"""The results table, in Markdown, of all runs that left a result; below it, the runs without one.

    python -m common.report                    # every run below this directory
    python -m common.report mnist              # one experiment's, or one run's own directory
    python -m common.report --sort accuracy
"""

import argparse
import csv
import json
import statistics
import sys
from pathlib import Path

# Published test accuracies in %: (directory, data set, the settings it is for, figure, source)
PUBLISHED = [
    ("mnist", "MNIST", {"net": "resnet19", "select_on": "val"}, 98.67, "direct-training-snn@eef1f9e"),
    ("mnist", "MNIST", {"net": "plifnet", "tau": "layer", "select_on": "val"}, 99.63, "Fang 2021"),
    ("mnist", "MNIST", {"net": "plifnet", "tau": "layer", "select_on": "test"}, 99.72, "Fang 2021"),
    ("fashion_mnist", "Fashion-MNIST", {"net": "plifnet", "tau": "layer", "select_on": "val"}, 93.85, "Fang 2021"),
    ("fashion_mnist", "Fashion-MNIST", {"net": "plifnet", "tau": "layer", "select_on": "test"}, 94.38, "Fang 2021"),
]
FOR_ALL = {"binarize": False, "subset": 0}  # settings of every one of them: float weights, the whole training set
NONE = "–"
NOTES = {
    "**stand-in**": "not the published data set, so no published figure compares.",
    " of ": "n trials are done of so many: the run is unfinished, or one of them diverged.",
    "best on test": "the epoch was chosen on the test set, as some papers do; the accuracy is too high.",
}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m common.report", description=__doc__.partition("\n")[0])
    parser.add_argument("directories", nargs="*", type=_directory, default=[Path(".")], metavar="DIR",
                        help="a run's directory, or one that holds runs (default: this one)")
    parser.add_argument("--sort", choices=["accuracy", "time"],
                        help="best test accuracy first, or shortest first (default: by directory, oldest first)")
    options = parser.parse_args(arguments)
    runs = sorted({run for directory in options.directories for run in find(directory)})
    if not runs:
        print(f"no runs under {', '.join(map(str, options.directories))}")
    finished = [run for run in runs if (run / "result.json").exists()]
    rows = [row for run in finished if (row := read_row(run))]
    if options.sort:
        rows.sort(key=lambda row: row[options.sort])
    if rows:
        print(markdown([row["cells"] for row in rows]))
    if unfinished := [f"- {run}: {_progress(run)}" for run in runs if run not in finished]:
        print("\nUnfinished:\n" + "\n".join(unfinished))


def _directory(text):
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"no such directory: {text}")
    return Path(text)


def find(directory):
    """The runs among `directory` itself, its folders, runs/*/ and */runs/*/: what holds a file that runs write."""
    places = [directory, *(place for pattern in ("*", "runs/*", "*/runs/*") for place in directory.glob(pattern))]
    return [place for place in places
            if any((place / name).is_file() for name in ("config.json", "metrics.csv", "result.json"))]


def read_row(run):
    """A finished run's {column: text} under "cells", and its sort keys "accuracy" and "time".

    None, with a warning, if its config.json or result.json is missing or damaged.
    """
    try:
        config = _read(run / "config.json", settings=dict, directory=str)
        return _row(run, config, result=_read(run / "result.json", data=dict, trials=list))
    except (OSError, ValueError) as error:
        return _warn(error)
    except (AttributeError, KeyError, TypeError) as error:
        return _warn(f"{run / 'result.json'} is damaged: {error!r}")


def _row(run, config, result):
    trials = result["trials"]
    tests = [100 * trial["test"] for trial in trials if trial.get("test") is not None]
    seconds = sum(trial.get("seconds", 0) for trial in trials)
    planned = config["settings"].get("num_trials", len(trials))
    cells = {
        **_question(config["directory"], config["settings"]),
        "epochs (best / run)": _epochs(run, trials),
        "data": _data(result["data"]),
        "test accuracy (%)": _accuracy(tests, config["settings"]),
        "n": str(len(trials)) if len(trials) >= planned else f"{len(trials)} of {planned}",
        "published (%)": _published(config["directory"], config["settings"], result["data"]),
        "firing rate": _firing_rate(trials),
        "operations per sample": _operations(trials),
        "time": f"{seconds:,.0f} s, {config.get('device', NONE)}",
        "commit": (config.get("git_commit") or NONE)[:7] + ("+" if config.get("git_dirty") else ""),
        "run": run.name,
    }
    return {"cells": cells, "accuracy": -statistics.fmean(tests) if tests else 0, "time": seconds}


def _read(path, **kinds):
    """The dict in the JSON file `path`. Raises OSError or ValueError, naming it, if a key of `kinds` is not such."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    for key, kind in kinds.items():
        if not isinstance(content, dict) or not isinstance(content.get(key), kind):
            raise ValueError(f"{path} is damaged: it has no {key}")
    return content


def _read_epochs(run):
    """(trial, epoch, validation accuracy) of each line of metrics.csv; none, with a warning, if it is damaged."""
    try:
        with open(run / "metrics.csv", newline="", encoding="utf-8") as file:
            return [(int(row["trial"]), int(row["epoch"]), float(row["val_accuracy"])) for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        return _warn(f"{run / 'metrics.csv'} is damaged: {error!r}") or []


def _warn(message):
    print(f"warning: {message}", file=sys.stderr)


def _progress(run):
    epochs = _read_epochs(run)
    if not epochs:
        return "no epoch yet"
    trial, epoch, accuracy = epochs[-1]
    return f"trial {trial}, epoch {epoch}, val accuracy {100 * accuracy:.2f} %"


def _question(directory, settings):
    return {
        "experiment": directory,
        "net": settings.get("net", NONE),
        "weights": {True: "binarized", False: "float"}.get(settings.get("binarize"), NONE),
        "schedule": settings.get("threshold_schedule", NONE),
    }


def _epochs(run, trials):
    best = [trial["best_epoch"] for trial in trials if "best_epoch" in trial]
    last = {trial: epoch for trial, epoch, _ in _read_epochs(run)}.values()
    return f"{_span(best)} / {_span(last)}"


def _span(values):
    return "–".join(map(str, sorted({min(values), max(values)}))) if values else NONE


def _data(data):
    return f"{'**stand-in** ' if data['stand_in'] else ''}{data['name']}, {data['num_train']:,} train"


def _accuracy(tests, settings):
    if not tests:
        return NONE
    spread = f" ± {statistics.stdev(tests):.2f}" if len(tests) > 1 else ""
    return f"{statistics.fmean(tests):.2f}{spread}" + (", best on test" if settings.get("select_on") == "test" else "")


def _published(directory, settings, data):
    """The figure of PUBLISHED for exactly this; none for a stand-in, whatever its name."""
    for where, name, values, figure, source in PUBLISHED:
        same = all(settings.get(key) == value for key, value in (values | FOR_ALL).items())
        if same and (where, name, False) == (directory, data["name"], data["stand_in"]):
            return f"{figure:.2f} ({source})"
    return NONE


def _firing_rate(trials):
    """Spikes per neuron and step, averaged over layers, then over trials."""
    rates = [statistics.fmean(trial["firing_rates"].values()) for trial in trials if trial.get("firing_rates")]
    return f"{statistics.fmean(rates):.4f}" if rates else NONE


def _operations(trials):
    """Effective synaptic operations of one sample, averaged over trials."""
    counts = [trial["synaptic_operations"] for trial in trials if trial.get("synaptic_operations")]
    if not counts:
        return NONE
    macs, acs = (statistics.fmean(count[kind] for count in counts) for kind in ("effective_macs", "effective_acs"))
    return f"{macs:,.0f} MAC + {acs:,.0f} AC"


def markdown(rows):
    """The table of `rows` ({column: text}, all with the same columns), and the notes it calls for."""
    lines = [list(rows[0]), *([text.replace("|", "\\|") for text in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    table = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    notes = [f"- {mark}: {meaning}" for mark, meaning in NOTES.items() if any(mark in line for line in table)]
    return "\n".join([*table, *([""] if notes else []), *notes])


if __name__ == "__main__":
    main()
