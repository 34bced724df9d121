"""One epoch, one evaluation, one fit. Knows tensors and callables; reads no config.

`progress` is a dict of all that moves beside the network, the optimizer and the schedule: numbers,
tensors and the rows of metrics only, so that a checkpoint holds it as it is.
"""

import math

import numpy as np
import torch
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from common.sequence import mask_of


class Diverged(Exception):
    """The loss is no longer a finite number."""


def new_progress():
    """epoch: epochs completed.  step: steps taken in the one under way, to which the sums belong.  lr: of the last."""
    return {
        "epoch": 0, "iteration": 0, "rows": [], "best_epoch": 0, "best_score": (), "seconds": 0.0,
        "step": 0, "loss_sum": 0.0, "num_correct": 0, "num_seen": 0, "epoch_seconds": 0.0, "lr": None,
    }  # fmt: skip


def batch_order(num_samples, batch_size, seed, epoch):
    """The batches of one epoch, as LongTensors of indices: a function of seed and epoch alone."""
    order = np.random.default_rng([seed, epoch]).permutation(num_samples)
    return torch.from_numpy(order).split(batch_size)


def train_epoch(net, split, encode, loss_fn, optimizer, batches, progress, predict, after_step=(), penalties=(),
                clip_grad_norm=0.0, record=None):
    """Take the steps of `batches` that progress["step"] has not counted yet.

    split: see common.data.  encode: inputs -> sequence [T, B, ...].  loss_fn, predict: see common.training.losses.
    penalties: net -> scalar, added to the loss.  clip_grad_norm: of all gradients together, 0: none.
    record: a common.sequence.Recorder, which the net tells of each forward pass, or None.
    after_step: callables run after each optimizer step (schedules, annealing, clamps, checkpoints).
    Diverged, before the step, if the loss or its gradient is not finite: spikes of a NaN membrane are 0,
    so that the loss alone would not tell.
    """
    net.train()
    told = () if record is None else (record,)
    parameters = list(net.parameters())
    for indices in batches[progress["step"] :]:
        for parameter in parameters:  # before the forward pass, which takes the gradients' memory
            parameter.grad = None
        inputs, target = split.batch(indices)
        sequence = encode(inputs)
        output, mask = net(sequence, *told), mask_of(sequence)
        loss = loss_fn(output, target, mask)
        sum((penalty(net) for penalty in penalties), loss).backward()
        gradient = get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
        value = loss.item()
        if not math.isfinite(value) or not torch.isfinite(gradient):
            raise Diverged(f"loss {value}, gradient norm {gradient.item()} at iteration {progress['iteration'] + 1}")
        if clip_grad_norm:
            clip_grads_with_norm_(parameters, clip_grad_norm, gradient)
        optimizer.step()
        progress["step"] += 1
        progress["iteration"] += 1
        progress["loss_sum"] += value * len(target)
        progress["num_correct"] += (predict(output, mask) == target).sum().item()
        progress["num_seen"] += len(target)
        for hook in after_step:
            hook()


@torch.no_grad()
def evaluate(net, split, encode, loss_fn, predict, batch_size, after_batch=(), record=None):
    """(mean loss, accuracy as a fraction) over a split, None if it is empty; draws no random numbers.

    record: as of train_epoch.
    """
    net.eval()
    told = () if record is None else (record,)
    if not len(split):
        return None
    loss_sum = num_correct = 0
    for indices in torch.arange(len(split)).split(batch_size):
        inputs, target = split.batch(indices)
        sequence = encode(inputs)
        output, mask = net(sequence, *told), mask_of(sequence)
        loss_sum += loss_fn(output, target, mask).item() * len(target)
        num_correct += (predict(output, mask) == target).sum().item()
        for hook in after_batch:
            hook()
    return loss_sum / len(split), num_correct / len(split)


def end_epoch(progress, row, score, equal_is_better=False):
    """Close the epoch with its metrics; whether its score, a tuple, is the highest so far."""
    better = score > progress["best_score"] or equal_is_better and score == progress["best_score"]
    if better:
        progress["best_score"], progress["best_epoch"] = score, progress["epoch"] + 1
    progress["rows"].append(row)
    progress["seconds"] += progress["epoch_seconds"]
    progress["epoch"] += 1
    progress.update(step=0, loss_sum=0.0, num_correct=0, num_seen=0, epoch_seconds=0.0)
    return better


def has_ended(progress, num_epochs, patience):
    """Whether all epochs are done, or `patience` of them (if not 0) brought no better score."""
    waited = progress["epoch"] - progress["best_epoch"]
    return progress["epoch"] >= num_epochs or 0 < patience <= waited
