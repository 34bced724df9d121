"""The table of one experiment beside the published figures, for each data set and protocol.

A directory's conf.py describes it in tables[NAME], a dict (settings and conditions: a tuple is a choice, and None in it
stands for a key that a run has not):
    title, source       for --help
    net, data           the runs' net, and the data set of the published figures
    rows                {name: condition}: a run's row is the first whose condition holds; {key} stands for a setting
    conditions          {name: condition}: likewise of a run's columns; without it, all runs have the same
    columns             {title, {} for the condition: a key of MEASURES, or "published"}, for each condition there is
    last_columns        {title: (condition, key of MEASURES)}: to the right of these; may be lacking
    settings            [(condition, settings)]: the published ones are of all pairs whose condition holds
    ignored             other keys that runs of one row may differ in; if select_on is, each answer has its own table
    protocol            settings that compare with published figures too, though others than those; may be lacking
    published           {row: texts, in the order of the published columns}
    row_title, unlike_title     of the first two columns; the second tells in what a run's settings differ
    whole               True: published rows show without a run, too, and those of other settings below each
"""

import statistics
from typing import NamedTuple

from common.report.accuracy import mean_std
from common.report.runs import NONE, read_metrics, tables_of, warn
from common.report.variant import describe
from common.running.record import CHOSEN
from common.settings.resolution import completed, holds

IGNORED = {"net", "exp_name", "num_trials", "seed", "data_dir", "source", "device"}  # keys that no table compares
PROTOCOL = "; its protocol too"


class Kind(NamedTuple):
    """Where a run stands: its row, how its settings differ from the published ones, its condition."""

    row: str
    unlike: str
    condition: str


class Entry(NamedTuple):
    """What a table tells of a run: the epochs of all its trials, and the text of each measure."""

    num_epochs: int
    texts: dict


def described(conf_tables):
    """{name: table} of all such tables in the `tables` of some conf.py."""
    return {name: table for tables in conf_tables for name, table in tables.items() if isinstance(table, dict)}


def tables(name, runs):
    """{title: rows ({column: text})} of the finished `runs` that belong in the table `name`.

    Runs with other settings than the published ones have rows of their own. Of runs with the same settings the one
    with most epochs in all its trials counts, of such the newest.
    """
    found = {}
    for run in runs:
        table = tables_of(run).get(name)
        if table is None or run.settings.get("net") != table["net"]:
            continue
        if not run.trials:
            warn(f"{run.path}: every trial diverged")
            continue
        try:
            data, kind, entry = run.result["data"], _kind(run, table), _entry(run, table)
            title = data["name"] + (", a stand-in: no published figure compares" if data["stand_in"] else "")
            title += CHOSEN.get(run.settings["select_on"], "") if "select_on" in table["ignored"] else ""
            published = (data["name"], data["stand_in"]) == (table["data"], False)
        except (AttributeError, LookupError, TypeError, ValueError, StopIteration) as error:
            warn(f"{run.path}: {error!r}")
            continue
        _, _, entries = found.setdefault(title, (table, published, {}))
        if kind not in entries or entry.num_epochs >= entries[kind].num_epochs:
            entries[kind] = entry
    return {title: _rows(*parts) for title, parts in found.items()}


def _kind(run, table):
    settings, published, ignored = run.settings, {}, IGNORED.union(table["ignored"])
    for condition, values in table["settings"]:
        published |= values if holds(condition, settings) else {}
    published = completed({key: settings[key] for key in ignored if key in settings} | published)
    by_protocol = "protocol" in table and holds(table["protocol"], settings)
    ignored |= table["protocol"].keys() if by_protocol else set()
    length = {"num_epochs": run.result.get("length", settings["num_epochs"])}  # not yet that of a run being made longer
    unlike = describe({key: value for key, value in (settings | length).items() if key not in ignored}, published)
    row, condition = (next(name for name, values in conditions.items() if holds(values, settings))
                      for conditions in (table["rows"], table.get("conditions", {"": {}})))
    return Kind(row.format(**settings), f"{unlike or 'none'}{PROTOCOL}" if by_protocol else unlike, condition)


def _entry(run, table):
    measures = {*table["columns"].values(), *(measure for _, measure in table.get("last_columns", {}).values())}
    return Entry(sum(trial["num_epochs"] for trial in run.trials),
                 {measure: MEASURES[measure](run) for measure in measures - {"published"}})


def _rows(table, published, entries):
    """The rows of a table whose runs are `entries`; published: whether the published figures are of their data set."""
    columns = {title.format(condition): (condition, measure) for condition in table.get("conditions", [""])
               for title, measure in table["columns"].items()}
    titles = [title for title, (_, measure) in columns.items() if measure == "published"]
    figures = {row: dict(zip(titles, texts, strict=False)) for row, texts in table["published"].items() if published}
    wanted = {kind.condition for kind in entries} | {columns[title][0] for row in figures.values() for title in row}
    columns = {title: column for title, column in columns.items()
               if column[0] in wanted and (published or title not in titles)} | table.get("last_columns", {})
    kinds = {kind[:2] for kind in entries} | {(row, "") for row in figures if table.get("whole")}
    rows = []
    for row, unlike in sorted(kinds, key=lambda kind: _place(*kind, table)):
        cells = {table["row_title"]: row, table["unlike_title"]: unlike or NONE}
        compares = figures.get(row, {}) if unlike in ("", f"none{PROTOCOL}") else {}
        for title, (condition, measure) in columns.items():
            entry = entries.get((row, unlike, condition))
            cells[title] = entry.texts.get(measure) if entry and title not in titles else compares.get(title, NONE)
        rows.append(cells)
    return rows


def _place(row, unlike, table):
    """What rows are sorted by: as conf.py has them, and last those that it has not by name."""
    names = list(dict.fromkeys([*table["rows"], *table["published"]]))
    place = names.index(row) if row in names else len(names), row
    return (place, unlike) if table.get("whole") else (unlike, place)


def _test(run):
    return f"{mean_std([100 * trial['test'] for trial in run.trials])} (n = {len(run.trials)})"


def _validation(run):
    """The best validation accuracy; none where the epoch was chosen on the test set."""
    accuracies = [100 * trial["val"] for trial in run.trials if trial["val"] is not None]
    return mean_std(accuracies) if accuracies and run.settings["select_on"] != "test" else NONE


def _seconds(run):
    return f"{statistics.fmean(trial['seconds'] / trial['num_epochs'] for trial in run.trials):.1f}"


def _firing_rates(run):
    return _of_layers("", [trial["firing_rates"] for trial in run.trials])


def _taus(run, statistic):
    last = {row["trial"]: row for row in read_metrics(run.path)}.values()
    return _of_layers(f"tau_{statistic}_", list(last))


def _of_layers(start, rows):
    """The means over rows of what starts like this, as text."""
    keys = [key for key in (rows or [{}])[0] if key.startswith(start)]
    return " / ".join(f"{statistics.fmean(row[key] for row in rows):.3f}" for key in keys) or NONE


MEASURES = {
    "test": _test,                  # accuracy in %, and the number of trials
    "validation": _validation,
    "seconds": _seconds,            # time of an epoch
    "firing_rates": _firing_rates,  # each layer's
    "tau_mean": lambda run: _taus(run, "mean"),  # each layer's after the last epoch, steps
    "tau_std": lambda run: _taus(run, "std"),
}
