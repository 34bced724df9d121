"""Optimizers, and schedules of the learning rate whose step() is called after every training iteration."""

import functools
import math

from torch import optim

from common.choices import AT_LEAST_ONE, AT_LEAST_ZERO, BELOW_ONE, NOT_NEGATIVE, POSITIVE, Choice, Option


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


def cosine(optimizer, steps_per_epoch, cosine_iterations=0, cosine_epochs=0, eta_min=0.0):
    """The rate falls as half a cosine to eta_min, then rises again.

    It moves at every iteration and is lowest after cosine_iterations, or moves at the end of each epoch and is lowest
    after cosine_epochs.  ValueError unless one of them is 0.
    """
    if bool(cosine_iterations) == bool(cosine_epochs):
        raise ValueError("lr_schedule=cosine needs cosine_iterations or cosine_epochs, and the other of them 0")
    if cosine_iterations:
        return optim.lr_scheduler.CosineAnnealingLR(optimizer, cosine_iterations, eta_min)
    lowest = eta_min / optimizer.defaults["lr"]

    def factor(step):
        return lowest + (1 - lowest) * (1 + math.cos(math.pi * (step // steps_per_epoch) / cosine_epochs)) / 2

    return optim.lr_scheduler.LambdaLR(optimizer, factor)


def step(optimizer, steps_per_epoch, lr_step_epochs, lr_step_factor):
    """The rate is multiplied by lr_step_factor every lr_step_epochs epochs."""
    return optim.lr_scheduler.StepLR(optimizer, lr_step_epochs * steps_per_epoch, lr_step_factor)


_DECAY = Option(0.0, AT_LEAST_ZERO, "fraction of the weights added to their gradients")
_ADAM = {"betas": Option([0.9, 0.999], BELOW_ONE, "decay of the means of the gradient and of its square"),
         "weight_decay": _DECAY}
OPTIMIZERS = {  # functions of the parameters and the rate
    "adam": Choice(functools.partial(adam, functools.partial(optim.Adam, fused=True)), **_ADAM),
    "adamax": Choice(functools.partial(adam, optim.Adamax), **_ADAM),
    "sgd": Choice(functools.partial(optim.SGD, fused=True),
                  momentum=Option(0.9, BELOW_ONE, "part of the last step that the next one keeps"),
                  weight_decay=_DECAY),
}
LR_SCHEDULES = {  # functions of the optimizer and the number of steps in an epoch
    "cosine": Choice(
        cosine,
        cosine_iterations=Option(0, NOT_NEGATIVE, "half a period, after which the rate rises again; 0: cosine_epochs"),
        cosine_epochs=Option(0, NOT_NEGATIVE, "half a period, the rate falling after each epoch; 0: cosine_iterations"),
        eta_min=Option(0.0, AT_LEAST_ZERO, "where the half period ends")),
    "step": Choice(
        step,
        lr_step_epochs=Option(10, AT_LEAST_ONE, "epochs from one cut to the next"),
        lr_step_factor=Option(0.1, POSITIVE, "what the rate is multiplied by at each cut")),
    "none": Choice(constant),
}
