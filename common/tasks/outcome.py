"""What the task of learning classes shows: a line for each epoch, the result in words, figures, cases side by side."""

import functools
import statistics

import torch

from common import build
from common.data import remark
from common.running import metrics, record
from common.running.trial import load_net
from common.sequence import mask_of
from common.training import monitor


def show(row, settings, net):
    """Print an epoch's line, at its end how long the trial still takes at most, at this epoch's pace."""
    rates = {name: row[key] for name in net.neurons if (key := f"firing_rate_{name}") in row}
    parts = [f"trial {row['trial']}", f"epoch {row['epoch']}/{settings['num_epochs']}"]
    for split, name in (("train", "train"), ("val", record.held_out(settings))):
        if f"{split}_loss" in row:
            parts.append(f"{name} loss {row[f'{split}_loss']:.4f} accuracy {row[f'{split}_accuracy']:.2%}")
    if len(rates) > monitor.FEW_LAYERS:
        parts.append(f"firing rates {min(rates.values()):.3f} to {max(rates.values()):.3f}")
    elif rates:
        parts.append("firing rates " + "  ".join(f"{name} {rate:.3f}" for name, rate in rates.items()))
    parts.append(f"{row['epoch_seconds']:.1f} s")
    if left := settings["num_epochs"] - row["epoch"]:
        parts.append(f"ETA {_duration(left * row['epoch_seconds'])}")
    print(*parts, sep="  ", flush=True)


def _duration(seconds):
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def conclude(result):
    """The result in words: a line for each layer, its means over the trials' test sets, and the accuracy."""
    trials, lines = result["trials"], []
    for name in trials[0]["firing_rates"]:
        rate, silent, saturated = (statistics.mean(trial[key][name] for trial in trials)
                                   for key in ("firing_rates", "silent_share", "saturated_share"))
        lines.append(f"{name:20}{rate:>12.4f}{silent:>9.1%}{saturated:>11.1%}")
    if lines:
        lines.insert(0, f"{'layer':20}{'firing rate':>12}{'silent':>9}{'always on':>11}")
    epochs = ", ".join(str(trial["best_epoch"]) for trial in trials)
    best = "" if result["select_on"] == "last" else "best "
    return "\n".join([*lines, f"test accuracy {_accuracy(result)} (n = {len(trials)}, {best}epoch {epochs}) "
                              f"on {_data(result)}{record.CHOSEN[result['select_on']]}"])


def _data(result):
    return result["data"]["name"] + remark(result["data"])


def _accuracy(result):
    """The mean test accuracy, and its deviation where there are several trials."""
    return record.with_spread(result["test_mean"], result["test_std"], ".2%")


def draw(path, settings, data, net, encode, result):
    """figures/*.png: learning curves, thresholds, time constants, firing rates, and an example of a trial at its best.

    That is the first of the result's, as a rule trial 0.  Of a deep net the example shows six layers at most.  Time
    constants over neurons are those with which that trial ended.
    """
    from common.plots import activity, animation, curves, style

    numbers = record.numbers(result, settings)
    rows = [row for row in metrics.read(path / "metrics.csv") if row["trial"] in numbers]
    figures = {"learning_curves.png": lambda: curves.learning_curves(rows, record.held_out(settings))}
    if monitor.spiking(net):
        figures["firing_rates.png"] = lambda: activity.firing_rates(result)
    if "thresholds" in settings:
        num_iterations = max(row["iteration"] for row in rows if row["trial"] == numbers[0])
        trajectories = dict(zip(net.neurons, build.threshold_trajectories(settings, num_iterations), strict=True))
        figures["thresholds.png"] = lambda: curves.threshold_curves(list(trajectories), trajectories, rows)
    shown = path / f"trial_{numbers[0]}"
    if curves.layers_with_tau(rows):
        load_net(net, shown / "last.pt")
        taus = {name: neuron.tau.detach().flatten().cpu().numpy() for name, neuron in net.neurons.items()}
        title = f"after training, trial {numbers[0]}"
        figures["tau.png"] = lambda: curves.tau_curves(rows)
        figures["tau_distributions.png"] = lambda: activity.tau_distributions(taus, settings["init_tau"], title)
    load_net(net, shown / "best.pt")
    if example := _example(settings, data, net, encode):
        figures["example.png"] = lambda: activity.example(**example)
    named = {name: functools.partial(style.name_data, draw, _data(result)) for name, draw in figures.items()}
    return animation.save_each(named, path / "figures")


@torch.no_grad()
def _example(settings, data, net, encode):
    """The arguments of plots.activity.example: what the net makes of the first test sample; None without membranes."""
    from common.plots.activity import Layer

    inputs, label = data.test.batch(torch.tensor([0]))
    sequence = encode(inputs)
    layers = [Layer(name, *(array[:, 0].flatten(1).cpu().numpy() for array in (spikes, membrane)), threshold)
              for name, spikes, membrane, threshold in monitor.traces(net, sequence)]
    if not layers:
        return None
    few = torch.linspace(0, len(layers) - 1, min(len(layers), monitor.FEW_LAYERS)).round().int()
    predicted = build.prediction(settings)(net(sequence), mask_of(sequence))
    given = ({"image": inputs[0].cpu().numpy()} if isinstance(inputs, torch.Tensor) else
             {"events": inputs.dense()[:, 0].cpu().numpy()})
    return {"layers": [layers[k] for k in few], "dt_ms": settings.get("dt_ms"), **given,
            "title": f"first test sample: label {label.item()}, predicted {predicted.item()}"}


def compare(runs):
    """Print the accuracies of `runs` {case: run directory}."""
    results = {case: record.read_result(run) for case, run in runs.items()}
    chosen = {result.get("select_on") for result in results.values()}
    held_out = "test" if "test" in chosen else "val"
    title = "last epoch's" if chosen == {"last"} else f"best on {held_out}"
    print(f"{'case':15}{'test accuracy':>20}{title:>14}{'epochs':>8}{'trials':>8}")
    for case, result in results.items():
        lines = record.survivors(result).values()
        held = [line["val"] for line in lines if line["val"] is not None]
        best = f"{statistics.mean(held):.2%}" if held else "–"
        print(f"{case:15}{_accuracy(result):>20}{best:>14}{result.get('length', '–'):>8}{len(lines):>8}")


def draw_cases(path, runs):
    """path/figures/cases.png: accuracy and spread of tau of `runs` {case: run directory}, if all have taus."""
    from common.plots import animation, curves, style

    results = {case: record.read_result(run) for case, run in runs.items()}
    held_out = "test" if any(result.get("select_on") == "test" for result in results.values()) else "val"
    rows = {case: [row for row in metrics.read(run / "metrics.csv") if row["trial"] in record.survivors(results[case])]
            for case, run in runs.items()}
    if all(curves.layers_with_tau(found) for found in rows.values()):
        draw = functools.partial(curves.compare, rows, held_out)
        named = {"cases.png": functools.partial(style.name_data, draw, _data(next(iter(results.values()))))}
        return animation.save_each(named, path / "figures")
    return True
