"""Optimizers, and schedules of the learning rate whose step() is called after every training iteration."""

import functools
import math

from torch import optim

from common.settings.rules import Choice


def adam(kind, parameters, lr, weight_decay=0.0, betas=(0.9, 0.999)):
    """Adam or its relative `kind`.  betas: decays of the gradient's running mean and of its square's, in [0, 1).

    ValueError for another number of betas.
    """
    if len(betas) != 2:
        raise ValueError(f"betas are two numbers, of the gradient's mean and of its square's, got {betas}")
    return kind(parameters, lr, tuple(betas), weight_decay=weight_decay)


def constant(optimizer, steps_per_epoch):
    """The rate stays."""
    return optim.lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)


def cosine(optimizer, steps_per_epoch, cosine_iterations=None, cosine_epochs=None, eta_min=0.0):
    """The rate falls as half a cosine to eta_min, then rises again.

    It moves at every iteration and is lowest after cosine_iterations, or moves at the end of each epoch and is lowest
    after cosine_epochs.  ValueError for neither.
    """
    if cosine_epochs is cosine_iterations is None:
        raise ValueError("lr_schedule=cosine needs a row with cosine_iterations or cosine_epochs in conf.py")
    if cosine_epochs is None:
        return optim.lr_scheduler.CosineAnnealingLR(optimizer, cosine_iterations, eta_min)
    lowest = eta_min / optimizer.defaults["lr"]

    def factor(step):
        return lowest + (1 - lowest) * (1 + math.cos(math.pi * (step // steps_per_epoch) / cosine_epochs)) / 2

    return optim.lr_scheduler.LambdaLR(optimizer, factor)


def step(optimizer, steps_per_epoch, lr_step_epochs, lr_step_factor):
    """The rate is multiplied by lr_step_factor every lr_step_epochs epochs."""
    return optim.lr_scheduler.StepLR(optimizer, lr_step_epochs * steps_per_epoch, lr_step_factor)


OPTIMIZERS = {  # each made from the parameters and the learning rate
    "adam": Choice(functools.partial(adam, functools.partial(optim.Adam, fused=True)), takes=("weight_decay", "betas")),
    "adamax": Choice(functools.partial(adam, optim.Adamax), takes=("weight_decay", "betas")),
    "sgd": Choice(functools.partial(optim.SGD, fused=True), needs=("momentum",), takes=("weight_decay",)),
}
LR_SCHEDULES = {  # each made from the optimizer and the number of steps per epoch
    "cosine": Choice(cosine, takes=("cosine_iterations", "cosine_epochs", "eta_min")),
    "step": Choice(step, needs=("lr_step_epochs", "lr_step_factor")),
    "none": Choice(constant),
}
