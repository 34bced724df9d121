"""Penalties on a network, callables net -> scalar that are added to the loss; and a clamp of its weights."""

import torch

from common.sequence import Recorder, mask_of


class RateLimit(Recorder):
    """relu(sum of the neurons' firing rates - limit · number of neurons)^2, over all layers of net.neurons.

    A neuron's rate is the fraction of the samples' own steps at which it fired in the net's last forward pass, which
    this is to record.  limit: mean rate that costs nothing, in (0, 1].
    Source: SPSN@c46d169 (its reg_thr).
    """

    needs = "tensors"

    def __init__(self, limit):
        self.limit, self.mask, self.rates = limit, None, {}

    def start(self, sequence):
        self.mask = mask_of(sequence)

    def spikes(self, name, spikes):
        own = spikes if self.mask is None else spikes * self.mask[..., None]
        num_steps = spikes.shape[0] * spikes.shape[1] if self.mask is None else self.mask.sum()
        self.rates[name] = own.sum((0, 1)) / num_steps

    def __call__(self, net):
        rates = torch.cat(list(self.rates.values()))
        return (rates.sum() - self.limit * len(rates)).relu() ** 2


class TauVariance:
    """weight · sum over the layers of net.neurons of the variance (n - 1) of their tau, or of w = -log(tau - 1).

    weight: lambda, >= 0.  on: "tau", as the thesis writes it, or "w", as its code computes it; else ValueError.
    A layer of one tau adds nothing.
    Source: Anananas42/tu-delft-bsc-thesis-computer-science@f7b139b (its reg_lambda).
    """

    def __init__(self, weight, on="tau"):
        if on not in ("tau", "w"):
            raise ValueError(f"tau_penalty_on must be 'tau' or 'w', got {on!r}")
        self.weight, self.on = weight, on

    def __call__(self, net):
        layers = [getattr(neuron, self.on) for neuron in net.neurons.values()]
        return self.weight * sum(values.var() for values in layers if values.numel() > 1)


def recorder(penalties):
    """The penalty that is to record the net, or None: of such there is one at most."""
    return next((penalty for penalty in penalties if isinstance(penalty, Recorder)), None)


def weight_clamps(net):
    """A callable that clamps the weights of net.synapses to [-1, 1].  Source: snn-tha@f9c0b51, SHD."""
    weights = [parameter for name, parameter in net.synapses.named_parameters() if name.endswith("weight")]

    @torch.no_grad()
    def clamp():
        for weight in weights:
            weight.clamp_(-1, 1)

    return clamp
