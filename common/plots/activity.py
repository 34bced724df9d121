"""What neurons do: firing rates of layers, their time constants, and the spikes and membranes of one sample."""

from typing import NamedTuple

import numpy as np

from common.plots.style import COLORS, LINESTYLES, count_axis, panels, raster
from common.training.monitor import FEW_LAYERS

MAX_RASTER = 200  # neurons drawn in one raster


class Layer(NamedTuple):
    """What a layer of N neurons does with one sample in T steps; the membrane is that before the reset."""

    name: str
    spikes: np.ndarray  # [T, N]
    membrane: np.ndarray  # [T, N]
    threshold: float | None


def firing_rates(result):
    """Firing rate, and fraction of silent and of saturated neurons, of each spiking layer over the test set.

    result: the content of result.json. With several trials the bars are means, their whiskers ± one std.
    """
    trials = result["trials"]
    few = len(trials[0]["firing_rates"]) <= FEW_LAYERS
    figure, axes = panels([["rate", "fraction"]] if few else [["rate"], ["fraction"]], (10, 4 if few else 7))
    fractions = {"silent_share": "silent", "saturated_share": "saturated (always on)"}
    _bars(axes["rate"], trials, {"firing_rates": None}, 1, "firing rate\n(spikes per neuron and step)")
    _bars(axes["fraction"], trials, fractions, 100, "fraction of neurons (%)")
    axes["fraction"].legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    figure.suptitle("over the test set" + f", mean ± std of {len(trials)} trials" * (len(trials) > 1))
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
            ax.bar_label(bars, fmt=_two_digits, padding=2, fontsize=8)
    ax.set_xticks(range(len(names)), names, **({} if len(names) <= FEW_LAYERS else {"rotation": 45, "ha": "right"}))
    ax.grid(axis="x", visible=False)
    ax.set(ylabel=ylabel, ymargin=0.12)
    ax.set_ylim(0, max(ax.get_ylim()[1], 0.01 * scale))  # where all are 0, too


def _two_digits(value):
    """The value with two significant digits, a 0 behind the point too; from 99.5 on, whole."""
    return f"{value:#.2g}".removesuffix(".") if 0 < value < 99.5 else f"{value:.0f}"


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
    ax.set(ylabel="time constant τ (steps)", xlabel=f"{what}, number of neurons" if several else what)
    ax.legend(frameon=False)
    figure.suptitle(title)
    return figure


def example(layers, title, image=None, events=None, dt_ms=None):
    """What the `layers`, each a Layer, do with one sample: their spikes, and the membranes of the most active neurons.

    image: the input [H, W] or [C, H, W], whose channels are summed; or events: the input [T, N], counts.
    dt_ms: duration of a step; None: the axes count steps.
    """
    rows = [[f"{layer.name} spikes", f"{layer.name} membrane"] for layer in layers]
    ratios = [1, 1] if image is None and events is None else [0.55 if events is None else 1, 1, 1]
    figure, axes = panels(rows if len(ratios) == 2 else [["input", *row] for row in rows],
                          (5.5 * sum(ratios), 1 + 2.2 * len(rows)), width_ratios=ratios)
    figure.suptitle(title)
    for layer, (left, right) in zip(layers, rows, strict=True):
        _spikes(axes[left], layer, dt_ms)
        _membranes(axes[right], layer, dt_ms)
    if image is not None:
        axes["input"].imshow(np.reshape(image, (-1, *np.shape(image)[-2:])).sum(0), cmap="gray")
        axes["input"].set(title="input", xticks=[], yticks=[])
    elif events is not None:
        raster(events, axes["input"], dt_ms or 1, s=4, marker="|", color="black", linewidths=0.7)
        axes["input"].set(title=f"input: {np.sum(events):.0f} events", ylabel="channel",
                          ylim=(-0.5, np.shape(events)[1] - 0.5))
        _time_axis(axes["input"], len(events), dt_ms)
    return figure


def _time_axis(ax, num_steps, dt_ms):
    dt = dt_ms or 1
    ax.set(xlabel="time (ms)" if dt_ms else "time step", xlim=(-0.5 * dt, (num_steps - 0.5) * dt))
    count_axis(ax.xaxis)


def _most_active(layer):
    """The three neurons that spike most; of equals, those that rise highest."""
    return np.lexsort((layer.membrane.max(0), layer.spikes.sum(0)))[::-1][:3]


def _spikes(ax, layer, dt_ms):
    """The spikes of MAX_RASTER neurons, evenly spread, and of the most active ones in their membranes' colours."""
    num_neurons, active = layer.spikes.shape[1], _most_active(layer)
    spread = np.linspace(0, num_neurons - 1, min(num_neurons, MAX_RASTER)).round().astype(int)
    shown, neurons = np.union1d(spread, active), np.arange(num_neurons)
    size = min(60, 1600 / len(shown))
    others = np.isin(neurons, shown) & ~np.isin(neurons, active)
    raster(layer.spikes * others, ax, dt_ms or 1, s=size, marker="|", color="black")
    for k, neuron in enumerate(active):
        raster(layer.spikes * (neurons == neuron), ax, dt_ms or 1, s=max(size, 30), marker="|", color=COLORS[k])
    sampled = f"{len(shown)} of {num_neurons}" if len(shown) < num_neurons else num_neurons
    ax.set(title=f"{layer.name}: spikes of {sampled} neurons", ylabel="neuron", ylim=(-0.5, num_neurons - 0.5))
    count_axis(ax.yaxis, 5)
    _time_axis(ax, len(layer.spikes), dt_ms)


def _membranes(ax, layer, dt_ms):
    """The membranes of the most active neurons, and the threshold."""
    time, active = (dt_ms or 1) * np.arange(len(layer.membrane)), _most_active(layer)
    for k, neuron in enumerate(active):
        ax.plot(time, layer.membrane[:, neuron], color=COLORS[k], linestyle=LINESTYLES[k], linewidth=1.5,
                label=f"neuron {neuron}")
    if layer.threshold is not None:
        ax.axhline(layer.threshold, color="black", linestyle="--", linewidth=1.2, label="threshold θ")
    what = "most active neurons" if layer.spikes.any() else "highest membranes (no neuron spikes)"
    ax.set(title=f"{layer.name}: the {len(active)} {what}", ylabel="membrane potential")
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    _time_axis(ax, len(time), dt_ms)
