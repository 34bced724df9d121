"""One trial of a run: a network trained from one seed, kept in checkpoints, and tested once."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tqdm import tqdm

from common import annealing, checkpoint, losses, monitor, optim, training
from common.config import UserError
from common.training import Diverged, Interrupted

SAVE_SECONDS = 60  # between two checkpoints within an epoch


@dataclass
class Trial:
    """What a seed trains. The thresholds are in the network, so that its state resumes them."""

    path: Path
    seed: int
    net: torch.nn.Module
    optimizer: torch.optim.Optimizer
    lr_schedule: torch.optim.lr_scheduler.LRScheduler
    threshold_schedule: annealing.ThresholdAnnealing | annealing.Constant
    progress: dict = field(default_factory=training.new_progress)


def build(settings, data, build_net, path, seed, device):
    """The trial as its last checkpoint left it, or untrained if there is none."""
    torch.manual_seed(seed)
    net = build_net(settings, data).to(device)
    steps_per_epoch = -(-len(data.train) // settings["batch_size"])
    optimizer, lr_schedule = optim.build(settings, net.parameters(), steps_per_epoch)
    threshold_schedule = annealing.build(settings, list(net.neurons.values()))
    trial = Trial(path, seed, net, optimizer, lr_schedule, threshold_schedule)
    path.mkdir(exist_ok=True)
    if (path / "last.pt").exists():
        restore(trial)
    return trial


def check(settings, data, build_net):
    """ValueError if the settings make no trial."""
    try:
        net = build_net(settings, data)
        annealing.build(settings, list(net.neurons.values()))
        optim.build(settings, net.parameters(), steps_per_epoch=1)
        losses.build(settings)
    except KeyError as error:
        raise ValueError(f"the settings lack {error}") from error


def save(trial):
    """Write all that moves to last.pt."""
    checkpoint.save(trial.path / "last.pt", {
        "net": trial.net.state_dict(),
        "optimizer": trial.optimizer.state_dict(),
        "lr_schedule": trial.lr_schedule.state_dict(),
        "generator": torch.get_rng_state(),
        "cuda_generators": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "progress": trial.progress,
    })  # fmt: skip


def restore(trial):
    state = checkpoint.load(trial.path / "last.pt")
    try:
        trial.net.load_state_dict(state["net"])
    except RuntimeError as error:
        raise UserError(f"{trial.path} holds another net than this code builds; go back to git_commit of its "
                        "config.json") from error
    trial.optimizer.load_state_dict(state["optimizer"])
    trial.lr_schedule.load_state_dict(state["lr_schedule"])
    trial.progress = state["progress"]
    torch.set_rng_state(state["generator"])
    if len(state["cuda_generators"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda_generators"])


def fit(trial, settings, data, encode, signals):
    """Train to the end, yielding a row of metrics after each epoch, when it is safe on disk.

    signals: list that receives a signal's number; then the trial is saved and Interrupted is raised.
    """
    progress, size = trial.progress, settings["batch_size"]
    held_out = data.test if settings["select_on"] == "test" else data.val
    judges = losses.build(settings), losses.predict
    while not training.has_ended(progress, settings["num_epochs"], settings["patience"]):
        batches = training.batch_order(len(data.train), size, trial.seed, progress["epoch"])
        with _bar(trial, settings, len(batches) - (-len(held_out) // size)) as bar:
            guard = _guard(trial, signals)
            after_step = [trial.lr_schedule.step, trial.threshold_schedule.step, bar.update, guard]
            training.train_epoch(
                trial.net, data.train, encode, judges[0], trial.optimizer, batches, progress, judges[1], after_step)
            with monitor.Activity(trial.net.neurons) as activity:
                val = training.evaluate(trial.net, held_out, encode, *judges, size, [bar.update, guard])
        row = _row(trial, val, activity.layers())
        if training.end_epoch(progress, row):
            best = {"net": trial.net.state_dict(), "epoch": progress["epoch"], "val_accuracy": row["val_accuracy"]}
            checkpoint.save(trial.path / "best.pt", best)
        save(trial)
        yield row


def _bar(trial, settings, num_batches):
    progress = trial.progress
    label = f"{trial.path.name} epoch {progress['epoch'] + 1}/{settings['num_epochs']}"
    return tqdm(total=num_batches, initial=progress["step"], desc=label, unit="batch", leave=False, disable=None)


def _guard(trial, signals):
    """A hook that keeps the epoch's time, saves now and then, and stops the run when a signal has come."""
    started = time.monotonic() - trial.progress["epoch_seconds"]
    saved = time.monotonic()

    def guard():
        nonlocal saved
        now = time.monotonic()
        trial.progress["epoch_seconds"] = now - started
        if signals or now - saved > SAVE_SECONDS:
            save(trial)
            saved = now
        if signals:
            raise Interrupted(signals[0])

    return guard


def _row(trial, val, layers):
    """The metrics of the epoch that ends."""
    progress, (val_loss, val_accuracy) = trial.progress, val
    if val_loss != val_loss:
        raise Diverged(f"the validation loss is {val_loss} in epoch {progress['epoch'] + 1}")
    row = {
        "trial": int(trial.path.name.removeprefix("trial_")),
        "epoch": progress["epoch"] + 1,
        "iteration": progress["iteration"],
        "lr": trial.lr_schedule.get_last_lr()[0],
        "train_loss": progress["loss_sum"] / progress["num_seen"],
        "train_accuracy": progress["num_correct"] / progress["num_seen"],
        "val_loss": val_loss,
        "val_accuracy": val_accuracy,
    }
    for name, neuron in trial.net.neurons.items():
        row[f"threshold_{name}"] = neuron.threshold.item()
        row |= {f"{key}_{name}": value for key, value in layers[name].items()}
    return row | {"epoch_seconds": progress["epoch_seconds"]}


def test(trial, settings, data, encode, signals=()):
    """Read the test set, once, at the best epoch's weights; the trial's line of result.json."""
    best = checkpoint.load(trial.path / "best.pt")
    trial.net.load_state_dict(best["net"])

    def stop():
        if signals:
            raise Interrupted(signals[0])

    with monitor.Activity(trial.net.neurons) as activity, monitor.Operations(trial.net.synapses) as operations:
        judges = losses.build(settings), losses.predict
        _, accuracy = training.evaluate(trial.net, data.test, encode, *judges, settings["batch_size"], [stop])
    layers = activity.layers()
    return {
        "seed": trial.seed,
        "best_epoch": best["epoch"],
        "num_epochs": trial.progress["epoch"],
        "val": best["val_accuracy"],
        "test": accuracy,
        "firing_rates": {name: layer["firing_rate"] for name, layer in layers.items()},
        "silent_share": {name: layer["silent_share"] for name, layer in layers.items()},
        "saturated_share": {name: layer["saturated_share"] for name, layer in layers.items()},
        "synaptic_operations": operations.per_sample(),
        "seconds": trial.progress["seconds"],
    }
