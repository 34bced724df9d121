"""The figures of recordings that are events: the recordings, what a layer makes of one, accuracy against rate.

In the style of common.plots.
"""

from itertools import cycle
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from common.data import remark
from common.plots.style import COLORS, STYLES, count_axis, panels, raster

BIN_MS = 10  # bins of the histogram of events over time


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


class Response(NamedTuple):
    """What a layer of N neurons makes of a recording in T steps of dt_ms each; the membrane is that before a reset."""

    title: str
    spikes: np.ndarray  # [T, N]
    membrane: np.ndarray  # [T, N]
    dt_ms: float
    rule: str  # says when a neuron fires
    level: float | None  # a value of the membrane to mark by a dashed line


def membranes_and_spikes(responses):
    """For each Response the spikes of all neurons, and the membrane of a typical one; all on one time axis."""
    rows = [[f"spikes {k}", f"membrane {k}"] for k in range(len(responses))]
    figure, axes = panels(rows, (11, 0.6 + 2.1 * len(responses)), sharex=True, width_ratios=[2, 3])
    end = max(len(response.spikes) * response.dt_ms for response in responses)
    for (left, right), response in zip(rows, responses, strict=True):
        spikes, dt_ms, neuron = response.spikes, response.dt_ms, typical(response.spikes)
        raster(spikes, axes[left], dt_ms, s=9, marker="|", color="black", linewidths=0.9)
        axes[left].axhline(neuron, color=COLORS[0], alpha=0.25, linewidth=4, zorder=0)
        axes[left].set(ylabel="neuron", ylim=(-0.5, spikes.shape[1] - 0.5), xlim=(-dt_ms / 2, end))
        axes[left].set_title(f"{response.title}: firing rate {np.mean(spikes):.3f}", loc="left", fontsize=10)
        count_axis(axes[left].yaxis, 4)
        _membrane(axes[right], response, neuron)
    for name in rows[-1]:
        axes[name].set_xlabel("time (ms)")
    handles = {label: handle for _, right in rows
               for handle, label in zip(*axes[right].get_legend_handles_labels(), strict=True)}
    figure.align_ylabels()
    figure.legend(handles.values(), handles, loc="outside lower right", ncols=3, frameon=False)
    return figure


def typical(spikes):
    """The neuron of spikes [T, N] that fires as often as the middle one of those that fire; 0 if none does."""
    counts = np.asarray(spikes).sum(0)
    fired = np.flatnonzero(counts)
    return int(fired[np.argsort(counts[fired], kind="stable")[len(fired) // 2]]) if len(fired) else 0


def _membrane(ax, response, neuron):
    time, membrane = response.dt_ms * np.arange(len(response.spikes)), response.membrane[:, neuron]
    fired = response.spikes[:, neuron] > 0
    ax.plot(time, membrane, color=COLORS[0], linewidth=1.2, label="membrane potential V, before a reset")
    ax.plot(time[fired], membrane[fired], "o", color=COLORS[1], markersize=4, label="spike")
    if response.level is not None:
        ax.axhline(response.level, color="black", linestyle="--", linewidth=1.2, label="level named in the title")
    ax.set_ylabel("membrane V")
    ax.set_title(f"neuron {neuron}" + (f": {response.rule}" if response.rule else ""), loc="left", fontsize=10)
    ax.yaxis.set_major_locator(MaxNLocator(5))


def accuracy_against_rate(results, chance=None):
    """Test accuracy over the mean firing rate of the hidden layers; each run a point, those of one series joined.

    results: (series, note beside the point, the content of result.json) of each run; with several trials a point is
    their mean, its whiskers ± one std.  chance: the accuracy of guessing, as a fraction, drawn as a line.  The title
    names the data, and says if they stand in for the published set.
    """
    figure, axes = panels([["accuracy"]], (7, 4.4))
    ax, handles = axes["accuracy"], []
    for series, style in zip(dict.fromkeys(series for series, *_ in results), cycle(STYLES), strict=False):
        own = sorted(((note, result) for name, note, result in results if name == series),
                     key=lambda point: np.mean(_rates(point[1])))
        rates, accuracies = ([values(result) for _, result in own] for values in (_rates, _accuracies))
        handles.append(ax.errorbar(*map(_means, (rates, accuracies)), *map(_stds, (accuracies, rates)), label=series,
                                   color=style.color, marker=style.marker, markersize=8, linewidth=1, capsize=3))
        for (note, _), *point in zip(own, _means(rates), _means(accuracies), strict=True):
            ax.annotate(note, point, (8, -9), textcoords="offset points", fontsize=8)
    if chance is not None:
        handles.append(ax.axhline(100 * chance, color="gray", linestyle=":", label="chance"))
    ax.set(xlabel="firing rate (spikes per neuron and step), mean over hidden layers", ylabel="test accuracy (%)",
           title="; ".join(dict.fromkeys(_data(result) for *_, result in results)), xlim=(0, None), ylim=(0, 100))
    ax.margins(x=0.15)
    figure.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False)
    return figure


def _rates(result):
    """The mean firing rate over layers, of each trial."""
    return [np.mean(list(trial["firing_rates"].values())) for trial in result["trials"]]


def _accuracies(result):
    return [100 * trial["test"] for trial in result["trials"]]


def _means(points):
    return [np.mean(trials) for trials in points]


def _stds(points):
    """None where there is one trial of each."""
    stds = [np.std(trials, ddof=1) if len(trials) > 1 else 0.0 for trials in points]
    return stds if any(stds) else None


def _data(result):
    data = result["data"]
    return f"{data['name']}{remark(data)}, {data['num_train']} training recordings"
