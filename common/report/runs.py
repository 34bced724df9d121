"""Finds runs, and reads what they left and what their directory's conf.py has of tables."""

import functools
import sys
from pathlib import Path
from typing import NamedTuple

from common.errors import UserError, foreign
from common.running import metrics, record, translate
from common.settings import conf_file

NONE = "–"
ROOT = Path(__file__).parents[2]


class Run(NamedTuple):
    """A run's directory, its config.json and the settings in it, its result.json and the trials in it.

    trials: those that did not diverge.  more: the Runs of other seeds whose trials it has besides its own, after these.
    """

    path: Path
    config: dict
    settings: dict
    result: dict
    trials: list
    more: tuple = ()


def find(directory):
    """The runs among `directory` itself and its folders, down to */runs/*/*/ for the cases of a run."""
    patterns = ("*", "*/*", "runs/*/*", "*/runs/*", "*/runs/*/*")
    return [place for place in [directory, *(place for pattern in patterns for place in directory.glob(pattern))]
            if _is_run(place)]


def _is_run(place):
    """Whether it holds a file that runs write, and is not the folder of several cases' runs."""
    if not any((place / name).is_file() for name in ("config.json", "metrics.csv", "result.json")):
        return False
    try:
        return "cases" not in record.read_json(place / "config.json", dict)
    except UserError:
        return True


def read(path):
    """The Run in a directory; None, with a warning, if its config.json or result.json is missing or damaged."""
    try:
        config = record.read_json(path / "config.json", dict, settings=dict, directory=str)
        result = record.read_result(path)
        with foreign(f"{path / 'config.json'} is damaged"):
            config["settings"] = translate.settings(config["settings"])
        return Run(path, config, config["settings"], result, list(record.survivors(result).values()))
    except UserError as error:
        return warn(error)


def read_metrics(path):
    """The rows of a run's metrics.csv; none if there is none yet or, with a warning, if it is damaged."""
    try:
        return metrics.read(path / "metrics.csv")
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        return warn(error) or []


def last_rows(run):
    """The last row of metrics.csv of each of a run's trials."""
    found = {(each.path, row["trial"]): row for each in (run, *run.more) for row in read_metrics(each.path)}
    return list(found.values())


def tables_of(run):
    """The `tables` of the conf.py beside the folder of `run`, else of its directory in the repository; {} without."""
    for directory in (*run.path.resolve().parents[1:3], ROOT / run.config["directory"]):
        if tables := conf_tables(directory):
            return tables
    return {}


@functools.cache
def conf_tables(directory):
    """The `tables` of the conf.py in `directory`; {} if there are none or, with a warning, if it does not run."""
    path = directory / "conf.py"
    try:
        return conf_file.names(path).get("tables", {}) if path.exists() else {}
    except UserError as error:
        return warn(error) or {}


def warn(message):
    print(f"warning: {message}", file=sys.stderr)
