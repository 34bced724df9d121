"""metrics.csv: a line for each trial and epoch; its columns are all that any of them has."""

import csv
import io

from common.atomic import write as write_file

COUNTS = ("trial", "epoch", "iteration")  # columns of whole numbers


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
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = csv.DictReader(file, restval="nothing: the line is cut short")
        try:
            rows = [{key: int(cell) if key in COUNTS else float(cell or "nan") for key, cell in row.items()}
                    for row in lines]
        except (TypeError, ValueError, csv.Error) as error:
            raise ValueError(f"{path}, line {lines.line_num}: {error}") from None
    if rows and not {"trial", "epoch"} <= rows[0].keys():
        raise ValueError(f"{path}, line 1: no columns trial and epoch")
    return rows
