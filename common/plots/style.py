"""The one style of the figures, and what they share.

The functions of this package return a matplotlib Figure; save() writes one to a file.  Made without pyplot, so no
display is needed; a notebook shows them after `%matplotlib inline`.  The colours (Okabe and Ito's) suit any colour
vision, and line style, marker or hatch says the same again.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
LINESTYLES = ["-", "-.", ":", "--", "-", "-.", ":"]  # beside a threshold, which is dashed, only the first three serve
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
MAX_MARKERS = 25  # points marked on one curve


class Style(NamedTuple):
    """How one of several curves is drawn."""

    color: str
    linestyle: str
    marker: str


STYLES = list(map(Style, COLORS, LINESTYLES, MARKERS))


def save(figure, path):
    """Write `figure` to `path`; its suffix (.png, .pdf, .svg) names the format. Missing directories are made."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def name_data(draw, name):
    """The figure that draw() makes, with a title that begins with the name of its data."""
    figure = draw()
    title = figure.get_suptitle()
    figure.suptitle(f"{name}{'; ' if title else ''}{title}")
    return figure


def splits_of(rows, held_out):
    """{split: its name} of those in every row: not all runs have a validation set."""
    return {"train": "train"} | ({"val": held_out} if all("val_accuracy" in row for row in rows) else {})


def raster(data, ax, dt=1, **kwargs):
    """Scatter the spikes of `data` [T, N] over time, in steps of dt, and neuron; as snntorch.spikeplot.raster."""
    steps, neurons = np.nonzero(np.asarray(data))
    return ax.scatter(dt * steps, neurons, **kwargs)


def by_trial(rows):
    """{trial: its rows}, in the order of the file."""
    if not rows:
        raise ValueError("nothing to draw: metrics.csv has no finished epoch yet")
    trials = dict.fromkeys(row["trial"] for row in rows)
    return {trial: [row for row in rows if row["trial"] == trial] for trial in trials}


def count_axis(axis, num_ticks="auto"):
    """Ticks at whole numbers only, one at least."""
    axis.set_major_locator(MaxNLocator(num_ticks, integer=True, min_n_ticks=1))


def legend_below(figure, ax, num_columns):
    """The legend of what is in `ax`, below all panels."""
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=num_columns, frameon=False)


def panels(mosaic, size, **options):
    """A figure of `size` (inches) and {name: axes} for the names in `mosaic`, in the one style of our figures."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplot_mosaic(mosaic, **options)
    for ax in axes.values():
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.3)
        ax.set_axisbelow(True)
    return figure, axes
