"""What the task of learning classes shows: a line for each epoch, the result in words, figures, cases side by side."""

import statistics

import torch

from common import build
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
    stand_in = ", a stand-in" if result["data"]["stand_in"] else ""
    return "\n".join([*lines, f"test accuracy {_accuracy(result)} over {len(trials)} trial(s) ({best}epoch {epochs}) "
                              f"on {result['data']['name']}{stand_in}{record.CHOSEN[result['select_on']]}"])


def _accuracy(result):
    """The mean test accuracy, and its deviation where there are several trials."""
    return record.with_spread(result["test_mean"], result["test_std"], ".2%")


def draw(path, settings, data, net, encode, result):
    """figures/*.png: learning curves, thresholds, time constants, firing rates, and an example of trial 0 at its best.

    Of a deep net the example shows six layers at most.  Time constants over neurons are those with which trial 0 ended.
    """
    from common.plots import activity, curves, style

    rows = metrics.read(path / "metrics.csv")
    figures = {"learning_curves": curves.learning_curves(rows, record.held_out(settings))}
    if monitor.spiking(net):
        figures["firing_rates"] = activity.firing_rates(result)
    if "thresholds" in settings:
        num_iterations = max(row["iteration"] for row in rows if row["trial"] == 0)
        trajectories = dict(zip(net.neurons, build.threshold_trajectories(settings, num_iterations), strict=True))
        figures["thresholds"] = curves.threshold_curves(list(trajectories), trajectories, rows)
    if curves.layers_with_tau(rows):
        load_net(net, path / "trial_0" / "last.pt")
        taus = {name: neuron.tau.detach().flatten().cpu().numpy() for name, neuron in net.neurons.items()}
        figures["tau"] = curves.tau_curves(rows)
        figures["tau_distributions"] = activity.tau_distributions(taus, settings["init_tau"], "after training, trial 0")
    load_net(net, path / "trial_0" / "best.pt")
    if example := _example(settings, data, net, encode):
        figures["example"] = example
    for name, figure in figures.items():
        style.name_data(figure, data.name, data.stand_in)
        style.save(figure, path / "figures" / f"{name}.png")


@torch.no_grad()
def _example(settings, data, net, encode):
    """What the net makes of the first test sample; None if it has no membranes."""
    from common.plots import activity

    inputs, label = data.test.batch(torch.tensor([0]))
    sequence = encode(inputs)
    layers = [activity.Layer(name, *(array[:, 0].flatten(1).cpu().numpy() for array in (spikes, membrane)), threshold)
              for name, spikes, membrane, threshold in monitor.traces(net, sequence)]
    if not layers:
        return None
    shown = torch.linspace(0, len(layers) - 1, min(len(layers), monitor.FEW_LAYERS)).round().int()
    predicted = build.prediction(settings)(net(sequence), mask_of(sequence))
    title = f"first test sample: label {label.item()}, predicted {predicted.item()}"
    if isinstance(inputs, torch.Tensor):
        given = {"image": inputs[0].cpu().numpy()}
    else:
        given = {"events": inputs.dense()[:, 0].cpu().numpy()}
    return activity.example([layers[k] for k in shown], title, **given, dt_ms=settings.get("dt_ms"))


def compare(runs):
    """Print the accuracies of `runs` {case: run directory}."""
    results = {case: record.read_result(run) for case, run in runs.items()}
    chosen = {result.get("select_on") for result in results.values()}
    held_out = "test" if "test" in chosen else "val"
    title = "last epoch's" if chosen == {"last"} else f"best on {held_out}"
    print(f"{'case':15}{'test accuracy':>20}{title:>14}{'epochs':>8}{'trials':>8}")
    for case, result in results.items():
        held = [trial["val"] for trial in result["trials"] if trial["val"] is not None]
        best = f"{statistics.mean(held):.2%}" if held else "–"
        print(f"{case:15}{_accuracy(result):>20}{best:>14}{result.get('length', '–'):>8}{result['num_trials']:>8}")


def draw_cases(path, runs):
    """path/figures/cases.png: accuracy and spread of tau of `runs` {case: run directory}, if all have taus."""
    from common.plots import curves, style

    rows = {case: metrics.read(run / "metrics.csv") for case, run in runs.items()}
    results = [record.read_result(run) for run in runs.values()]
    held_out = "test" if any(result.get("select_on") == "test" for result in results) else "val"
    if all(curves.layers_with_tau(found) for found in rows.values()):
        figure, data = curves.compare(rows, held_out), results[0]["data"]
        style.name_data(figure, data["name"], data["stand_in"])
        style.save(figure, path / "figures" / "cases.png")
