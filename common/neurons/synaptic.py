"""Neurons with a synaptic current: leaky integrate-and-fire, and the read-out that integrates without firing."""

import math

import torch
from torch import nn

from common.neurons.carry import filtered, leak_from, lif_from
from common.recurrence import LIFConstants, fused, leak, lif, lif_spikes
from common.recurrence.synaptic_lif import synaptic_lif_spikes


class SynapticLIF(nn.Module):
    """Leaky integrate-and-fire neurons behind an exponential synapse.

        syn[t] = alpha syn[t-1] + x[t]                                          synaptic current
        u[t] = beta u[t-1] (1 - s[t-1]) + (1 - beta) syn[t]                     membrane, reset to zero, detached
        s[t] = 1 if u[t] > theta else 0                                         spike; theta = 1, a buffer, as LIF's
        alpha = exp(-dt / tau_syn),   beta = exp(-dt / tau_mem)

    tau_syn, tau_mem, dt: time constants and time step, seconds, > 0.  surrogate: ds/du, see common.surrogate.
    ValueError for values outside these.
    Source: the LIF of NECOTIS/Stochastic-Parallelizable-Spiking-Neuron-SPSN@c46d169, surrogate FastSigmoid(100).
    """

    def __init__(self, tau_syn, tau_mem, dt, surrogate):
        super().__init__()
        check_times(tau_syn=tau_syn, tau_mem=tau_mem, dt=dt)
        self.alpha, self.beta, self.surrogate = decay(tau_syn, dt), decay(tau_mem, dt), surrogate
        self.register_buffer("threshold", torch.tensor(1.0))

    def forward(self, current):
        """current [T, B, ...] -> spikes [T, B, ...], each 0 or 1."""
        if fused.can_run(current, self.surrogate):
            return synaptic_lif_spikes(current, self.alpha, self.beta, self.threshold, self.surrogate)
        return lif_spikes(leak(current, self.alpha, 0.0), *self.constants())

    def trace(self, current):
        """current [T, B, ...] -> (spikes, membrane before the reset), both [T, B, ...]."""
        return lif(leak(current, self.alpha, 0.0), *self.constants())

    def continued(self, current, carry):
        """current [T, B, ...] -> (spikes, carry), going on from `carry`; see common.neurons.carry."""
        current, synapse = filtered(carry[:1], current, self.alpha)
        spikes, membrane = lif_from(carry[1:], current, self.constants())
        return spikes, synapse + membrane

    def constants(self):
        return LIFConstants(self.beta, 1 - self.beta, self.threshold, self.surrogate, "zero")

    def extra_repr(self):
        return f"alpha={self.alpha:.4g}, beta={self.beta:.4g}, {self.surrogate}"


class LeakyIntegrator(nn.Module):
    """The read-out, which does not fire: its output is V of common.recurrence.leak.  Arguments: see SynapticLIF."""

    def __init__(self, tau_syn, tau_mem, dt):
        super().__init__()
        check_times(tau_syn=tau_syn, tau_mem=tau_mem, dt=dt)
        self.alpha, self.beta = decay(tau_syn, dt), decay(tau_mem, dt)

    def forward(self, current):
        """current [T, B, ...] -> membrane [T, B, ...]."""
        return leak(current, self.alpha, self.beta)

    def continued(self, current, carry):
        """current [T, B, ...] -> (membrane, carry), going on from `carry`; see common.neurons.carry."""
        return leak_from(carry, current, self.alpha, self.beta)

    def extra_repr(self):
        return f"alpha={self.alpha:.4g}, beta={self.beta:.4g}"


def decay(tau, dt):
    """What an exponential of time constant tau keeps in one step dt: exp(-dt / tau); tau a number or a tensor."""
    return torch.exp(-dt / tau) if isinstance(tau, torch.Tensor) else math.exp(-dt / tau)


def check_times(**times):
    """ValueError unless each is a finite number of seconds > 0."""
    for name, value in times.items():
        if not 0 < value < math.inf:
            raise ValueError(f"{name} must exceed 0 and be finite (seconds), got {value}")
