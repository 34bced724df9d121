"""Finds runs and reads what they left."""

import csv
import json
import sys

NONE = "–"


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
        return "cases" not in json.loads((place / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return True


def read(path, **kinds):
    """The dict in the JSON file `path`. Raises OSError or ValueError, naming it, if a key of `kinds` is not such."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    for key, kind in kinds.items():
        if not isinstance(content, dict) or not isinstance(content.get(key), kind):
            raise ValueError(f"{path} is damaged: it has no {key}")
    return content


def read_metrics(run):
    """The lines of metrics.csv as dicts, trial and epoch as int; none, with a warning, if it is damaged."""
    try:
        with open(run / "metrics.csv", newline="", encoding="utf-8") as file:
            rows = [row | {"trial": int(row["trial"]), "epoch": int(row["epoch"])} for row in csv.DictReader(file)]
            if any(None in row.values() for row in rows):
                raise ValueError("a line is cut short")
            return rows
    except FileNotFoundError:
        return []
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        return warn(f"{run / 'metrics.csv'} is damaged: {error!r}") or []


def warn(message):
    print(f"warning: {message}", file=sys.stderr)
