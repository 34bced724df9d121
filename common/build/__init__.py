"""Builds every part that the settings name: net, loss, optimizer, schedules, penalties, augmentation of images.

The parts themselves take named arguments and read no settings.  REGISTRIES has, for each key that chooses a part, its
answers.  An answer is a line of a registry, with its options beside it: LOSSES, OPTIMIZERS, LR_SCHEDULES, SCHEDULES of
thresholds and SURROGATES where these are defined, NETS and NEURONS in this package.  Rules, help and errors come from
them.
"""

import functools
from types import SimpleNamespace

import torch

from common.build.nets import NETS, net
from common.build.neurons import NEURONS, spike_function
from common.choices import AT_LEAST_ZERO, SWITCH, Choice, Option
from common.data.images.augmentation import Affine, Crop
from common.surrogate import SURROGATES
from common.training import annealing, losses, optim, penalties

__all__ = ["net", "spike_function"]


def loss(settings):
    """The loss that settings["loss"] names, as loss(output, target, mask=None)."""
    if settings["loss"] == "mse_count_loss" and settings.get("readout") == "membrane":
        raise ValueError("loss=mse_count_loss counts spikes, and readout=membrane gives none; try cross_entropy")
    choice = losses.LOSSES[settings["loss"]]
    return functools.partial(choice.make, **choice.arguments(settings))


def prediction(settings):
    """How the output tells the class, as predict(output, mask=None) -> classes [B].

    By what it is reduced to over time, if the loss has an option `reduce`; else by its sum.
    """
    if "reduce" in losses.LOSSES[settings["loss"]].options:
        return functools.partial(losses.predict_reduced, reduce=settings["reduce"])
    return losses.predict


def optimizer(settings, parameters, steps_per_epoch):
    """(optimizer, its learning rate's schedule, whose step() is called once per training iteration)."""
    choice = optim.OPTIMIZERS[settings["optimizer"]]
    algorithm = choice.make(parameters, settings["lr"], **choice.arguments(settings))
    choice = optim.LR_SCHEDULES[settings["lr_schedule"]]
    return algorithm, choice.make(algorithm, steps_per_epoch, **choice.arguments(settings))


def threshold_schedule(settings, neurons):
    """The schedule that settings["threshold_schedule"] names, if any, for neurons at their initial thresholds."""
    choice = annealing.SCHEDULES[settings.get("threshold_schedule", "none")]
    return choice.make(neurons, **choice.arguments(settings))


def threshold_trajectories(settings, num_iterations):
    """Of each layer, its threshold at the start and after each iteration of the schedule."""
    neurons = [SimpleNamespace(threshold=torch.tensor(threshold)) for threshold in settings["thresholds"]]
    schedule, trajectory = threshold_schedule(settings, neurons), [settings["thresholds"]]
    for _ in range(num_iterations):
        schedule.step()
        trajectory.append([neuron.threshold.item() for neuron in neurons])
    return list(zip(*trajectory, strict=True))


def penalties_of(settings):
    """The penalties that are asked for; a key that is absent or 0 asks for none."""
    found = [penalties.RateLimit(settings["rate_limit"])] if settings.get("rate_limit") else []
    if settings.get("tau_penalty"):
        found.append(penalties.TauVariance(settings["tau_penalty"], settings["tau_penalty_on"]))
    return found


def clamps_of(settings, net):
    """What to call after each step, to keep the weights within [-1, 1], if that is asked for."""
    return [penalties.weight_clamps(net)] if settings["clamp_weights"] else []


def image_augmentation(settings):
    """What changes training images at random, images -> as many others: an Affine, a Crop, or None."""
    if settings.get("augment"):
        return Affine(*(settings[key] for key in ("rotation", "shift", "scale")))
    return Crop(settings["crop"]) if settings.get("crop") else None


ALWAYS = Choice(  # options that every training has
    None,
    clip_grad_norm=Option(0.0, AT_LEAST_ZERO, "largest norm of all gradients together; 0: no limit"),
    clamp_weights=Option(False, SWITCH, "clamp weights into [-1, 1] after each step"))
REGISTRIES = {
    "net": NETS, "neuron": NEURONS, "surrogate": SURROGATES, "threshold_schedule": annealing.SCHEDULES,
    "loss": losses.LOSSES, "optimizer": optim.OPTIMIZERS, "lr_schedule": optim.LR_SCHEDULES,
}
