"""metrics.csv: a line for each trial and epoch; its columns are all that any of them has."""

import csv
import io

from common.files import write as write_file

COUNTS = ("trial", "epoch", "iteration")  # the whole numbers


def write(path, rows):
    """Write the rows, dicts {column: value}; a cell is empty where a row lacks the column."""
    text = io.StringIO()
    writer = csv.DictWriter(text, dict.fromkeys(key for row in rows for key in row), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_file(path, text.getvalue().encode())


def read(path):
    """The rows, a list of dicts: trial, epoch and iteration as int, the others as float; an empty cell is NaN.

    ValueError, naming file and line, for a line cut short or a cell that is no number.
    """
    rows = []
    with open(path, newline="", encoding="utf-8") as file:
        for number, cells in enumerate(csv.DictReader(file, restval="nothing: the line is cut short"), start=2):
            try:
                rows.append({key: int(x) if key in COUNTS else float(x or "nan") for key, x in cells.items()})
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path}, line {number}: {error}") from None
    return rows
