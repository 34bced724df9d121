"""The figures of recordings that are events: the recordings, what a layer makes of one, accuracy against rate.

In the style of common.plots.
"""

import numpy as np
from matplotlib.ticker import MaxNLocator

from common.plots.style import COLORS, panels, raster
from common.plots.timing import CASE_STYLES

BIN_MS = 10  # of the number of events over time


def recordings(samples, num_channels):
    """The events of some recordings, a panel each, and below how many there are in every 10 ms.

    samples: {title: (times [E] in seconds, 0 or more, channels [E])}.  num_channels: of each; channels lie below it.
    """
    rows = [[f"{row} {k}" for k in range(len(samples))] for row in ("events", "number")]
    figure, axes = panels(rows, (1 + 3.4 * len(samples), 5), sharex=True, height_ratios=[4, 1])
    end = max([BIN_MS, *(1000 * float(np.max(times, initial=0)) for times, _ in samples.values())])
    edges = np.arange(0, end + BIN_MS, BIN_MS)
    for upper, lower, (title, (times, channels)) in zip(*rows, samples.items(), strict=True):
        times = 1000 * np.asarray(times, dtype=float)
        axes[upper].scatter(times, channels, s=1.5, color="black", linewidths=0)
        axes[upper].set(title=f"{title}: {len(times)} events", ylim=(0, num_channels - 1))
        axes[lower].stairs(np.histogram(times, edges)[0], edges, color=COLORS[0], fill=True)
        axes[lower].set(xlabel="time (ms)", xlim=(0, edges[-1]))
    highest = max(axes[lower].get_ylim()[1] for lower in rows[1])
    for upper, lower in zip(*rows, strict=True):
        axes[lower].set(ylim=(0, highest))
        for name in (upper, lower):
            axes[name].tick_params(labelleft=name.endswith(" 0"))
    axes["events 0"].set_ylabel("channel")
    axes["number 0"].set_ylabel(f"events\nin {BIN_MS} ms")
    return figure


def membranes_and_spikes(layers):
    """For each layer the spikes of its neurons, and the membrane of a typical one with its spikes as dots.

    layers: (title, spikes [T, N], membrane before a reset [T, N], step in ms, rule, level) each; all on one time
    axis.  rule: in words, when its neurons fire.  level: of the membrane, drawn as a dashed line, or None.
    """
    rows = [[f"spikes {k}", f"membrane {k}"] for k in range(len(layers))]
    figure, axes = panels(rows, (11, 0.6 + 2.1 * len(layers)), sharex=True, width_ratios=[2, 3])
    end = max(len(spikes) * dt_ms for _, spikes, _, dt_ms, *_ in layers)
    for (left, right), (title, spikes, membrane, dt_ms, rule, level) in zip(rows, layers, strict=True):
        time, neuron = dt_ms * np.arange(len(spikes)), typical(spikes)
        points = raster(spikes, axes[left], s=9, marker="|", color="black", linewidths=0.9)
        points.set_offsets(points.get_offsets() * [dt_ms, 1])
        axes[left].axhline(neuron, color=COLORS[0], alpha=0.25, linewidth=4, zorder=0)
        axes[left].set(ylabel="neuron", ylim=(-0.5, spikes.shape[1] - 0.5), xlim=(-dt_ms / 2, end))
        axes[left].set_title(f"{title}: firing rate {np.mean(spikes):.3f}", loc="left", fontsize=10)
        axes[left].yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
        _membrane(axes[right], time, membrane[:, neuron], spikes[:, neuron] > 0, level)
        axes[right].set_title(f"neuron {neuron}: {rule}" if rule else f"neuron {neuron}", loc="left", fontsize=10)
    for name in rows[-1]:
        axes[name].set_xlabel("time (ms)")
    handles = {label: handle for right in (axes[name] for _, name in rows)
               for handle, label in zip(*right.get_legend_handles_labels(), strict=True)}  # fmt: skip
    figure.align_ylabels()
    figure.legend(handles.values(), handles, loc="outside lower right", ncols=3, frameon=False)
    return figure


def typical(spikes):
    """The neuron of spikes [T, N] that fires as often as the middle one of those that fire; 0 if none does."""
    counts = np.asarray(spikes).sum(0)
    fired = np.flatnonzero(counts)
    return int(fired[np.argsort(counts[fired], kind="stable")[len(fired) // 2]]) if len(fired) else 0


def _membrane(ax, time, membrane, fired, level):
    ax.plot(time, membrane, color=COLORS[0], linewidth=1.2, label="membrane potential V, before a reset")
    ax.plot(time[fired], membrane[fired], "o", color=COLORS[1], markersize=4, label="spike")
    if level is not None:
        ax.axhline(level, color="black", linestyle="--", linewidth=1.2, label="level named in the title")
    ax.set_ylabel("membrane V")
    ax.yaxis.set_major_locator(MaxNLocator(5))


def accuracy_against_rate(results, chance=None):
    """Test accuracy over the mean firing rate of the hidden layers; each run a point, those of one series joined.

    results: (series, note beside the point, the content of result.json) of each run; with several trials a point is
    their mean, its whiskers ± one std.  chance: the accuracy of guessing, as a fraction, drawn as a line.  The title
    names the data, and says if they stand in for the published set.
    """
    figure, axes = panels([["accuracy"]], (7, 4.4))
    ax = axes["accuracy"]
    points = [(series, note, *_point(result)) for series, note, result in results]
    for k, series in enumerate(dict.fromkeys(series for series, *_ in points)):
        color, marker = CASE_STYLES[k % len(CASE_STYLES)]
        own = sorted((rate, accuracy, note) for name, note, rate, accuracy in points if name == series)
        (rates, rate_stds), (accuracies, stds) = (np.transpose([point[i] for point in own]) for i in (0, 1))
        ax.errorbar(rates, accuracies, stds if stds.any() else None, rate_stds if rate_stds.any() else None,
                    color=color, marker=marker, markersize=8, linewidth=1, capsize=3, label=series)
        for rate, accuracy, (*_, note) in zip(rates, accuracies, own, strict=True):
            ax.annotate(note, (rate, accuracy), (8, -9), textcoords="offset points", fontsize=8)
    if chance is not None:
        ax.axhline(100 * chance, color="gray", linestyle=":", label="chance")
    ax.set(xlabel="mean firing rate of the hidden layers (spikes per neuron and step)", ylabel="test accuracy (%)",
           title="; ".join(dict.fromkeys(_data(result) for *_, result in results)), xlim=(0, None), ylim=(0, 100))
    ax.margins(x=0.15)
    handles, labels = ax.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: labels[i] == "chance")  # last
    figure.legend([handles[i] for i in order], [labels[i] for i in order], loc="outside lower center", ncols=6,
                  frameon=False)  # fmt: skip
    return figure


def _point(result):
    """((rate, its std), (accuracy in %, its std)) over a run's trials; the std of one trial is 0."""
    rates = [np.mean(list(trial["firing_rates"].values())) for trial in result["trials"]]
    accuracies = [100 * trial["test"] for trial in result["trials"]]
    return tuple((np.mean(x), np.std(x, ddof=1) if len(x) > 1 else 0.0) for x in (rates, accuracies))


def _data(result):
    data = result["data"]
    return f"{data['name']}{', a stand-in' if data['stand_in'] else ''}, {data['num_train']} training recordings"
