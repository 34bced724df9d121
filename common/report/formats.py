"""Rows ({column: text}, all with the same columns) as Markdown, LaTeX or comma-separated values."""

import csv
import io
import re

from common.report.runs import NONE

ACCURACY = "test accuracy (%)"
WIDE = ("firing rate", "operations per sample", "time", "commit")  # columns of --wide alone
KEPT = ("epochs (best / run)", "data", ACCURACY, "n", "run")  # which stand in the table even if they are alike
NOTES = {
    "a stand-in": "made in place of the published data set, so no published figure compares.",
    "your own set": "other files in the published set's layout, so no published figure compares.",
    " of ": "so many trials are done of all: the run is unfinished or being made longer.",
    " diverged": "a loss, gradient or weight of so many trials was no longer finite; the others are shown.",
    "best on test": "the epoch was chosen on the test set, as some papers do; the accuracy is too high.",
    "published, basic": "of one run on all training recordings, after its last epoch; ours hold some out to choose it, "
                        "but those by its protocol.",
    "last epoch": "as some papers do, the last epoch was tested, whatever a validation set says.",
    "mse, last 50 iterations": "mean squared error of the output's membrane over the square of the ramp's peak.",
}
LATEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "±": r"$\pm$", "–": "--", "²": "$^2$"}


def narrow(rows):
    """(what all of several rows have alike, "column: text, ..."; the rows without that, WIDE and empty columns)."""
    columns = [column for column in rows[0] if column not in WIDE]
    texts = {column: {row[column] for row in rows} for column in columns}
    alike = [column for column in columns if len(rows) > 1 and len(texts[column]) == 1 and column not in KEPT]
    kept = [column for column in columns if column not in alike and texts[column] != {NONE}]
    said = ", ".join(f"{column}: {rows[0][column]}" for column in alike if rows[0][column] != NONE)
    return said, [{column: row[column] for column in kept} for row in rows]


def markdown(rows):
    """The table, and the notes it calls for."""
    lines = [[*rows[0]], *([text.replace("|", "\\|") for text in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    table = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    notes = [f"- {note}" for note in _notes(rows)]
    return "\n".join([*table, *([""] if notes else []), *notes])


def latex(rows):
    r"""A tabular, with \toprule, \midrule and \bottomrule of the package booktabs; below it the notes, as comments."""
    lines = [" & ".join(map(_escaped, line)) + r" \\" for line in [rows[0], *(row.values() for row in rows)]]
    notes = [f"% {note}" for note in _notes(rows)]
    return "\n".join([rf"\begin{{tabular}}{{{'l' * len(rows[0])}}}", r"\toprule", lines[0], r"\midrule", *lines[1:],
                      r"\bottomrule", r"\end{tabular}", *notes])


def _notes(rows):
    text = "\n".join([*rows[0], *(text for row in rows for text in row.values())])
    return [f"{mark.strip()}: {meaning}" for mark, meaning in NOTES.items() if mark in text]


def _escaped(text):
    for mark, written in LATEX.items():
        text = text.replace(mark, written)
    return text


def comma_separated(rows):
    """Comma-separated values; "98.68 ± .10, best on test" is a number, its deviation and a remark."""
    spread = [column for column in rows[0] if column == ACCURACY or any(" ± " in row[column] for row in rows)]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([name for column in rows[0]
                     for name in ([column, f"{column}, std", f"{column}, remark"] if column in spread else [column])])
    for row in rows:
        writer.writerow([text for column, cell in row.items()
                         for text in (_parts(cell) if column in spread else ["" if cell == NONE else cell])])
    return file.getvalue().rstrip("\n")


def _parts(cell):
    """[mean, deviation, remark] of "mean ± deviation, remark", of which the latter two may be lacking."""
    number, std, remark = re.fullmatch(r"([^ ,]*)(?: ± ([^ ,]*))?(?:, | )?(.*)", cell).groups(default="")
    return ["" if number == NONE else number, std, remark]
