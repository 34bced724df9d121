"""What a run learns, over its epochs: accuracy, loss, thresholds.  rows: as running.metrics.read returns them."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from common.plots.style import COLORS, LINESTYLES, MARKERS, MAX_MARKERS, by_trial, panels, splits_of


def learning_curves(rows, held_out="val"):
    """Accuracy and loss of training and validation over epochs.

    One trial is one line; of several, each is faint and their mean, up to where the shortest ends, is bold.
    held_out: the set that the epoch was chosen on, "val" or "test".
    """
    trials, splits = list(by_trial(rows).values()), splits_of(rows, held_out)
    figure, axes = panels([["accuracy", "loss"]], (10, 4))
    for (quantity, ax), scale in zip(axes.items(), (100, 1), strict=True):
        for k, (split, label) in enumerate(splits.items()):
            curves = [scale * np.array([row[f"{split}_{quantity}"] for row in trial]) for trial in trials]
            _trials_and_mean(ax, curves, label, k)
        if num_lost := sum(not np.isfinite(row[f"{split}_{quantity}"]) for row in rows for split in splits):
            ax.set_title(f"{num_lost} of {len(splits) * len(rows)} values are not finite and not drawn", fontsize=10)
        ax.set(xlabel="epoch", ylabel="accuracy (%)" if quantity == "accuracy" else quantity)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.legend(frameon=False)
    if len(trials) > 1:
        figure.suptitle(f"Mean of {len(trials)} trials (bold) and each trial (faint)")
    return figure


def _trials_and_mean(ax, curves, label, k):
    """Draw `curves`, one per trial from epoch 1 on, faint and their mean bold; only the mean has a label."""
    mean = np.mean([curve[: min(map(len, curves))] for curve in curves], axis=0)
    faint = {"alpha": 0.35, "linewidth": 0.8, "markersize": 3}
    bold = {"linewidth": 2, "markersize": 5, "label": label}
    for curve, style in [*((curve, faint) for curve in curves if len(curves) > 1), (mean, bold)]:
        ax.plot(np.arange(1, len(curve) + 1), np.where(np.isfinite(curve), curve, np.nan), color=COLORS[k],
                linestyle=LINESTYLES[k], marker=MARKERS[k] if len(curve) <= MAX_MARKERS else "", **style)


def threshold_curves(names, trajectories, rows):
    """The threshold of each layer over training: the replayed schedule as a line, the first trial's own as markers.

    names: layers, one panel each.  trajectories: {layer: thresholds}, entry i after i training iterations (0: at
    the start).  rows: their `iteration` and `threshold_<layer>` are the markers.
    The iterations are on a logarithmic axis if any layer is within 1 % of its end in the first 5 % of them.
    """
    trial, measured = next(iter(by_trial(rows).items()))
    figure, axes = panels([list(names)], (max(4, 3.6 * len(names)), 3.8))
    ways = [np.abs(np.subtract(trajectories[name], trajectories[name][-1])) for name in names]  # still to go
    logarithmic = any(np.argmax(way <= 0.01 * way[0]) < 0.05 * len(way) for way in ways if way[0])
    space = np.geomspace if logarithmic else np.linspace
    chosen = np.unique(space(1, len(measured), min(len(measured), MAX_MARKERS)).round().astype(int)) - 1
    thinned = f", {len(chosen)} of {len(measured)} epochs" if len(chosen) < len(measured) else ""
    for k, (name, ax) in enumerate(axes.items()):
        ax.plot(trajectories[name], color=COLORS[k % 3], linewidth=2, label="schedule")
        ax.plot([measured[i]["iteration"] for i in chosen], [measured[i][f"threshold_{name}"] for i in chosen], "ko",
                markerfacecolor="none", clip_on=False, label=f"measured (trial {trial}{thinned})")
        ax.set(title=name, xlabel="training iteration", xlim=(0, None))
        ax.ticklabel_format(axis="y", useOffset=False)
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
        if logarithmic:
            ax.set_xscale("symlog", linthresh=1)
    axes[names[0]].set_ylabel("firing threshold θ")
    figure.legend(*axes[names[0]].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure
