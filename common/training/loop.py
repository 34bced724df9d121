"""One epoch of training, one evaluation, and how far the training of a trial has come."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from common.sequence import mask_of


class Diverged(Exception):
    """A loss, gradient or weight is no longer a finite number."""


@dataclass
class Progress:
    """How far the training of a trial has come; a checkpoint holds its fields as a dict."""

    epoch: int = 0  # epochs completed
    iteration: int = 0  # optimizer steps taken, in all epochs
    rows: list = field(default_factory=list)  # the metrics of each completed epoch, dicts
    best_epoch: int = 0  # the first is 1; 0: none yet
    best_score: tuple = ()  # the best epoch's; higher is better, later numbers break ties
    seconds: float = 0.0  # the completed epochs took
    recorded: dict = field(default_factory=dict)  # what a task adds: {name: tensor [iterations, ...]}
    lr: float | None = None  # learning rate of the last step

    # The epoch under way:
    step: int = 0  # optimizer steps taken
    num_seen: int = 0  # samples trained on
    num_correct: int = 0  # those of num_seen that were predicted right
    loss_sum: float = 0.0  # losses of num_seen, added up
    epoch_seconds: float = 0.0

    def end_epoch(self, row, score, equal_is_better=False):
        """Close the epoch under way with its row of metrics; whether its score, a tuple, is the best so far."""
        better = score > self.best_score or equal_is_better and score == self.best_score
        self.epoch += 1
        if better:
            self.best_score, self.best_epoch = score, self.epoch
        self.rows.append(row)
        self.seconds += self.epoch_seconds
        self.step = self.num_seen = self.num_correct = 0
        self.loss_sum = self.epoch_seconds = 0.0
        return better

    def has_ended(self, num_epochs, patience):
        """Whether all epochs are done, or the last `patience` of them (0: any number) brought no better score."""
        return self.epoch >= num_epochs or 0 < patience <= self.epoch - self.best_epoch


class Evaluation(NamedTuple):
    """The mean loss over a split, and the fraction of its samples that are predicted right."""

    loss: float
    accuracy: float


def batch_order(num_samples, batch_size, seed, epoch):
    """The batches of one epoch, as LongTensors of indices: a function of seed and epoch alone."""
    order = np.random.default_rng([seed, epoch]).permutation(num_samples)
    return torch.from_numpy(order).split(batch_size)


def train_epoch(net, split, encode, loss_fn, optimizer, batches, progress, predict, after_step=(), penalties=(),
                clip_grad_norm=0.0, record=None):
    """Train on those of an epoch's `batches` that `progress` has not counted yet, one optimizer step each.

    split: see common.data.Data.  encode: inputs -> sequence [T, B, ...].  loss_fn, predict: see common.training.losses.
    penalties: callables net -> scalar, added to the loss.  clip_grad_norm: the largest norm of all gradients together;
    0: any.  after_step: callables run after each step (schedules, annealing, clamps, checkpoints).
    record: a common.sequence.Recorder, which the net tells of each forward pass, or None.
    Diverged, before the step, if the loss or its gradient is not finite: the spikes of a NaN membrane are 0, so that
    the loss alone would not tell.
    """
    net.train()
    told = () if record is None else (record,)
    parameters = list(net.parameters())
    for indices in batches[progress.step :]:
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
            raise Diverged(f"loss {value}, gradient norm {gradient.item()} at iteration {progress.iteration + 1}")
        if clip_grad_norm:
            clip_grads_with_norm_(parameters, clip_grad_norm, gradient)
        optimizer.step()
        progress.step += 1
        progress.iteration += 1
        progress.num_seen += len(target)
        progress.num_correct += (predict(output, mask) == target).sum().item()
        progress.loss_sum += value * len(target)
        for hook in after_step:
            hook()


@torch.no_grad()
def evaluate(net, split, encode, loss_fn, predict, batch_size, after_batch=(), record=None):
    """The Evaluation of a network on a split, None if that is empty.

    torch's global generator stays where it is: stochastic neurons draw from their own.
    after_batch: callables run after each batch.  The other arguments: see train_epoch.
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
    return Evaluation(loss_sum / len(split), num_correct / len(split))
