"""What a run learns, over its epochs: accuracy, loss, thresholds, time constants.

rows: as running.metrics.read returns them.  Of several trials a mean ends where the shortest does.
"""

import numpy as np

from common.plots.style import COLORS, MAX_MARKERS, STYLES, by_trial, count_axis, legend_below, panels, splits_of

SMOOTHED = 20  # epochs that a moving average spans, of long runs


def moving_average(values, window):
    """The mean of each value of a curve and the window - 1 before it, as far as there are any."""
    return np.array([np.mean(values[max(0, end - window) : end]) for end in range(1, len(values) + 1)])


def window_of(num_epochs):
    """The epochs that the moving average of a curve of num_epochs spans: a tenth of them, SMOOTHED at most."""
    return min(SMOOTHED, max(num_epochs // 10, 1))


def learning_curves(rows, held_out="val"):
    """Accuracy and loss of training and validation over epochs: each trial faint, their mean bold.

    The mean of the accuracy is a moving average in a long run. The loss is on a logarithmic axis if it spans a power
    of ten.  held_out: the set that the epoch was chosen on, "val" or "test".
    """
    trials, splits = list(by_trial(rows).values()), splits_of(rows, held_out)
    figure, axes = panels([["accuracy", "loss"]], (10, 4))
    for quantity, ax in axes.items():
        values = np.array([row[f"{split}_{quantity}"] for row in rows for split in splits])
        positive = values[np.isfinite(values) & (values > 0)]
        logarithmic = quantity == "loss" and positive.size > 0 and positive.max() > 10 * positive.min()
        lost = values.size - (positive.size if logarithmic else np.isfinite(values).sum())
        scale, window = (100, window_of(min(map(len, trials)))) if quantity == "accuracy" else (1, 1)
        for k, (split, name) in enumerate(splits.items()):
            curves = [scale * np.array([row[f"{split}_{quantity}"] for row in trial]) for trial in trials]
            for curve in curves if len(curves) > 1 or window > 1 else []:
                _line(ax, curve, k, logarithmic, alpha=0.35, linewidth=0.8, markersize=3)
            mean = moving_average(scale * _mean(trials, f"{split}_{quantity}"), window)
            _line(ax, mean, k, logarithmic, linewidth=2, markersize=5, label=name)
        if lost:
            reason = "not finite, or 0," if logarithmic else "not finite"
            ax.set_title(f"{lost} of {values.size} values are {reason} and not drawn", fontsize=10)
        _label(ax, "loss" if quantity == "loss" else "accuracy (%)" + _smoothing(window, "bold: "))
        ax.set_yscale("log" if logarithmic else "linear")
        ax.legend(frameon=False)
    if len(trials) > 1:
        figure.suptitle(f"mean of {len(trials)} trials (bold) and each trial (faint)")
    return figure


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
        count_axis(ax.xaxis, 4)
        if logarithmic:
            ax.set_xscale("symlog", linthresh=1)
    axes[names[0]].set_ylabel("firing threshold θ")
    legend_below(figure, axes[names[0]], 2)
    return figure


def layers_with_tau(rows):
    """The layers whose time constants are in rows."""
    return [key.removeprefix("tau_mean_") for key in rows[0] if key.startswith("tau_mean_")]


def tau_curves(rows):
    """Mean and, unless all are 0, standard deviation of each layer's time constants over epochs.

    Of several trials the mean.
    """
    trials, layers = list(by_trial(rows).values()), layers_with_tau(rows)
    titles = {"mean": "mean of τ (steps)"}
    if any(row[f"tau_std_{layer}"] for row in rows for layer in layers):
        titles["std"] = "standard deviation of τ (steps)"
    figure, axes = panels([list(titles)], (2 + 4 * len(titles), 4.2))
    for statistic, ax in axes.items():
        for k, layer in enumerate(layers):
            _line(ax, _mean(trials, f"tau_{statistic}_{layer}"), k, linewidth=1.5, label=layer)
        _label(ax, titles[statistic])
        ax.ticklabel_format(axis="y", useOffset=False)
    legend_below(figure, axes["mean"], 4 * len(titles))
    if len(trials) > 1:
        figure.suptitle(f"mean of {len(trials)} trials")
    return figure


def compare(cases, held_out="val"):
    """Accuracy on held_out (moving average) and spread of tau, averaged over layers, of {case: rows}, over epochs.

    Of several trials the mean.  Where a case has no validation set, all show the training accuracy.
    """
    figure, axes = panels([["accuracy", "std"]], (11, 4.2))
    split, name = list(splits_of([row for rows in cases.values() for row in rows], held_out).items())[-1]
    window = window_of(max(row["epoch"] for rows in cases.values() for row in rows))
    for k, (case, rows) in enumerate(cases.items()):
        trials = list(by_trial(rows).values())
        accuracy = moving_average(100 * _mean(trials, f"{split}_accuracy"), window)
        std = np.mean([_mean(trials, f"tau_std_{layer}") for layer in layers_with_tau(rows)], axis=0)
        _line(axes["accuracy"], accuracy, k, linewidth=1.5, label=case)
        _line(axes["std"], std, k, linewidth=1.5)
    _label(axes["accuracy"], f"{name} accuracy (%)" + _smoothing(window))
    _label(axes["std"], "standard deviation of τ (steps),\nmean over layers")
    legend_below(figure, axes["accuracy"], 5)
    return figure


def _mean(trials, key):
    """The mean of a column over trials, up to where the shortest ends."""
    return np.mean([[row[key] for row in rows] for rows in zip(*trials, strict=False)], axis=1)


def _line(ax, curve, k, logarithmic=False, **options):
    """Draw a curve, from epoch 1 on, in the k-th style, with gaps where it is not finite or has no logarithm."""
    style, drawn = STYLES[k % len(STYLES)], np.isfinite(curve) & ((curve > 0) | (not logarithmic))
    ax.plot(np.arange(1, len(curve) + 1), np.where(drawn, curve, np.nan), color=style.color, linestyle=style.linestyle,
            marker=style.marker if len(curve) <= MAX_MARKERS else "", **options)


def _smoothing(window, which=""):
    return f",\n{which}mean of the last {window} epochs" if window > 1 else ""


def _label(ax, ylabel):
    ax.set(xlabel="epoch", ylabel=ylabel)
    count_axis(ax.xaxis)
