"""One trial of a run: a network that is trained from one seed and kept in checkpoints."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

from common import build
from common.errors import UserError
from common.running import checkpoint, translate
from common.running.signals import Interrupted
from common.training import annealing, loop

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
    progress: dict = field(default_factory=loop.new_progress)

    @property
    def number(self):
        return int(self.path.name.removeprefix("trial_"))


def started(settings, data, path, seed, device):
    """The trial as its last checkpoint left it, or untrained if there is none."""
    torch.manual_seed(seed)
    net = build.net(settings, data.in_shape, data.num_classes).to(device)
    steps_per_epoch = -(-len(data.train) // settings.get("batch_size", 1))
    optimizer, lr_schedule = build.optimizer(settings, net.parameters(), steps_per_epoch)
    threshold_schedule = build.threshold_schedule(settings, list(net.neurons.values()))
    trial = Trial(path, seed, net, optimizer, lr_schedule, threshold_schedule)
    path.mkdir(exist_ok=True)
    if (path / "last.pt").exists():
        restore(trial)
    return trial


def rows(path):
    """The metrics of a trial's finished epochs, by its last checkpoint; none if it has none."""
    return checkpoint.load(path / "last.pt")["progress"]["rows"] if (path / "last.pt").exists() else []


def check(settings, data):
    """ValueError if the settings make no trial."""
    try:
        net = build.net(settings, data.in_shape, data.num_classes)
        build.threshold_schedule(settings, list(net.neurons.values()))
        build.optimizer(settings, net.parameters(), steps_per_epoch=1)
        build.loss(settings)
    except KeyError as error:
        raise ValueError(f"these settings need {error}, for which this conf.py has no row") from error


def weights(net):
    """The state_dict; Diverged if a value in it is not finite, which neither the loss nor its gradient need tell."""
    state = net.state_dict()
    for name, value in state.items():
        if not value.isfinite().all():
            raise loop.Diverged(f"{name} is not finite")
    return state


def save(trial):
    """Write all that moves to last.pt; Diverged, with the file as it was, if the network is not finite."""
    checkpoint.save(trial.path / "last.pt", {
        "net": weights(trial.net),
        "optimizer": trial.optimizer.state_dict(),
        "lr_schedule": trial.lr_schedule.state_dict(),
        "generator": torch.get_rng_state(),
        "cuda_generators": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "progress": trial.progress,
    })  # fmt: skip


def restore(trial):
    state = checkpoint.load(trial.path / "last.pt")
    try:
        trial.net.load_state_dict(translate.state(state["net"], trial.net))
    except RuntimeError as error:
        raise UserError(f"{trial.path} holds another net than this code builds; go back to git_commit of its "
                        "config.json") from error
    trial.optimizer.load_state_dict(state["optimizer"])
    trial.lr_schedule.load_state_dict(state["lr_schedule"])
    trial.progress = translate.progress(state["progress"])
    torch.set_rng_state(state["generator"])
    if len(state["cuda_generators"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda_generators"])


def guard(trial, signals):
    """A hook that keeps the epoch's time, saves now and then, and stops the run when a signal has come."""
    started = time.monotonic() - trial.progress["epoch_seconds"]
    saved = time.monotonic()

    def hook():
        nonlocal saved
        now = time.monotonic()
        trial.progress["epoch_seconds"] = now - started
        if signals or now - saved > SAVE_SECONDS:
            save(trial)
            saved = now
        if signals:
            raise Interrupted(signals[0])

    return hook


def step_lr(trial):
    """A hook that keeps the learning rate of the iteration for its epoch's metrics, and moves on to the next."""

    def hook():
        trial.progress["lr"] = trial.lr_schedule.get_last_lr()[0]
        trial.lr_schedule.step()

    return hook


def train_metrics(trial):
    """For a row of metrics: where the trial stands at the end of an epoch, before it is closed."""
    progress = trial.progress
    return {
        "trial": trial.number,
        "epoch": progress["epoch"] + 1,
        "iteration": progress["iteration"],
        "lr": progress["lr"],
        "train_loss": progress["loss_sum"] / progress["num_seen"],
    }


def layer_metrics(net, layers):
    """For a row of metrics: each layer's threshold, mean and spread of its time constants, and its `layers`' Activity.

    The spread is the standard deviation over the layer's neurons, all of them (n); 0 where they share one.
    """
    row = {}
    for name, neuron in net.neurons.items():
        if isinstance(getattr(neuron, "threshold", None), torch.Tensor):
            row[f"threshold_{name}"] = neuron.threshold.mean().item()
        if isinstance(tau := getattr(neuron, "tau", None), torch.Tensor):
            row |= {f"tau_mean_{name}": tau.mean().item(), f"tau_std_{name}": tau.std(correction=0).item()}
        row |= {f"{key}_{name}": value for key, value in layers.get(name, {}).items()}
    return row
