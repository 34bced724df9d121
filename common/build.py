"""The one reader of settings below the tasks: what a run's settings name, built from parts that take named arguments.

A choice is a line of a registry, where the thing is defined: LOSSES, OPTIMIZERS, LR_SCHEDULES, SCHEDULES of thresholds,
SURROGATES, and NETS here.  The rules of their keys come from these.
"""

import functools
from types import SimpleNamespace

import torch
from torch import nn

from common import nets, surrogate
from common.data.images.affine import Affine
from common.data.images.crop import Crop
from common.neurons import LIF, PLIF, SPSN, LeakyIntegrator, ParaLIF, RecurrentParaLIF, SynapticLIF
from common.settings import rules
from common.training import annealing, losses, optim, penalties


def net(settings, in_shape, num_classes):
    """The untrained network that settings["net"] names."""
    return NETS[settings["net"]](settings, in_shape, num_classes)


def _convnet(settings, in_shape, num_classes):
    options = _given(settings, "channels", "binarize", precision="float32", batch_norm=True)
    return nets.ConvNet(in_shape, num_classes, **options, **_annealed(settings))


def _tha_mlp(settings, in_shape, num_classes):
    sizes = [*in_shape, *settings["hidden_sizes"], num_classes]
    return nets.SpikingMLP(sizes, binarized=settings["binarize"], readout=settings["readout"], **_annealed(settings))


def _mlp(settings, in_shape, num_classes):
    spiking = settings["neuron"] != "non_spiking"
    hidden = [_hidden(settings, size) for size in settings["hidden_sizes"]]
    readout = LeakyIntegrator(**_times(settings)) if spiking else nn.Identity()
    return nets.MLP([*in_shape, *settings["hidden_sizes"], num_classes], hidden, readout, settings["binarize"],
                    start="kaiming" if spiking else "linear")  # fmt: skip


def _plifnet(settings, in_shape, num_classes):
    options = _given(settings, "channels", "num_layers", "hidden_size", "pool", "dropout", "binarize",
                     precision="float32")  # fmt: skip
    return nets.PLIFNet(in_shape, num_classes, lambda shape: _plif(settings, shape), **options)


def _resnet19(settings, in_shape, num_classes):
    options = _given(settings, "threshold", "channels", "stem", "hidden_size", "readout", "binarize",
                     precision="float32")  # fmt: skip
    neuron = _given(settings, "beta", "threshold", "reset", "detach_reset")
    return nets.ResNet19(in_shape, num_classes, lambda: LIF(surrogate=spike_function(settings), **neuron), **options)


NETS = {"convnet": _convnet, "tha_mlp": _tha_mlp, "mlp": _mlp, "plifnet": _plifnet, "resnet19": _resnet19}


def _annealed(settings):
    """What the nets of threshold annealing share."""
    return _given(settings, "beta", "thresholds", "reset", "dropout") | {"surrogate": spike_function(settings)}


def _times(settings):
    """The time constants and the step, in seconds."""
    return {name: settings[f"{name}_ms"] / 1000 for name in ("tau_syn", "tau_mem", "dt")}


def _hidden(settings, size):
    """A hidden layer of `size` of the neurons that settings["neuron"] names."""
    kind, _, spike = settings["neuron"].partition("_")
    if settings["neuron"] == "non_spiking":
        return nn.ReLU()
    if settings["neuron"] == "lif":
        return SynapticLIF(**_times(settings), surrogate=spike_function(settings))
    if kind == "spsn":
        return SPSN(**_times(settings), spike=spike.upper())
    learn = [name for name in ("tau", "threshold") if settings.get(f"learn_{name}")]
    options = {"spike": spike.upper(), "learn": learn, "shape": (size,) if settings.get("per_neuron") else ()}
    if settings.get("recurrent"):
        return RecurrentParaLIF(size, **_times(settings), **options, hidden=settings["recurrent_spike"])
    return ParaLIF(**_times(settings), **options)


def _plif(settings, shape):
    """A layer of PLIF neurons of this shape, with one tau or one for each."""
    learnt = settings.get("learn_surrogate", False)  # of ATan alone
    spike = surrogate.LearntATan(settings["alpha"]) if learnt else spike_function(settings)
    each = {"shape": shape, "tau_std": settings["tau_std"]} if settings["tau"] == "neuron" else {}
    return PLIF(settings["init_tau"], spike, **each, detach_reset=settings["detach_reset"],
                learn=settings["tau"] != "fixed")  # fmt: skip


def spike_function(settings):
    """The surrogate that settings["surrogate"] names; with surrogate_center "zero" centred on a membrane of 0."""
    kind, number = surrogate.SURROGATES[settings["surrogate"]]
    if settings.get("surrogate_center") == "zero":
        return kind(settings[number], -settings["threshold"])
    return kind(settings[number])


def loss(settings):
    """The loss that settings["loss"] names, as loss(output, target, mask=None)."""
    if settings["loss"] == "mse_count_loss" and settings.get("readout") == "membrane":
        raise ValueError("loss=mse_count_loss counts spikes, and readout=membrane gives none; try cross_entropy")
    choice = losses.LOSSES[settings["loss"]]
    return functools.partial(choice.make, **choice.options(settings))


def prediction(settings):
    """What the output says, as predict(output, mask=None) -> classes [B]: of spikes or of what cross entropy sees."""
    if settings["loss"] == "cross_entropy":
        return functools.partial(losses.predict_reduced, reduce=settings["reduce"])
    return losses.predict


def optimizer(settings, parameters, steps_per_epoch):
    """(optimizer, its learning rate's schedule, whose step() is called once per training iteration)."""
    choice = optim.OPTIMIZERS[settings["optimizer"]]
    algorithm = choice.make(parameters, settings["lr"], **choice.options(settings))
    choice = optim.LR_SCHEDULES[settings["lr_schedule"]]
    return algorithm, choice.make(algorithm, steps_per_epoch, **choice.options(settings))


def threshold_schedule(settings, neurons):
    """The schedule that settings["threshold_schedule"] names, if any, for neurons at their initial thresholds."""
    kind = settings.get("threshold_schedule", "none")
    if kind == "none":
        return annealing.Constant()
    return annealing.SCHEDULES[kind](neurons, settings["thresholds_final"], settings["anneal_rates"])


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


def image_augmentation(settings):
    """What changes training images at random, images -> as many others: an Affine, a Crop, or None."""
    if settings.get("augment"):
        return Affine(*(settings[key] for key in ("rotation", "shift", "scale")))
    return Crop(settings["crop"]) if settings.get("crop") else None


def _given(settings, *keys, **defaults):
    return {key: settings[key] for key in keys} | {key: settings.get(key, value) for key, value in defaults.items()}


rules.RULES |= {key: rules.one_of(*registry) for key, registry in {
    "loss": losses.LOSSES, "optimizer": optim.OPTIMIZERS, "lr_schedule": optim.LR_SCHEDULES,
    "threshold_schedule": [*annealing.SCHEDULES, "none"], "surrogate": surrogate.SURROGATES}.items()}  # fmt: skip
