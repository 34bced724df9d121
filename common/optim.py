"""The optimizer and the learning rate's schedule that a config names."""

import math

from torch import optim


def build(config, parameters, steps_per_epoch):
    """(optimizer, schedule); the schedule's step() is called once per training iteration.

    The cosine falls at each iteration if the config has cosine_iterations, at each epoch's end if cosine_epochs.
    """
    if config["optimizer"] == "sgd":
        optimizer = optim.SGD(parameters, config["lr"], config["momentum"], fused=True)
    elif config["optimizer"] == "adam":
        optimizer = optim.Adam(parameters, config["lr"], fused=True)
    elif config["optimizer"] == "adamax":
        optimizer = optim.Adamax(parameters, config["lr"])
    else:
        raise ValueError(f"optimizer must be 'sgd', 'adam' or 'adamax', got {config['optimizer']!r}")
    if config["lr_schedule"] == "cosine" and "cosine_epochs" in config:
        return optimizer, _cosine_over_epochs(optimizer, config["cosine_epochs"], steps_per_epoch)
    if config["lr_schedule"] == "cosine":
        return optimizer, optim.lr_scheduler.CosineAnnealingLR(optimizer, config["cosine_iterations"])
    if config["lr_schedule"] == "step":
        interval = config["lr_step_epochs"] * steps_per_epoch
        return optimizer, optim.lr_scheduler.StepLR(optimizer, interval, config["lr_step_factor"])
    if config["lr_schedule"] == "none":
        return optimizer, optim.lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)
    raise ValueError(f"lr_schedule must be 'cosine', 'step' or 'none', got {config['lr_schedule']!r}")


def _cosine_over_epochs(optimizer, num_epochs, steps_per_epoch):
    """The rate as CosineAnnealingLR(T_max=num_epochs) stepped once an epoch: half a period, then it rises again."""
    return optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: (1 + math.cos(math.pi * (step // steps_per_epoch) / num_epochs)) / 2)
