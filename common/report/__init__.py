"""Tables of all runs that left a result; below them, the runs without one.

    python -m common.report                             # every run below this directory, else of the whole repository
    python -m common.report mnist                       # one experiment's, or one run's own directory
    python -m common.report mnist --where binarize=True --where "lr=0.001|0.01" --sort accuracy
    python -m common.report --wide                      # firing rates, operations, times and commits too
    python -m common.report mnist --csv > mnist.csv     # every column; or --latex
    python -m common.report shd --table spsn            # neurons against augmentation and regularisation
    python -m common.report dvs_gesture --table plif    # time constants per layer and per neuron

Runs of equal settings that differ in their seeds are one row.  In a column of its own stands what the rows differ in;
what all have alike is said above.
"""

import argparse
from pathlib import Path

from common.report import formats, pivot
from common.report.rows import merged, row_of, selected
from common.report.runs import ROOT, conf_tables, find, read, read_metrics, tables_of, warn
from common.report.variant import differing

FORMATS = {"markdown": formats.markdown, "csv": formats.comma_separated, "latex": formats.latex}


def main(arguments=None):
    known = pivot.described(conf_tables(conf.parent) for conf in sorted(ROOT.glob("*/conf.py")))
    parser = _parser(known)
    options = parser.parse_args(arguments)
    directories = options.directories or ([Path(".")] if find(Path(".")) else [ROOT])
    paths = sorted({path for directory in directories for path in find(directory)})
    if not paths:
        print(f"no runs under {', '.join(map(str, directories))}")
    unfinished = dict.fromkeys(path for path in paths if not (path / "result.json").exists())
    finished = [run for path in paths if path not in unfinished and (run := read(path))]
    try:
        runs = merged(selected(finished, options.where))
    except ValueError as error:
        parser.error(str(error))
    if paths and options.where and not runs:
        warn(f"no finished run has {' and '.join(options.where)}")
    if options.table:
        known |= pivot.described(map(tables_of, runs))
        if options.table not in known:
            parser.error(f"no conf.py has a table {options.table!r}; there are {', '.join(sorted(known))}")
        _print_table(options, runs, known[options.table])
        return
    told = differing(run.config for run in runs)
    rows = [row for run in runs if (row := row_of(run, told))]
    if options.sort:
        rows.sort(key=lambda row: row.sort_keys[options.sort])
    for columns in dict.fromkeys(tuple(row.cells) for row in rows):
        _print([row.cells for row in rows if tuple(row.cells) == columns], options)
    if unfinished and options.format == "markdown" and not options.where:
        print("Unfinished:", *(f"- {path}: {_progress(path)}" for path in unfinished), sep="\n")


def _parser(known):
    parser = argparse.ArgumentParser(prog="python -m common.report", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directories", nargs="*", type=_directory, metavar="DIR",
                        help="a run's directory, or one that holds runs; an experiment's name will do anywhere")
    parser.add_argument("--where", action="append", default=[], metavar="KEY=VALUE",
                        help="only runs with this setting, or with one of several, KEY=VALUE|VALUE; KEY is any key of "
                        "conf.py, `experiment` or `data`; may be repeated")
    parser.add_argument("--sort", choices=["accuracy", "time"],
                        help="best test accuracy first, or shortest first (default: by directory, oldest first)")
    parser.add_argument("--wide", action="store_true", help="all columns, also those that are alike in all rows")
    kinds = parser.add_mutually_exclusive_group()
    for name, meaning in (("csv", "comma-separated values of all columns, deviations in their own"),
                          ("latex", "a tabular for LaTeX, with booktabs")):
        kinds.add_argument(f"--{name}", dest="format", action="store_const", const=name, default="markdown",
                           help=f"{meaning}, instead of Markdown")
    parser.add_argument("--table", metavar="NAME", help="a table beside published figures instead, as conf.py has it: "
                        + "; ".join(f"{name}, {table['title']} ({table['source']})" for name, table in known.items()))
    return parser


def _directory(text):
    for path in (Path(text), ROOT / text):
        if path.is_dir():
            return path
    raise argparse.ArgumentTypeError(f"no such directory: {text}")


def _print(rows, options):
    """Print rows of the same columns: whole as --csv and with --wide, else without what they have alike."""
    alike, rows = ("", rows) if options.wide or options.format == "csv" else formats.narrow(rows)
    if alike:
        print(f"% {alike}" if options.format == "latex" else alike, end="\n\n")
    print(FORMATS[options.format](rows), end="\n\n")


def _print_table(options, runs, table):
    found = pivot.tables(options.table, runs)
    if not found:
        nets = ", ".join(sorted({str(run.settings.get("net", "?")) for run in runs})) or "none"
        warn(f"the table {options.table} is empty: it takes finished runs of net={table['net']} whose conf.py has this "
             f"table; the nets of the runs found are: {nets}")
    for title, rows in found.items():
        if options.format != "csv":
            print("% " * (options.format == "latex") + title, end="\n\n")
        print(FORMATS[options.format](rows), end="\n\n")


def _progress(path):
    """Where the run in a directory stands that has no result."""
    rows = read_metrics(path)
    if not rows:
        return "no epoch yet"
    styles = {"trial": "", "epoch": "", "iteration": "", "val_accuracy": ".2%", "mse": ".4f"}
    return ", ".join(f"{key.replace('_', ' ')} {rows[-1][key]:{style}}" for key, style in styles.items()
                     if key in rows[-1])
