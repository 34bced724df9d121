"""The optimizer and the learning rate's schedule that a config names."""

import functools
import math

from torch import optim


def build(config, parameters, steps_per_epoch):
    """(optimizer, schedule); the schedule's step() is called once per training iteration.

    The cosine falls at each iteration if the config has cosine_iterations, at each epoch's end if cosine_epochs.
    """
    decay = {"weight_decay": config.get("weight_decay", 0.0)}
    if config["optimizer"] == "sgd":
        optimizer = optim.SGD(parameters, config["lr"], config["momentum"], **decay, fused=True)
    elif config["optimizer"] in ("adam", "adamax"):
        betas = config.get("betas", [0.9, 0.999])
        if len(betas) != 2:
            raise ValueError(f"betas are two numbers, of the gradient's mean and of its square's, got {betas}")
        kind = optim.Adamax if config["optimizer"] == "adamax" else functools.partial(optim.Adam, fused=True)
        optimizer = kind(parameters, config["lr"], tuple(betas), **decay)
    else:
        raise ValueError(f"optimizer must be 'sgd', 'adam' or 'adamax', got {config['optimizer']!r}")
    lowest = config.get("eta_min", 0.0)
    if config["lr_schedule"] == "cosine" and "cosine_epochs" in config:
        return optimizer, _cosine_over_epochs(optimizer, config["cosine_epochs"], steps_per_epoch, lowest)
    if config["lr_schedule"] == "cosine":
        return optimizer, optim.lr_scheduler.CosineAnnealingLR(optimizer, config["cosine_iterations"], lowest)
    if config["lr_schedule"] == "step":
        interval = config["lr_step_epochs"] * steps_per_epoch
        return optimizer, optim.lr_scheduler.StepLR(optimizer, interval, config["lr_step_factor"])
    if config["lr_schedule"] == "none":
        return optimizer, optim.lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)
    raise ValueError(f"lr_schedule must be 'cosine', 'step' or 'none', got {config['lr_schedule']!r}")


def _cosine_over_epochs(optimizer, num_epochs, steps_per_epoch, lowest):
    """The rate as CosineAnnealingLR(num_epochs, lowest) stepped once an epoch: half a period, then it rises again."""
    kept = lowest / optimizer.defaults["lr"]

    def factor(step):
        return kept + (1 - kept) * (1 + math.cos(math.pi * (step // steps_per_epoch) / num_epochs)) / 2

    return optim.lr_scheduler.LambdaLR(optimizer, factor)
