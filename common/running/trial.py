"""One trial of a run: a network, trained from one seed and kept in checkpoints."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from common import build
from common.errors import foreign
from common.running import checkpoint, translate
from common.running.origin import origin_of
from common.running.signals import Interrupted
from common.sequence import mask_of
from common.training import annealing, loop
from common.training.segments import in_segments

SAVE_SECONDS = 60  # time between two checkpoints within an epoch


@dataclass
class Trial:
    """A network, what trains it, and how far that has come.

    path: the trial's directory, trial_<number>.  seed: of its weights, its batches and whatever else is random in it.
    origin: what its numbers come from; see origin_of.
    The annealed thresholds are part of the network, whose state_dict resumes them.
    """

    path: Path
    number: int
    seed: int
    origin: dict
    net: torch.nn.Module
    optimizer: torch.optim.Optimizer
    lr_schedule: torch.optim.lr_scheduler.LRScheduler
    threshold_schedule: annealing.ThresholdAnnealing | annealing.Constant
    progress: loop.Progress = field(default_factory=loop.Progress)
    write_loss: Callable = lambda iteration, loss: None  # is told that of each batch


def started(settings, data, path, device):
    """The trial of the directory `path`, trial_<number>, as its last checkpoint left it; untrained without one."""
    origin = origin_of(path, settings, data)
    number, seed = origin["trial"], settings["seed"] + origin["trial"]
    torch.manual_seed(seed)
    net = build.net(settings, data.in_shape, data.num_classes).to(device)
    steps_per_epoch = -(-len(data.train) // settings.get("batch_size", 1))
    optimizer, lr_schedule = build.optimizer(settings, net.parameters(), steps_per_epoch)
    threshold_schedule = build.threshold_schedule(settings, list(net.neurons.values()))
    trial = Trial(path, number, seed, origin, net, optimizer, lr_schedule, threshold_schedule)
    path.mkdir(exist_ok=True)
    if (path / "last.pt").exists():
        restore(trial)
    return trial


def check(settings, data, encode, device):
    """ValueError if no trial can be built from the settings, or the net cannot be trained on an epoch's last batch."""
    try:
        with foreign("these settings make no net", RuntimeError):
            net = build.net(settings, data.in_shape, data.num_classes).to(device)
            build.threshold_schedule(settings, list(net.neurons.values()))
            build.optimizer(settings, net.parameters(), steps_per_epoch=1)
            loss_fn, size = build.loss(settings), settings.get("batch_size", 1)
            net = in_segments(net.train(), settings.get("checkpoint_steps", 0))
    except KeyError as error:
        raise ValueError(f"these settings need {error}, which conf.py does not set for this net") from error
    inputs, target = data.train.batch(torch.arange(len(data.train) % size or min(size, len(data.train))))
    sequence = encode(inputs)
    what = f"the net cannot be trained on an epoch's last batch, {len(target)} of {len(data.train)} samples"
    with torch.no_grad(), foreign(what, ValueError, RuntimeError, IndexError):
        loss_fn(net(sequence), target, mask_of(sequence))


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
    with foreign(f"{path} holds another net than this code builds; go back to git_commit of its run's config.json"):
        net.load_state_dict(translate.state(saved["net"], net))
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
        "origin": trial.origin,
    })


def restore(trial):
    """Set the trial, and the generators of random numbers, to where its last.pt was saved."""
    saved = load_net(trial.net, trial.path / "last.pt")
    with foreign(f"{trial.path / 'last.pt'} holds another training than this code's"):
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
    """For a row of metrics: where the trial stands at the end of an epoch, before it is closed.

    Diverged if a weight is not finite by then.
    """
    progress, _ = trial.progress, weights(trial.net)
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
