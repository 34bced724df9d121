"""The task of learning classes: an epoch after the other, the best of them on the validation split tested once."""

import math
import statistics

import torch
from tqdm import tqdm

from common import annealing, checkpoint, losses, monitor, penalties, record, training
from common import trial as trials
from common.segments import in_segments
from common.training import Diverged


def check(settings, data):
    """ValueError if the data cannot be trained on as the settings say."""
    if not len(data.val) and settings["select_on"] == "val":
        raise ValueError("the validation set is empty; raise val_fraction, or say select_on=test")


def fit(trial, settings, data, encode, signals):
    """Train to the end, yielding a row of metrics after each epoch, when it is safe on disk.

    signals: list that receives a signal's number; then the trial is saved and Interrupted is raised.
    """
    progress, size = trial.progress, settings["batch_size"]
    net = in_segments(trial.net, settings.get("checkpoint_steps", 0))
    held_out = data.test if settings["select_on"] == "test" else data.val
    judges = losses.build(settings), losses.build_predict(settings)
    extras = {"penalties": penalties.build(settings, trial.net),
              "clip_grad_norm": settings.get("clip_grad_norm", math.inf)}  # fmt: skip
    clamps = [penalties.weight_clamps(trial.net)] if settings.get("clamp_weights") else []
    while not training.has_ended(progress, settings["num_epochs"], settings["patience"]):
        batches = training.batch_order(len(data.train), size, trial.seed, progress["epoch"])
        with _bar(trial, settings, len(batches) - (-len(held_out) // size)) as bar:
            guard = trials.guard(trial, signals)
            after_step = [*clamps, trials.step_lr(trial), trial.threshold_schedule.step, bar.update, guard]
            training.train_epoch(net, data.train, encode, judges[0], trial.optimizer, batches, progress,
                                 judges[1], after_step, **extras)
            _seed(trial.net, 0)
            with monitor.Activity(monitor.spiking(trial.net), trial.net) as activity:
                val = training.evaluate(net, held_out, encode, *judges, size, [bar.update, guard])
        row = _row(trial, val, activity.layers())
        if training.end_epoch(progress, row, _score(row, settings)):
            best = {"net": trial.net.state_dict(), "epoch": progress["epoch"], "val_accuracy": row["val_accuracy"]}
            checkpoint.save(trial.path / "best.pt", best)
        trials.save(trial)
        yield row
    if progress["epoch"] < settings["num_epochs"]:
        print(f"trial {trial.number} ended after {settings['patience']} epochs without a better "
              f"{settings.get('score', 'accuracy')} (patience)")


def _score(row, settings):
    """What the best epoch has most of."""
    return -row["val_loss"] if settings.get("score") == "loss" else row["val_accuracy"]


def _seed(net, number):
    """Set the generators of stochastic neurons in evaluation, a number of its own for each layer."""
    for k, neuron in enumerate(net.neurons.values()):
        if hasattr(neuron, "seed"):
            neuron.seed(1000 * number + k)


def _bar(trial, settings, num_batches):
    progress = trial.progress
    label = f"{trial.path.name} epoch {progress['epoch'] + 1}/{settings['num_epochs']}"
    return tqdm(total=num_batches, initial=progress["step"], desc=label, unit="batch", leave=False, disable=None)


def _row(trial, val, layers):
    """The metrics of the epoch that ends."""
    progress, (val_loss, val_accuracy) = trial.progress, val
    if not math.isfinite(val_loss):
        raise Diverged(f"the validation loss is {val_loss} in epoch {progress['epoch'] + 1}")
    return {
        **trials.train_metrics(trial),
        "train_accuracy": progress["num_correct"] / progress["num_seen"],
        "val_loss": val_loss,
        "val_accuracy": val_accuracy,
        **trials.layer_metrics(trial.net, layers),
        "epoch_seconds": progress["epoch_seconds"],
    }


def show(row, settings, net):
    """Print an epoch's line."""
    rates = {name: row[key] for name in net.neurons if (key := f"firing_rate_{name}") in row}
    shown = "  ".join(f"{name} {rate:.3f}" for name, rate in rates.items())
    if len(rates) > monitor.FEW_LAYERS:
        shown = f"{min(rates.values()):.3f} to {max(rates.values()):.3f}"
    print(f"trial {row['trial']}  epoch {row['epoch']}/{settings['num_epochs']}  "
          f"train loss {row['train_loss']:.4f} accuracy {row['train_accuracy']:.2%}  "
          f"{settings['select_on']} loss {row['val_loss']:.4f} accuracy {row['val_accuracy']:.2%}  " +
          f"firing rates {shown}  " * bool(rates) + f"{row['epoch_seconds']:.1f} s", flush=True)  # fmt: skip


def test(trial, settings, data, encode, signals=()):
    """Read the test set at the best epoch's weights; the trial's line of result.json.

    Once; a net of stochastic neurons eval_repeats times, with other random numbers, of which the mean is reported.
    """
    best = checkpoint.load(trial.path / "best.pt")
    trial.net.load_state_dict(best["net"])
    net, stop = trial.net, training.stop_hook(signals)
    judges = losses.build(settings), losses.build_predict(settings)
    run, accuracies = in_segments(net, settings.get("checkpoint_steps", 0)), []
    activity = monitor.Activity(monitor.spiking(net), net)
    operations = monitor.Operations(monitor.synapses(net), net, activity.counter)
    with activity, operations:
        for repeat in range(settings.get("eval_repeats", 1)):
            _seed(net, repeat)
            _, accuracy = training.evaluate(run, data.test, encode, *judges, settings["batch_size"], [stop])
            accuracies.append(accuracy)
    layers = activity.layers().items()
    return {
        "seed": trial.seed,
        "best_epoch": best["epoch"],
        "num_epochs": trial.progress["epoch"],
        "num_iterations": trial.progress["iteration"],
        "val": best["val_accuracy"],
        "test": statistics.mean(accuracies),
        **({"test_repeats_std": statistics.stdev(accuracies)} if len(accuracies) > 1 else {}),
        "firing_rates": {name: layer["firing_rate"] for name, layer in layers},
        **{share: {name: layer[share] for name, layer in layers} for share in ("silent_share", "saturated_share")},
        "synaptic_operations": operations.per_sample(len(data.test) * len(accuracies)),
        "seconds": trial.progress["seconds"],
    }


def summary(results, settings):
    """What result.json says over all trials: accuracies as fractions, their mean and standard deviation (n - 1)."""
    return {"select_on": settings["select_on"], **record.mean_std("test", [result["test"] for result in results])}


def conclude(result):
    """The result: a line for each layer, and at last the accuracy."""
    spread = f" ± {result['test_std']:.2%}" if result["num_trials"] > 1 else ""
    marks = ", a stand-in" * result["data"]["stand_in"] + ", best on test" * (result["select_on"] == "test")
    epochs = ", ".join(str(trial["best_epoch"]) for trial in result["trials"])
    return "\n".join([*_layer_lines(result["trials"]),
        f"test accuracy {result['test_mean']:.2%}{spread} over {result['num_trials']} trial(s) (best epoch {epochs}) "
        f"on {result['data']['name']}{marks}"])  # fmt: skip


def _layer_lines(trials):
    """Of each layer, over the test set and the trials: spikes per neuron and step, shares of neurons."""
    if trials[0]["firing_rates"]:
        yield f"{'layer':20}{'firing rate':>12}{'silent':>9}{'always on':>11}"
    for name in trials[0]["firing_rates"]:
        rate, silent, saturated = (statistics.mean(trial[key][name] for trial in trials)
                                   for key in ("firing_rates", "silent_share", "saturated_share"))  # fmt: skip
        yield f"{name:20}{rate:>12.4f}{silent:>9.1%}{saturated:>11.1%}"


def draw(path, settings, data, net, encode, result):
    """figures/*.png: learning curves, thresholds, time constants, firing rates, and an example of trial 0 at its best.

    Of a deep net the example shows six layers at most.  Time constants over neurons are those with which trial 0 ended.
    """
    from common import plots, plots_tau  # only here, and in compare: matplotlib is slow to import

    rows = plots.read_metrics(path / "metrics.csv")
    figures = {"learning_curves": plots.learning_curves(rows, settings["select_on"])}
    if monitor.spiking(net):
        figures["firing_rates"] = plots.firing_rates(result)
    if "thresholds" in settings:
        num_iterations = max(row["iteration"] for row in rows if row["trial"] == 0)
        trajectories = dict(zip(net.neurons, annealing.replay(settings, num_iterations), strict=True))
        figures["thresholds"] = plots.threshold_curves(list(trajectories), trajectories, rows)
    if plots_tau.layers_of(rows):
        net.load_state_dict(checkpoint.load(path / "trial_0" / "last.pt")["net"])
        taus = {name: neuron.tau.detach().flatten().cpu().numpy() for name, neuron in net.neurons.items()}
        figures |= plots_tau.figures(rows, taus, settings["init_tau"], settings["select_on"])
    net.load_state_dict(checkpoint.load(path / "trial_0" / "best.pt")["net"])
    inputs, label = data.test.batch(torch.tensor([0]))
    traces = [(name, spikes[:, 0].flatten(1).cpu().numpy(), membrane[:, 0].flatten(1).cpu().numpy(), threshold)
              for name, spikes, membrane, threshold in monitor.traces(net, encode(inputs))]  # fmt: skip
    if traces:
        shown = torch.linspace(0, len(traces) - 1, min(len(traces), monitor.FEW_LAYERS)).round().int()
        image = inputs[0].cpu().numpy() if isinstance(inputs, torch.Tensor) else None
        figures["example"] = plots.example([traces[k] for k in shown], label.item(), image)
    for name, figure in figures.items():
        plots.save(figure, path / "figures" / f"{name}.png")


def compare(path, runs):
    """Print the accuracies of `runs` {case: run directory}, and draw accuracy and spread of tau in path/figures."""
    from common import plots, plots_tau

    results = {case: record.read_result(run) for case, run in runs.items()}
    held_out = "test" if "test" in {result.get("select_on") for result in results.values()} else "val"
    print(f"{'case':15}{'test accuracy':>20}{'best on ' + held_out:>14}{'epochs':>8}{'trials':>8}")
    for case, result in results.items():
        best = statistics.mean(trial["val"] for trial in result["trials"])
        test = f"{result['test_mean']:.2%}" + (f" ± {result['test_std']:.2%}" if result["num_trials"] > 1 else "")
        print(f"{case:15}{test:>20}{best:>14.2%}{result.get('length', '–'):>8}{result['num_trials']:>8}")
    rows = {case: plots.read_metrics(run / "metrics.csv") for case, run in runs.items()}
    if all(plots_tau.layers_of(found) for found in rows.values()):
        plots.save(plots_tau.compare(rows, held_out), path / "figures" / "cases.png")
