"""The results tables, in Markdown, of all runs that left a result; below them, the runs without one.

    python -m common.report                    # every run below this directory
    python -m common.report mnist              # one experiment's, or one run's own directory
    python -m common.report --sort accuracy
    python -m common.report shd --table spsn   # neurons against augmentation and regularisation
    python -m common.report dvs_gesture --table plif    # time constants per layer and per neuron
"""

import argparse
from pathlib import Path

from common.report import accuracy, plif, spsn, timing
from common.report.runs import NONE, find, read, read_metrics, warn
from common.running.record import is_finished

TABLES = {"plif": plif, "spsn": spsn}
NOTES = {
    "**stand-in**": "not the published data set, so no published figure compares.",
    " of ": "so many trials are done of all: the run is unfinished or being made longer, or one of them diverged.",
    "best on test": "the epoch was chosen on the test set, as some papers do; the accuracy is too high.",
    "published, basic": "of one run on all training recordings, after its last epoch; ours hold some out to choose it, "
                        "but those by its protocol.",
    "last epoch": "as some papers do, the last epoch was tested, whatever a validation set says.",
    "mse, last 50 iterations": "mean squared error of the output's membrane over the square of the ramp's peak.",
}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m common.report", description=__doc__.partition("\n")[0])
    parser.add_argument("directories", nargs="*", type=_directory, default=[Path(".")], metavar="DIR",
                        help="a run's directory, or one that holds runs (default: this one)")
    parser.add_argument("--sort", choices=["accuracy", "time"],
                        help="best test accuracy first, or shortest first (default: by directory, oldest first)")
    parser.add_argument("--table", choices=TABLES, help="the table of one experiment instead, as published")
    options = parser.parse_args(arguments)
    runs = sorted({run for directory in options.directories for run in find(directory)})
    if not runs:
        print(f"no runs under {', '.join(map(str, options.directories))}")
    finished = [run for run in runs if (run / "result.json").exists()]
    if options.table:
        for title, rows in TABLES[options.table].tables(finished).items():
            print(f"{title}\n\n{markdown(rows)}\n")
        return
    whole = [files for run in finished if (files := _read(run))]
    configs = [config for _, config, _ in whole]
    rows = [row for files in whole if (row := read_row(*files, configs))]
    if options.sort:
        rows.sort(key=lambda row: row[options.sort])
    for columns in dict.fromkeys(tuple(row["cells"]) for row in rows):
        print(markdown([row["cells"] for row in rows if tuple(row["cells"]) == columns]), end="\n\n")
    if unfinished := [f"- {run}: {_progress(run)}" for run in runs if run not in finished]:
        print("Unfinished:\n" + "\n".join(unfinished))


def _directory(text):
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"no such directory: {text}")
    return Path(text)


def _read(run):
    """(the run, its config.json, its result.json); None, with a warning, if one is missing or damaged."""
    try:
        config = read(run / "config.json", settings=dict, directory=str)
        return run, config, read(run / "result.json", data=dict, trials=list)
    except (OSError, ValueError) as error:
        return warn(error)


def read_row(run, config, result, configs):
    """A finished run's {column: text} under "cells", and its sort keys "accuracy" (best first) and "time".

    configs: those of all runs of the table.  None, with a warning, if a value of the result is not what it should be.
    """
    try:
        return _row(run, config, result, configs)
    except (AttributeError, KeyError, TypeError) as error:
        return warn(f"{run / 'result.json'} is damaged: {error!r}")


def _row(run, config, result, configs):
    num_trials = len(result["trials"])
    planned, finished = config["settings"].get("num_trials", num_trials), is_finished(config["settings"], result)
    seconds = sum(trial.get("seconds", 0) for trial in result["trials"])
    columns, score = (timing if "case" in result else accuracy).columns(run, config, result, configs)
    cells = {
        "experiment": config["directory"],
        **columns,
        "n": str(num_trials) if finished else f"{num_trials if num_trials < planned else 0} of {planned}",
        "time": f"{seconds:,.0f} s, {config.get('device', NONE)}",
        "commit": (config.get("git_commit") or NONE)[:7] + ("+" if config.get("git_dirty") else ""),
        "run": run.name if run.parent.name == "runs" else f"{run.parent.name}/{run.name}",
    }
    return {"cells": cells, "accuracy": -score, "time": seconds}


def _progress(run):
    """Where a run stands that has no result."""
    rows = read_metrics(run)
    if not rows:
        return "no epoch yet"
    shown = {key: rows[-1][key] for key in ("trial", "epoch", "iteration", "val_accuracy", "mse") if key in rows[-1]}
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in shown.items())


def markdown(rows):
    """The table of `rows` ({column: text}, all with the same columns), and the notes it calls for."""
    lines = [list(rows[0]), *([text.replace("|", "\\|") for text in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    table = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    notes = [f"- {mark}: {meaning}" for mark, meaning in NOTES.items() if any(mark in line for line in table)]
    return "\n".join([*table, *([""] if notes else []), *notes])
