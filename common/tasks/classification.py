"""The task of learning classes: epoch after epoch is trained, and one of them tested, once.

settings["select_on"] says which: the best on "val" or, as in some papers, on "test"; or the "last".  What is called
`val`, in result.json and in the columns val_loss and val_accuracy of metrics.csv, is of the split that is evaluated
after each epoch: with select_on=test the test set.  best.pt holds the epoch that is tested: with select_on=last the
last one.
"""

import math
import statistics

from tqdm import tqdm

from common import build
from common.running import checkpoint, record
from common.running import trial as trials
from common.running.signals import stop_hook
from common.tasks.outcome import compare, conclude, draw, draw_cases, show
from common.training import loop, monitor, penalties
from common.training.loop import Diverged
from common.training.segments import in_segments

__all__ = ["check", "compare", "conclude", "draw", "draw_cases", "fit", "show", "summary", "test"]


def check(settings, data):
    """ValueError if the data cannot be trained on as the settings say."""
    if not len(data.val) and settings["select_on"] == "val":
        raise ValueError("the validation set is empty; raise val_fraction, or say select_on=test or last")


def fit(trial, settings, data, encode, signals):
    """Train to the end, yielding a row of metrics after each epoch, when it is safe on disk.

    signals: list that receives a signal's number; then the trial is saved and Interrupted is raised.
    """
    progress, size, held_out = trial.progress, settings["batch_size"], getattr(data, record.held_out(settings))
    net = in_segments(trial.net, settings.get("checkpoint_steps", 0))
    loss_fn, predict = build.loss(settings), build.prediction(settings)
    extras = {"penalties": build.penalties_of(settings), "clip_grad_norm": settings["clip_grad_norm"]}
    extras["record"] = penalties.recorder(extras["penalties"])
    clamps = build.clamps_of(settings, trial.net)
    print(f"trial {trial.number}: training on {len(data.train)} samples an epoch, a line after each", flush=True)
    while not progress.has_ended(settings["num_epochs"], settings["patience"]):
        batches = loop.batch_order(len(data.train), size, trial.seed, progress.epoch)
        label = f"trial {trial.number} epoch {progress.epoch + 1}/{settings['num_epochs']}"
        guard = trials.guard(trial, signals)
        with _bar(label, len(batches), progress.step) as bar:
            after_step = [*clamps, trials.step_lr(trial), trial.threshold_schedule.step, trials.tell_loss(trial),
                          bar.update, guard]
            loop.train_epoch(net, data.train, encode, loss_fn, trial.optimizer, batches, progress, predict, after_step,
                             **extras)
        _seed(trial.net, 0)
        activity = monitor.Activity(trial.net)
        with _bar(f"{label}, validation", -(-len(held_out) // size)) as bar:
            val = loop.evaluate(net, held_out, encode, loss_fn, predict, size, [bar.update, guard], activity)
        row = _row(trial, val, activity.layers())
        better = progress.end_epoch(row, _score(row, settings), settings.get("ties") == "last")
        if better or settings["select_on"] == "last":
            checkpoint.save(trial.path / "best.pt", {
                "net": trials.weights(trial.net), "epoch": progress.epoch, "val_accuracy": row.get("val_accuracy"),
                "origin": trial.origin})
        trials.save(trial)
        yield row
    if progress.epoch < settings["num_epochs"]:
        print(f"trial {trial.number} ended by patience={settings['patience']}, so many epochs without a better "
              f"{settings.get('score', 'accuracy')}")


def _row(trial, val, layers):
    """The metrics of the epoch that ends.  val: its Evaluation, None without a validation set."""
    progress = trial.progress
    if val and not math.isfinite(val.loss):
        raise Diverged(f"the validation loss is {val.loss}")
    return {
        **trials.train_metrics(trial),
        "train_accuracy": progress.num_correct / progress.num_seen,
        **({"val_loss": val.loss, "val_accuracy": val.accuracy} if val else {}),
        **trials.layer_metrics(trial.net, layers),
        "epoch_seconds": progress.epoch_seconds,
    }


def _score(row, settings):
    """An epoch's score, a tuple of which the highest is best; without a validation set, the last epoch's is."""
    if "val_loss" not in row:
        return (row["epoch"],)
    if settings.get("score") == "loss":
        return (-row["val_loss"],)
    return row["val_accuracy"], *([-row["val_loss"]] if settings.get("ties") == "loss" else [])


def _seed(net, number):
    """Seed what stochastic neurons draw in evaluation: a seed of its own for each layer and `number`."""
    for k, neuron in enumerate(net.neurons.values()):
        if hasattr(neuron, "seed"):
            neuron.seed(1000 * number + k)


def _bar(label, num_batches, done=0):
    return tqdm(total=num_batches, initial=done, desc=label, unit="batch", leave=False, disable=None)


def test(trial, settings, data, encode, signals=()):
    """Read the test set with the weights of the best epoch; the trial's line of result.json.

    Stochastic neurons are tested eval_repeats times, with other random numbers; the mean is reported.
    """
    net, size, repeats = trial.net, settings["batch_size"], settings.get("eval_repeats", 1)
    best = trials.load_net(net, trial.path / "best.pt")
    whole, accuracies = in_segments(net, settings.get("checkpoint_steps", 0)), []
    loss_fn, predict = build.loss(settings), build.prediction(settings)
    activity = monitor.Activity(net, operations=True)
    with _bar(f"trial {trial.number} test", repeats * -(-len(data.test) // size)) as bar:
        hooks = [bar.update, stop_hook(signals)]
        for repeat in range(repeats):
            _seed(net, repeat)
            tested = loop.evaluate(whole, data.test, encode, loss_fn, predict, size, hooks, activity)
            accuracies.append(tested.accuracy)
    layers = activity.layers().items()
    return {
        "seed": trial.seed,
        "best_epoch": best["epoch"],
        "num_epochs": trial.progress.epoch,
        "num_iterations": trial.progress.iteration,
        "val": best["val_accuracy"],
        "test": statistics.mean(accuracies),
        **({"test_repeats_std": statistics.stdev(accuracies)} if len(accuracies) > 1 else {}),
        "firing_rates": {name: layer["firing_rate"] for name, layer in layers},
        **{key: {name: layer[key] for name, layer in layers} for key in ("silent_share", "saturated_share")},
        "synaptic_operations": activity.operations_per_sample(len(data.test) * len(accuracies)),
        "seconds": trial.progress.seconds,
    }


def summary(results, settings):
    """What result.json says over all trials: how epochs were chosen; mean and deviation of test accuracies."""
    return {"select_on": settings["select_on"], **record.mean_std("test", [result["test"] for result in results])}
