"""The figures of a run. Each function returns a matplotlib Figure; save() writes one to a file.

Made without pyplot, so no display is needed; a notebook shows them after `%matplotlib inline`. The colours (Okabe
and Ito's) suit any colour vision, and line style, marker or hatch says the same again.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.monitor import FEW_LAYERS

COLORS = ["#0072B2", "#D55E00", "#009E73"]
LINESTYLES = ["-", "-.", ":"]  # dashes are the threshold's
MARKERS = ["o", "s", "^"]
MAX_MARKERS, MAX_RASTER = 25, 200  # points marked on one curve, neurons drawn in one raster


def save(figure, path):
    """Write `figure` to `path`; its suffix (.png, .pdf, .svg) names the format. Missing directories are made."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def learning_curves(rows, held_out="val"):
    """Accuracy and loss of training and validation over epochs.

    One trial is one line; of several, each is faint and their mean, up to where the shortest ends, is bold.
    rows: as common.metrics.read returns them.  held_out: the set that the epoch was chosen on, "val" or "test".
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


def splits_of(rows, held_out):
    """{split: its name} of those in every row: not all runs have a validation set."""
    return {"train": "train"} | ({"val": held_out} if all("val_accuracy" in row for row in rows) else {})


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
    the start).  rows: as common.metrics.read returns them; their `iteration` and `threshold_<layer>` are the markers.
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


def firing_rates(result):
    """Firing rate, and share of silent and of saturated neurons, of each spiking layer over the test set.

    result: the content of result.json. With several trials the bars are means, their whiskers ± one std.
    """
    trials = result["trials"]
    few = len(trials[0]["firing_rates"]) <= FEW_LAYERS
    figure, axes = panels([["rate", "share"]] if few else [["rate"], ["share"]], (10, 4) if few else (10, 7))
    shares = {"silent_share": "silent", "saturated_share": "saturated (always on)"}
    _bars(axes["rate"], trials, {"firing_rates": None}, 1, "firing rate\n(spikes per neuron and step)")
    _bars(axes["share"], trials, shares, 100, "share of neurons (%)")
    axes["share"].legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    figure.suptitle("Over the test set" + f", mean ± std of {len(trials)} trials" * (len(trials) > 1))
    return figure


def _bars(ax, trials, labels, scale, ylabel):
    """For each layer a bar per {key of a trial: label}, with its value above where there is room."""
    names = list(trials[0]["firing_rates"])
    width = 0.8 / len(labels)
    for k, (key, label) in enumerate(labels.items()):
        values = scale * np.array([[trial[key][name] for name in names] for trial in trials])  # [trials, layers]
        bars = ax.bar(np.arange(len(names)) + (k - (len(labels) - 1) / 2) * width, values.mean(0), width,
                      yerr=values.std(0, ddof=1) if len(trials) > 1 else None, capsize=3,
                      color=COLORS[k], edgecolor="white", hatch=["", "//"][k], label=label)
        if len(labels) == 1 or len(names) <= FEW_LAYERS:
            ax.bar_label(bars, fmt="{:.2g}", padding=2, fontsize=8)
    ax.set_xticks(range(len(names)), names, **({} if len(names) <= FEW_LAYERS else {"rotation": 45, "ha": "right"}))
    ax.grid(axis="x", visible=False)
    ax.set(ylabel=ylabel, ymargin=0.12, ylim=(0, None))


def example(traces, label, image=None):
    """What the layers do with one sample: the spikes of each, and the membranes of its three most active neurons.

    traces: (layer, spikes [T, N], membrane before the reset [T, N], threshold) for each layer.  label: the sample's
    class.  image: the input [H, W] or [C, H, W], whose channels are summed.
    """
    rows = [[f"{name} spikes", f"{name} membrane"] for name, *_ in traces]
    ratios = [1, 1] if image is None else [0.55, 1, 1]
    figure, axes = panels(rows if image is None else [["input", *row] for row in rows],
                          (5.5 * sum(ratios), 1 + 2.2 * len(rows)), width_ratios=ratios)
    figure.suptitle(f"Label: {label}")
    for (name, spikes, membrane, threshold), (left, right) in zip(traces, rows, strict=True):
        _spikes(axes[left], name, spikes)
        _membranes(axes[right], name, spikes, membrane, threshold)
        for ax in (axes[left], axes[right]):
            ax.set(xlabel="time step", xlim=(-0.5, len(spikes) - 0.5))
            ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
    if image is not None:
        axes["input"].imshow(np.reshape(image, (-1, *np.shape(image)[-2:])).sum(0), cmap="gray")
        axes["input"].set(title="input", xticks=[], yticks=[])
    return figure


def raster(data, ax, **kwargs):
    """Scatter the spikes of `data` [T, N] over time step and neuron; as snntorch.spikeplot.raster."""
    return ax.scatter(*np.nonzero(np.asarray(data)), **kwargs)


def _spikes(ax, name, spikes):
    num_neurons = spikes.shape[1]
    shown = np.unique(np.linspace(0, num_neurons - 1, min(num_neurons, MAX_RASTER)).round().astype(int))
    raster(spikes * np.isin(np.arange(num_neurons), shown), ax, s=min(60, 1600 / len(shown)), marker="|", color="black")
    sampled = f"{len(shown)} of {num_neurons}" if len(shown) < num_neurons else num_neurons
    ax.set(title=f"{name}: spikes of {sampled} neurons", ylabel="neuron", ylim=(-0.5, num_neurons - 0.5))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))


def _membranes(ax, name, spikes, membrane, threshold):
    """The membranes of the three neurons that spike most (of equals, those that rise highest), and the threshold."""
    most_active = np.lexsort((membrane.max(0), spikes.sum(0)))[::-1][:3]
    for k, neuron in enumerate(most_active):
        ax.plot(membrane[:, neuron], color=COLORS[k], linestyle=LINESTYLES[k], linewidth=1.5, label=f"neuron {neuron}")
    if threshold is not None:
        ax.axhline(threshold, color="black", linestyle="--", linewidth=1.2, label="threshold θ")
    ax.set(title=f"{name}: the {len(most_active)} most active neurons", ylabel="membrane potential")
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))


def by_trial(rows):
    """{trial: its rows}, in the order of the file."""
    if not rows:
        raise ValueError("nothing to draw: metrics.csv has no finished epoch yet")
    trials = dict.fromkeys(row["trial"] for row in rows)
    return {trial: [row for row in rows if row["trial"] == trial] for trial in trials}


def panels(mosaic, size, **options):
    """A figure of `size` (inches) and {name: axes} for the names in `mosaic`, in the one style of our figures."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplot_mosaic(mosaic, **options)
    for ax in axes.values():
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.3)
        ax.set_axisbelow(True)
    return figure, axes
