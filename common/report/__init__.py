"""The results tables, in Markdown, of all runs that left a result; below them, the runs without one.

    python -m common.report                    # every run below this directory
    python -m common.report mnist              # one experiment's, or one run's own directory
    python -m common.report --sort accuracy
    python -m common.report shd --table spsn   # neurons against augmentation and regularisation
    python -m common.report dvs_gesture --table plif    # time constants per layer and per neuron
"""

import argparse
from pathlib import Path
from typing import NamedTuple

from common.report import accuracy, pivot, timing
from common.report.runs import NONE, ROOT, conf_tables, find, read, read_metrics, tables_of, warn
from common.report.variant import differing
from common.running.record import is_finished

NOTES = {
    "**stand-in**": "not the published data set, so no published figure compares.",
    " of ": "so many trials are done of all: the run is unfinished or being made longer.",
    " diverged ": "a loss, gradient or weight of so many trials was no longer finite; the others are shown.",
    "best on test": "the epoch was chosen on the test set, as some papers do; the accuracy is too high.",
    "published, basic": "of one run on all training recordings, after its last epoch; ours hold some out to choose it, "
                        "but those by its protocol.",
    "last epoch": "as some papers do, the last epoch was tested, whatever a validation set says.",
    "mse, last 50 iterations": "mean squared error of the output's membrane over the square of the ramp's peak.",
}


def main(arguments=None):
    known = pivot.described(conf_tables(conf.parent) for conf in sorted(ROOT.glob("*/conf.py")))
    parser = argparse.ArgumentParser(prog="python -m common.report", description=__doc__.partition("\n")[0])
    parser.add_argument("directories", nargs="*", type=_directory, default=[Path(".")], metavar="DIR",
                        help="a run's directory, or one that holds runs (default: this one)")
    parser.add_argument("--sort", choices=["accuracy", "time"],
                        help="best test accuracy first, or shortest first (default: by directory, oldest first)")
    parser.add_argument("--table", metavar="NAME", help="a table beside published figures instead, as conf.py has it: "
                        + "; ".join(f"{name}, {table['title']} ({table['source']})" for name, table in known.items()))
    options = parser.parse_args(arguments)
    paths = sorted({path for directory in options.directories for path in find(directory)})
    if not paths:
        print(f"no runs under {', '.join(map(str, options.directories))}")
    unfinished = dict.fromkeys(path for path in paths if not (path / "result.json").exists())
    runs = [run for path in paths if path not in unfinished and (run := read(path))]
    if options.table:
        known |= pivot.described(map(tables_of, runs))
        if options.table not in known:
            parser.error(f"no conf.py has a table {options.table!r}; there are {', '.join(sorted(known))}")
        for title, rows in pivot.tables(options.table, runs).items():
            print(f"{title}\n\n{markdown(rows)}\n")
        return
    told = differing(run.config for run in runs)
    rows = [row for run in runs if (row := _row(run, told))]
    if options.sort:
        rows.sort(key=lambda row: row.sort_keys[options.sort])
    for columns in dict.fromkeys(tuple(row.cells) for row in rows):
        print(markdown([row.cells for row in rows if tuple(row.cells) == columns]), end="\n\n")
    if unfinished:
        print("Unfinished:", *(f"- {path}: {_progress(path)}" for path in unfinished), sep="\n")


def _directory(text):
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"no such directory: {text}")
    return Path(text)


class Row(NamedTuple):
    """A finished run's {column: text}, and {what rows can be sorted by: number, the lowest first}."""

    cells: dict
    sort_keys: dict


def _row(run, told):
    """The Row of a run; None, with a warning, if its result is damaged.  told: in what runs differ; see variant."""
    try:
        num_trials, config = len(run.result["trials"]), run.config
        diverged = f", {num_trials - len(run.trials)} diverged" if num_trials > len(run.trials) else ""
        planned, finished = run.settings.get("num_trials", num_trials), is_finished(run.settings, run.result)
        seconds = sum(trial.get("seconds", 0) for trial in run.result["trials"])
        columns, score = (timing if "case" in run.result else accuracy).columns(run, told)
        return Row({
            "experiment": config["directory"],
            **{title: str(text) for title, text in columns.items()},
            "n": (str(num_trials) if finished else f"{num_trials if num_trials < planned else 0} of {planned}")
            + diverged,
            "time": f"{seconds:,.0f} s, {config.get('device', NONE)}",
            "commit": (config.get("git_commit") or NONE)[:7] + ("+" if config.get("git_dirty") else ""),
            "run": run.path.name if run.path.parent.name == "runs" else f"{run.path.parent.name}/{run.path.name}",
        }, {"accuracy": -score, "time": seconds})
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return warn(f"{run.path / 'result.json'} is damaged: {error!r}")


def _progress(path):
    """Where the run in a directory stands that has no result."""
    rows = read_metrics(path)
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
