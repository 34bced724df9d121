"""Losses and predictions, which reduce a network's output over time.

output: [T, B, K], the read-out's spikes or membranes.  target: int64 [B], classes.  mask: [T, B], 1 where a step is
the sample's own and 0 where it is padding; None: no padding.
"""

import torch
from torch.nn import functional as F

from common.choices import FRACTION, POSITIVE, Choice, Option, one_of


def mse_count_loss(output, target, mask=None, correct_rate=0.8, incorrect_rate=0.2):
    """Squared distance of spike counts from int(T · rate), divided by T; the mean over batch and classes.

    correct_rate, incorrect_rate: the fraction of a sample's T own steps, in [0, 1], at which the right and the wrong
    outputs are to spike.  Source: snnTorch 1.0 `mse_count_loss`.
    """
    num_steps = torch.full(target.shape, len(output)) if mask is None else mask.sum(0).cpu()
    num_steps = num_steps.double()[:, None]  # [B, 1]; in double, which mps lacks, so that T · rate rounds as in Python
    right = F.one_hot(target, output.shape[-1]).bool()  # [B, K]
    correct, incorrect = ((num_steps * rate).int().to(output.device) for rate in (correct_rate, incorrect_rate))
    wanted = torch.where(right, correct, incorrect)
    return ((spike_counts(output, mask) - wanted) ** 2 / num_steps.to(output)).mean()


def mse_rate_loss(output, target, mask=None):
    """Mean squared distance of mean output rates from 1 for the right class and 0 for the others.

    Source: the PLIF paper's code (Fang et al. 2021).
    """
    rates = reduced(output, mask, "mean")
    return F.mse_loss(rates, F.one_hot(target, rates.shape[-1]).to(rates.dtype))


def mse_membrane_loss(output, target, mask=None, on_target=1.0):
    """Mean squared distance of membranes from a ramp that ends when the sample is to spike: see membrane_ramp.

    output: [T, B, 1], membranes.  target: int64 [B], steps to spike at, in 1..T-1.  on_target: the ramp's peak.
    Source: snn-tha@f9c0b51; snnTorch 1.0 `mse_membrane_loss`.
    """
    ramp = membrane_ramp(target, len(output), on_target).to(output.dtype)
    if mask is None:
        return F.mse_loss(output, ramp)
    return ((output - ramp) ** 2 * mask[..., None]).sum() / mask.sum()


def membrane_ramp(spike_time, num_steps, on_target):
    """Membranes [T, B, 1] that rise from 0 at step 0 to `on_target` at step spike_time [B], and then are 0."""
    step = torch.arange(num_steps, device=spike_time.device)[:, None]
    return ((step <= spike_time) * (on_target * step / spike_time))[..., None]


def first_spike_time(spikes):
    """The step at which each sample's first output first spikes, [B]; T if it never does.  spikes: [T, B, K]."""
    fired = spikes[..., 0].bool()
    return torch.where(fired.any(0), fired.int().argmax(0), len(spikes))


def cross_entropy_loss(output, target, mask=None, reduce="mean"):
    """Cross entropy of the `reduced` output, the mean over the batch.  Source: SPSN@c46d169 (its loss_mode)."""
    return F.cross_entropy(reduced(output, mask, reduce), target)


def reduced(output, mask=None, reduce="mean"):
    """The output's mean, maximum or last value over each sample's own steps, [B, K]; ValueError for another word."""
    if reduce == "mean":
        return output.mean(0) if mask is None else (output * mask[..., None]).sum(0) / mask.sum(0)[:, None]
    if reduce == "max":
        own = output if mask is None else output.masked_fill(mask[..., None] == 0, -torch.inf)
        return own.max(0).values  # where steps are equal, one of them gets the gradient
    if reduce == "last":
        return output[-1] if mask is None else output[mask.sum(0).long() - 1, torch.arange(output.shape[1])]
    raise ValueError(f"reduce must be 'mean', 'max' or 'last', got {reduce!r}")


def predict(output, mask=None):
    """The class of the highest output summed over the sample's own steps, [B]; the first of equals."""
    return spike_counts(output, mask).argmax(-1)


def spike_counts(output, mask=None):
    """The sum of each output, as the number of its spikes, over the sample's own steps, [B, K]."""
    return output.sum(0) if mask is None else (output * mask[..., None]).sum(0)


def predict_reduced(output, mask=None, reduce="mean"):
    """The class whose `reduced` output is highest, [B]; the first of equals."""
    return reduced(output, mask, reduce).argmax(-1)


LOSSES = {
    "mse_count_loss": Choice(
        mse_count_loss,
        correct_rate=Option(0.8, FRACTION, "fraction of steps at which the right output is to spike"),
        incorrect_rate=Option(0.2, FRACTION, "... and each wrong one")),
    "mse_rate_loss": Choice(mse_rate_loss),
    "mse_membrane_loss": Choice(mse_membrane_loss, on_target=Option(None, POSITIVE, "the ramp's peak")),
    "cross_entropy": Choice(
        cross_entropy_loss, reduce=Option("mean", one_of("mean", "max", "last"), "of the read-out over the steps")),
}
