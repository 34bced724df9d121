"""What neurons do: firing rates of layers, and the spikes and membranes of one sample."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from common.plots.style import COLORS, LINESTYLES, panels, raster
from common.training.monitor import FEW_LAYERS

MAX_RASTER = 200  # neurons drawn in one raster


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
