"""The optimizer and the learning rate's schedule that a config names."""

from torch import optim


def build(config, parameters, steps_per_epoch):
    """(optimizer, schedule); the schedule's step() is called once per training iteration."""
    if config["optimizer"] == "sgd":
        optimizer = optim.SGD(parameters, config["lr"], config["momentum"])
    else:
        optimizer = optim.Adam(parameters, config["lr"])
    if config["lr_schedule"] == "cosine":
        return optimizer, optim.lr_scheduler.CosineAnnealingLR(optimizer, config["cosine_iterations"])
    if config["lr_schedule"] == "step":
        interval = config["lr_step_epochs"] * steps_per_epoch
        return optimizer, optim.lr_scheduler.StepLR(optimizer, interval, config["lr_step_factor"])
    return optimizer, optim.lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)
