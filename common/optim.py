"""The optimizer and the learning rate's schedule that a config names."""

from torch import optim

ADAPTIVE = {"adam": optim.Adam, "adamax": optim.Adamax}


def build(config, parameters, steps_per_epoch):
    """(optimizer, schedule); the schedule's step() is called once per training iteration."""
    if config["optimizer"] == "sgd":
        optimizer = optim.SGD(parameters, config["lr"], config["momentum"])
    elif config["optimizer"] in ADAPTIVE:
        optimizer = ADAPTIVE[config["optimizer"]](parameters, config["lr"])
    else:
        raise ValueError(f"optimizer must be 'sgd', 'adam' or 'adamax', got {config['optimizer']!r}")
    if config["lr_schedule"] == "cosine":
        return optimizer, optim.lr_scheduler.CosineAnnealingLR(optimizer, config["cosine_iterations"])
    if config["lr_schedule"] == "step":
        interval = config["lr_step_epochs"] * steps_per_epoch
        return optimizer, optim.lr_scheduler.StepLR(optimizer, interval, config["lr_step_factor"])
    if config["lr_schedule"] == "none":
        return optimizer, optim.lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)
    raise ValueError(f"lr_schedule must be 'cosine', 'step' or 'none', got {config['lr_schedule']!r}")
