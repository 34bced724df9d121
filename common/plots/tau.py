"""The figures of nets that learn time constants: tau over epochs and over neurons, smoothed accuracy, loss.

In the style of common.plots.  rows: as common.running.metrics.read returns them.
"""

import numpy as np
from matplotlib.ticker import MaxNLocator

from common.plots.style import COLORS, LINESTYLES, MARKERS, MAX_MARKERS, by_trial, panels, splits_of

SMOOTHED = 20  # epochs that a moving average spans, of long runs
STYLES = list(zip([*COLORS, "#CC79A7", "#E69F00", "#56B4E9", "#000000"], [*MARKERS, "D", "v", "P", "X"],
                  [*LINESTYLES, "--", "-", "-.", ":"], strict=True))  # fmt: skip



def figures(rows, taus, init_tau, held_out="val"):
    """{name: figure} of a run: accuracy, loss and time constants over epochs, those of trial 0 at its end.

    rows: of metrics.csv.  taus: {layer: its time constants [N]}, steps.  init_tau: their mean at the start.
    held_out: the set that the epoch was chosen on, "val" or "test".
    """
    return {
        "accuracy": accuracy_curves(rows, held_out),
        "loss": loss_curves(rows, held_out),
        "tau": tau_curves(rows),
        "tau_distributions": tau_distributions(taus, init_tau, "after training, trial 0"),
    }


def layers_of(rows):
    """The layers whose time constants are in rows."""
    return [key.removeprefix("tau_mean_") for key in rows[0] if key.startswith("tau_mean_")]


def moving_average(values, window):
    """The mean of each value of a curve and the window - 1 before it, as far as there are any."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def window_of(num_epochs):
    """The epochs that the moving average of a curve of num_epochs spans: a tenth of them, SMOOTHED at most."""
    return min(SMOOTHED, max(num_epochs // 10, 3))


def accuracy_curves(rows, held_out="val"):
    """Training and validation accuracy over epochs: each trial faint, the moving average of their mean bold."""
    trials = list(by_trial(rows).values())
    figure, axes = panels([["accuracy"]], (7, 4))
    for k, (split, name) in enumerate(splits_of(rows, held_out).items()):
        curves = [100 * np.array([row[f"{split}_accuracy"] for row in trial]) for trial in trials]
        for curve in curves:
            _line(axes["accuracy"], curve, STYLES[k], alpha=0.35, linewidth=0.8, markersize=3)
        mean = 100 * _mean(trials, f"{split}_accuracy")
        label = f"{name}, mean of the last {window_of(len(mean))} epochs"
        _line(axes["accuracy"], moving_average(mean, window_of(len(mean))), STYLES[k], linewidth=2, label=label)
    _finish(axes["accuracy"], "accuracy (%)")
    figure.legend(*axes["accuracy"].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    _title_trials(figure, len(trials))
    return figure


def loss_curves(rows, held_out="val"):
    """Training and validation loss over epochs, on a linear and on a logarithmic axis, the mean over trials."""
    trials = list(by_trial(rows).values())
    figure, axes = panels([["linear", "log"]], (10, 4))
    for k, (split, name) in enumerate(splits_of(rows, held_out).items()):
        mean = _mean(trials, f"{split}_loss")
        for scale, ax in axes.items():
            _line(ax, np.where(np.isfinite(mean) & ((mean > 0) | (scale == "linear")), mean, np.nan), STYLES[k],
                  linewidth=2, label=name)  # fmt: skip
    for scale, ax in axes.items():
        _finish(ax, "loss")
        ax.set_yscale(scale)
    axes["linear"].legend(frameon=False)
    _title_trials(figure, len(trials), faint=False)
    return figure


def tau_curves(rows):
    """Mean and, unless all are 0, standard deviation of each layer's time constants over epochs.

    Of several trials the mean.
    """
    trials = list(by_trial(rows).values())
    titles = {"mean": "mean of τ (steps)"}
    if any(row[f"tau_std_{layer}"] for row in rows for layer in layers_of(rows)):
        titles["std"] = "standard deviation of τ (steps)"
    figure, axes = panels([list(titles)], (2 + 4 * len(titles), 4.2))
    for k, layer in enumerate(layers_of(rows)):
        for statistic, ax in axes.items():
            _line(ax, _mean(trials, f"tau_{statistic}_{layer}"), STYLES[k % len(STYLES)], linewidth=1.5, label=layer)
    for statistic, ax in axes.items():
        _finish(ax, titles[statistic])
        ax.ticklabel_format(axis="y", useOffset=False)
    figure.legend(*axes["mean"].get_legend_handles_labels(), loc="outside lower center", ncols=4 * len(titles),
                  frameon=False)  # fmt: skip
    _title_trials(figure, len(trials), faint=False)
    return figure


def tau_distributions(taus, init_tau, title="", what="layer"):
    """The time constants of each layer: a violin of its neurons' with their median, or a mark for a single one.

    taus: {layer, or `what` else: 1-d array of tau, steps}.  init_tau: the mean at the start, a dashed line.
    """
    figure, axes = panels([["tau"]], (max(6, 1.1 * len(taus)), 4))
    ax = axes["tau"]
    for k, values in enumerate(taus.values()):
        if np.ptp(values) > 0:
            parts = ax.violinplot([values], [k], widths=0.8, showmedians=True, points=200)
            for part in [*parts["bodies"], *(parts[name] for name in ("cbars", "cmins", "cmaxes", "cmedians"))]:
                part.set_color(COLORS[0])
        else:
            ax.plot(k, values[0], marker="D", color=COLORS[1], linestyle="none")
    ax.axhline(init_tau, color="black", linestyle="--", linewidth=1.2, label="mean at the start")
    labels = [f"{layer}\n{len(values):,}" if len(values) > 1 else layer for layer, values in taus.items()]
    ax.set_xticks(range(len(taus)), labels)
    ax.grid(axis="x", visible=False)
    several = any(len(values) > 1 for values in taus.values())
    ax.set(ylabel="time constant τ (steps)", xlabel=f"{what}, number of neurons" if several else what, title=title)
    ax.legend(frameon=False)
    return figure


def compare(cases, held_out="val"):
    """Accuracy on held_out (moving average) and spread of tau, averaged over layers, of {case: rows}, over epochs.

    Of several trials the mean.  Where a case has no validation set, all show the training accuracy.
    """
    figure, axes = panels([["accuracy", "std"]], (11, 4.2))
    split, name = list(splits_of([row for rows in cases.values() for row in rows], held_out).items())[-1]
    for k, (case, rows) in enumerate(cases.items()):
        trials = list(by_trial(rows).values())
        accuracy = 100 * _mean(trials, f"{split}_accuracy")
        std = np.mean([_mean(trials, f"tau_std_{layer}") for layer in layers_of(rows)], axis=0)
        _line(axes["accuracy"], moving_average(accuracy, window_of(len(accuracy))), STYLES[k % len(STYLES)],
              linewidth=1.5, label=case)  # fmt: skip
        _line(axes["std"], std, STYLES[k % len(STYLES)], linewidth=1.5)
    _finish(axes["accuracy"], f"{name} accuracy (%),\nmean of the last {window_of(len(accuracy))} epochs")
    _finish(axes["std"], "standard deviation of τ (steps),\nmean over layers")
    figure.legend(*axes["accuracy"].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    return figure


def _mean(trials, key):
    """The mean of a column over trials, up to where the shortest ends."""
    curves = [[row[key] for row in trial] for trial in trials]
    return np.mean([curve[: min(map(len, curves))] for curve in curves], axis=0)


def _line(ax, curve, style, **options):
    color, marker, linestyle = style
    marker = marker if len(curve) <= MAX_MARKERS else ""
    ax.plot(np.arange(1, len(curve) + 1), curve, color=color, marker=marker, linestyle=linestyle, **options)


def _finish(ax, ylabel):
    ax.set(xlabel="epoch", ylabel=ylabel)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _title_trials(figure, num_trials, faint=True):
    if num_trials > 1:
        figure.suptitle(f"Mean of {num_trials} trials" + " (bold) and each trial (faint)" * faint)
