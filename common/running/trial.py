"""One trial of a run: a network, trained from one seed and kept in checkpoints."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from common import build
from common.errors import UserError
from common.running import checkpoint, translate
from common.running.signals import Interrupted
from common.training import annealing, loop

SAVE_SECONDS = 60  # time between two checkpoints within an epoch


@dataclass
class Trial:
    """A network, what trains it, and how far that has come.

    path: the trial's directory, trial_<number>.  seed: of its weights, its batches and whatever else is random in it.
    The annealed thresholds are part of the network, whose state_dict resumes them.
    """

    path: Path
    number: int
    seed: int
    net: torch.nn.Module
    optimizer: torch.optim.Optimizer
    lr_schedule: torch.optim.lr_scheduler.LRScheduler
    threshold_schedule: annealing.ThresholdAnnealing | annealing.Constant
    progress: loop.Progress = field(default_factory=loop.Progress)
    write_loss: Callable = lambda iteration, loss: None  # is told that of each batch


def started(settings, data, path, device):
    """The trial of the directory `path`, trial_<number>, as its last checkpoint left it; untrained without one."""
    number = int(path.name.removeprefix("trial_"))
    seed = settings["seed"] + number
    torch.manual_seed(seed)
    net = build.net(settings, data.in_shape, data.num_classes).to(device)
    steps_per_epoch = -(-len(data.train) // settings.get("batch_size", 1))
    optimizer, lr_schedule = build.optimizer(settings, net.parameters(), steps_per_epoch)
    threshold_schedule = build.threshold_schedule(settings, list(net.neurons.values()))
    trial = Trial(path, number, seed, net, optimizer, lr_schedule, threshold_schedule)
    path.mkdir(exist_ok=True)
    if (path / "last.pt").exists():
        restore(trial)
    return trial


def rows(path):
    """The metrics of the epochs that a trial's last checkpoint has completed; [] without a checkpoint.

    UserError if that, or the one of its best epoch, is damaged: training would need both.
    """
    if (path / "best.pt").exists():
        checkpoint.content_of(path / "best.pt")
    return checkpoint.load(path / "last.pt")["progress"]["rows"] if (path / "last.pt").exists() else []


def check(settings, data):
    """ValueError if no trial can be built from the settings."""
    try:
        net = build.net(settings, data.in_shape, data.num_classes)
        build.threshold_schedule(settings, list(net.neurons.values()))
        build.optimizer(settings, net.parameters(), steps_per_epoch=1)
        build.loss(settings)
    except KeyError as error:
        raise ValueError(f"these settings need {error}, which conf.py does not set for this net") from error
    except RuntimeError as error:
        if "allocate" in str(error):  # too little memory, which the command line tells
            raise
        raise ValueError(f"these settings make no net: {str(error).splitlines()[0]}") from error


def weights(net):
    """The state_dict; Diverged if a value in it is not finite, which loss and gradient may not show."""
    state = net.state_dict()
    for name, value in state.items():
        if not value.isfinite().all():
            raise loop.Diverged(f"{name} is not finite")
    return state


def load_net(net, path):
    """Load the weights of a checkpoint into `net`, and return the whole checkpoint; UserError if they do not fit."""
    saved = checkpoint.load(path)
    try:
        net.load_state_dict(translate.state(saved["net"], net))
    except RuntimeError as error:
        raise UserError(f"{path} holds another net than this code builds; go back to git_commit of its run's "
                        "config.json") from error
    return saved


def save(trial):
    """Write last.pt, from which the trial can go on; Diverged, with the old file kept, if a weight is not finite."""
    checkpoint.save(trial.path / "last.pt", {
        "net": weights(trial.net),
        "optimizer": trial.optimizer.state_dict(),
        "lr_schedule": trial.lr_schedule.state_dict(),
        "generator": torch.get_rng_state(),
        "cuda_generators": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "progress": vars(trial.progress),
    })


def restore(trial):
    """Set the trial, and the generators of random numbers, to where its last.pt was saved."""
    saved = load_net(trial.net, trial.path / "last.pt")
    trial.optimizer.load_state_dict(saved["optimizer"])
    trial.lr_schedule.load_state_dict(saved["lr_schedule"])
    trial.progress = loop.Progress(**translate.progress(saved["progress"]))
    torch.set_rng_state(saved["generator"])
    if len(saved["cuda_generators"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(saved["cuda_generators"])


def guard(trial, signals):
    """A hook that keeps the epoch's time, saves now and then, and saves and stops once `signals` has one."""
    started = time.monotonic() - trial.progress.epoch_seconds
    saved = time.monotonic()

    def hook():
        nonlocal saved
        now = time.monotonic()
        trial.progress.epoch_seconds = now - started
        if signals or now - saved > SAVE_SECONDS:
            save(trial)
            saved = now
        if signals:
            raise Interrupted(signals[0])

    return hook


def tell_loss(trial):
    """A hook that tells trial.write_loss the loss of each batch of the epoch under way."""
    progress, seen, loss_sum = trial.progress, trial.progress.num_seen, trial.progress.loss_sum

    def hook():
        nonlocal seen, loss_sum
        trial.write_loss(progress.iteration, (progress.loss_sum - loss_sum) / (progress.num_seen - seen))
        seen, loss_sum = progress.num_seen, progress.loss_sum

    return hook


def step_lr(trial):
    """A hook that notes the learning rate of this iteration, for its epoch's metrics, and sets that of the next."""

    def hook():
        trial.progress.lr = trial.lr_schedule.get_last_lr()[0]
        trial.lr_schedule.step()

    return hook


def train_metrics(trial):
    """For a row of metrics: where the trial stands at the end of an epoch, before it is closed."""
    progress = trial.progress
    return {
        "trial": trial.number,
        "epoch": progress.epoch + 1,
        "iteration": progress.iteration,
        "lr": progress.lr,
        "train_loss": progress.loss_sum / progress.num_seen,
    }


def layer_metrics(net, layers):
    """For a row of metrics: each layer's mean threshold, mean and deviation (n) of tau, in steps, and its own metrics.

    layers: {layer: {metric: value}}, as monitor.Activity gives them; a layer may be missing.
    """
    row = {}
    for name, neuron in net.neurons.items():
        if isinstance(getattr(neuron, "threshold", None), torch.Tensor):
            row[f"threshold_{name}"] = neuron.threshold.mean().item()
        if isinstance(tau := getattr(neuron, "tau", None), torch.Tensor):
            row |= {f"tau_mean_{name}": tau.mean().item(), f"tau_std_{name}": tau.std(correction=0).item()}
        row |= {f"{key}_{name}": value for key, value in layers.get(name, {}).items()}
    return row
