"""The figure of bench: time of a step over its sizes, ours and a peer's.  In the style of common.plots."""

import statistics

from matplotlib.ticker import FixedLocator, NullLocator

from common.plots.style import COLORS, LINESTYLES, MARKERS, panels

AXES = {"num_steps": ("steps T", "T"), "batch_size": ("batch size B", "B"), "size": ("neurons N", "N")}
LABELS = {"peer": "snntorch, step by step", "ours": "ours"}


def sweep(result):
    """Time over T, B and N, in three panels; above our points, by how much they are faster.

    result: as common.bench.sweep.measured() returns it.  The lines are medians, the bands all repetitions.
    """
    figure, axes = panels([list(AXES)], (12, 4.2), sharey=True)
    figure.suptitle("Linear layer and LIF neurons, forward and backward")
    for name, ax in axes.items():
        label, _ = AXES[name]
        seconds = result["seconds"][name]
        for k, side in enumerate(("peer", "ours")):
            runs = [[1e3 * value for value in seconds[size][side]] for size in seconds]
            ax.plot(list(seconds), [statistics.median(values) for values in runs], color=COLORS[1 - k],
                    linestyle=LINESTYLES[1 - k], marker=MARKERS[1 - k], label=LABELS[side])
            ax.fill_between(list(seconds), [min(values) for values in runs], [max(values) for values in runs],
                            color=COLORS[1 - k], alpha=0.2, linewidth=0)
        for size, both in seconds.items():
            peer, ours = (statistics.median(both[side]) for side in ("peer", "ours"))
            ax.annotate(f"{peer / ours:.1f}×", (size, 1e3 * ours), (9, -16), textcoords="offset points", ha="center",
                        fontsize=9, color=COLORS[0])
        others = ", ".join(f"{AXES[key][1]} {value}" for key, value in result["centre"].items() if key != name)
        ax.set(xscale="log", yscale="log", xlabel=label, title=others, xmargin=0.12, ymargin=0.15)
        ax.xaxis.set_major_locator(FixedLocator(list(seconds)))
        ax.xaxis.set_major_formatter("{x:.0f}")
        ax.xaxis.set_minor_locator(NullLocator())
    axes["num_steps"].set_ylabel("time (ms)")
    axes["num_steps"].legend(frameon=False)
    return figure
