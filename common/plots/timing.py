"""The figures of the spike-timing experiment: one output neuron whose membrane learns a ramp, and so when to spike.

In the style of common.plots.  traces: common.tasks.recording.Recording, of I training iterations and T time steps;
ValueError, naming the array, if their shapes do not fit together.  An animation runs over the training iterations.
"""

from dataclasses import replace

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.ticker import MaxNLocator

from common.plots.animation import freeze
from common.plots.style import COLORS, LINESTYLES, MAX_MARKERS, STYLES, count_axis, legend_below, panels, raster

RELATIVE = "membrane potential / target's peak"


def spike_timing(traces, iterations=None, title=""):
    """The target, then membrane and output spikes in `iterations`: by default the first, the middle and the last.

    iterations: counted from 1; ValueError outside 1..I.
    """
    count, num_steps = _shape(traces)
    iterations = sorted({1, (count + 1) // 2, count}) if iterations is None else iterations
    membranes = _membranes(traces, iterations, 1)
    titles = ["target", *(f"iteration {i}" for i in iterations)]
    figure, (target, *draws) = _columns(titles, [traces] * len(titles), [membranes])
    figure.suptitle(title)
    target(np.empty(0), np.arange(num_steps) == traces.target.argmax(), np.nan)
    for draw, i, membrane in zip(draws, iterations, membranes, strict=True):
        draw(membrane, traces.spikes[i - 1], traces.threshold[i - 1])
    return figure


def loss_curve(traces):
    """Mean squared error over training iterations, in units of the target's peak squared."""
    return compare_losses({"": traces})


def compare_losses(cases):
    """loss_curve() of each of {case: traces} in one figure."""
    figure, axes = panels([["loss"]], (7, 4))
    ax, lost = axes["loss"], 0
    for k, (case, traces) in enumerate(cases.items()):
        loss, style = _relative(traces).loss, STYLES[k % len(STYLES)]
        drawn = np.isfinite(loss) & (loss > 0)
        lost += np.sum(~drawn)
        spacing = len(loss) // 12 if len(loss) > MAX_MARKERS else 1
        marked = (k * spacing // len(cases), spacing)  # each case starts elsewhere: equal curves show theirs in turn
        ax.plot(np.arange(1, len(loss) + 1), np.where(drawn, loss, np.nan), color=style.color,
                marker=style.marker, markevery=marked, linewidth=1, label=case)
    ax.set(xlabel="training iteration", ylabel="mean squared error / (target's peak)²", yscale="log",
           title=f"{lost} values are not finite, or 0, and not drawn" if lost else "")
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    if any(cases):
        legend_below(figure, ax, 5)
    return figure


def animate(traces, num_frames=200, window=1, title=""):
    """Membrane and spikes in `num_frames` iterations, evenly spread from the first to the last (in all, if fewer).

    window: membrane and threshold are means over so many iterations up to the one shown, and spikes are the darker,
    the more of these have them.  ValueError for window or num_frames below 1.
    """
    return _animation({title: traces}, num_frames, window, "membrane potential")


def animate_cases(cases, num_frames=200, window=1):
    """animate() of {case: traces} side by side, in units of each target's peak; ValueError if their shapes differ."""
    return _animation(_comparable(cases), num_frames, window, RELATIVE)


def compare(cases, iteration=-1, window=1):
    """A frame of animate_cases(): `iteration`, counted from 1, or -1, the last; ValueError for others."""
    cases = _comparable(cases)
    figure, show = _scene(cases, [_count(cases) if iteration == -1 else iteration], window, RELATIVE)
    show(0)
    return figure


def _animation(cases, num_frames, window, ylabel):
    if num_frames < 1:
        raise ValueError(f"num_frames must be at least 1, got {num_frames}")
    count = _count(cases)
    iterations = np.linspace(count, 1, min(num_frames, count)).round().astype(int)[::-1]  # a single frame: the last
    figure, show = _scene(cases, iterations, window, ylabel)
    freeze(figure, show(0))
    return FuncAnimation(figure, show, len(iterations), interval=40, repeat=False)


def _scene(cases, iterations, window, ylabel):
    """A figure of {case: traces}, side by side, and show(k), which draws the k-th of `iterations`."""
    membranes = [_membranes(traces, iterations, window) for traces in cases.values()]
    figure, draws = _columns(cases, cases.values(), membranes, ylabel, window)

    def show(k):
        last = iterations[k]
        first = max(1, last - window + 1)
        shown = f"training iteration {last}" if first == last else f"mean of training iterations {first} to {last}"
        changed = [figure.suptitle(f"{shown} of {_count(cases)}")]
        for draw, traces, membrane in zip(draws, cases.values(), membranes, strict=True):
            averaged = slice(first - 1, last)
            changed += draw(membrane[k], traces.spikes[averaged].mean(0), traces.threshold[averaged].mean())
        return changed

    return figure, show


def _columns(titles, traces, membranes, ylabel="membrane potential", window=1):
    """A figure with, for each title and traces, a panel for the membrane and one for spikes; and their _column()s."""
    rows = [[f"{row} {k}" for k in range(len(titles))] for row in ("membrane", "spikes")]
    width = 1 + (3 * len(titles) if len(titles) > 1 else 6)
    figure, axes = panels(rows, (width, 4.4), sharex=True, height_ratios=[7, 1])
    figure.get_layout_engine().set(wspace=0.05, h_pad=0.08)
    # Targets and thresholds must stay readable, so of a membrane that runs away only so much is shown.
    given = np.concatenate([[0.0], *(array for case in traces for array in (case.target, case.threshold))])
    values, unit = np.concatenate([given, *map(np.ravel, membranes)]), np.abs(given).max() or 1.0
    low, high = np.clip([np.nanmin(values), np.nanmax(values)], -unit, 2 * unit)
    limits, draws = (low - 0.05 * (high - low), high + 0.05 * (high - low)), []
    for upper, lower, title, case in zip(*rows, titles, traces, strict=True):
        draws.append(_column(axes[upper], axes[lower], case, limits, "membrane" if window == 1 else "mean membrane"))
        axes[upper].set_title(title, loc="left", y=1)  # y: not sought anew in each frame
        axes[upper].tick_params(labelleft=len(draws) == 1)
    axes["membrane 0"].set_ylabel(ylabel)
    shown = "output" if window == 1 else "mean"
    axes["spikes 0"].set_ylabel(f"{shown}\nspikes", rotation=0, ha="right", va="center")
    legend_below(figure, axes["membrane 0"], 4)
    return figure, draws


def _column(upper, lower, traces, limits, label):
    """Draw what stays, and return draw(membrane [T], spikes [T], threshold), which draws and returns what changes."""
    # spikes: the share of the iterations shown that have one at this step
    num_steps = len(traces.target)
    marker = "" if num_steps > 1 else "o"
    upper.plot(traces.target, color=COLORS[1], linestyle=LINESTYLES[1], alpha=0.7, marker=marker, label="target")
    for ax in (upper, lower):
        ax.axvline(traces.target.argmax(), color="gray", linestyle=":", zorder=0, label="time step to spike at")
    line = upper.plot(traces.target, color=COLORS[0], marker=marker, label=label)[0]
    level = upper.axhline(0, color="black", linestyle="--", linewidth=1.2, label="threshold θ")
    points = raster(np.zeros((num_steps, 1)), lower, color="black", marker="|", s=150)
    note = upper.set_title("", loc="right", fontsize=8, y=1)
    upper.set(xlim=(-0.5, num_steps - 0.5), ylim=limits)
    count_axis(upper.xaxis, 5)
    lower.set(xlabel="time step", yticks=[], ylim=(-1, 1))

    def draw(membrane, spikes, threshold):
        line.set_data(np.arange(len(membrane)), membrane)
        level.set_ydata([threshold, threshold])
        points.set_offsets(np.argwhere(spikes[:, None]))  # [spikes, 2]: time step, 0
        points.set_color([(0, 0, 0, share) for share in spikes[spikes > 0]])
        low, high = np.nanmin([*membrane, np.inf]), np.nanmax([*membrane, -np.inf])
        cut = f"cut off, spans {low:.2g} to {high:.2g}" if low < limits[0] or high > limits[1] else ""
        note.set_text(f"not finite at {lost} steps" if (lost := np.isnan(membrane).sum()) else cut)
        return line, level, points, note

    return draw


def _membranes(traces, iterations, window):
    """[len(iterations), T]: membranes, each the mean over `window` iterations up to its own; NaN where not finite."""
    if window < 1:
        raise ValueError(f"window must be at least 1, got {window}")
    if outside := [i for i in iterations if not 1 <= i <= len(traces.membrane)]:
        raise ValueError(f"iterations must lie in 1 to {len(traces.membrane)}, got {outside[0]}")
    with np.errstate(invalid="ignore"):
        means = np.array([traces.membrane[max(0, i - window) : i].mean(0, dtype=float) for i in iterations])
    return np.where(np.isfinite(means), means, np.nan)


def _comparable(cases):
    """{case: traces in units of their target's peak}; ValueError if there is none or their shapes differ."""
    shapes = {case: _shape(traces) for case, traces in cases.items()}
    if len(set(shapes.values())) != 1:
        raise ValueError(f"cases must have equal (iterations, time steps), and one at least, got {shapes}")
    return {case: _relative(traces) for case, traces in cases.items()}


def _relative(traces):
    """The traces in units of their target's peak."""
    _shape(traces)
    peak = float(np.abs(traces.target).max()) or 1.0
    scaled = {name: getattr(traces, name) / peak for name in ("membrane", "threshold", "target")}
    return replace(traces, loss=traces.loss / peak**2, **scaled)


def _count(cases):
    return _shape(next(iter(cases.values())))[0]


def _shape(traces):
    """(I, T), which each array must have or share."""
    if len(shape := np.shape(traces.membrane)) != 2 or 0 in shape:
        raise ValueError(f"membrane must be (iterations, time steps), one of each at least, got {shape}")
    for name, want in {"spikes": shape, "threshold": shape[:1], "target": shape[1:], "loss": shape[:1]}.items():
        if (got := np.shape(getattr(traces, name))) != want:
            raise ValueError(f"{name} must be {want} beside a membrane of {shape}, got {got}")
    return shape
