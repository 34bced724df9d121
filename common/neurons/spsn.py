"""Neurons without reset, parallel over time: SPSN and its successor ParaLIF."""

import math

import torch
from torch import nn

from common.kernels import compiled, random_numbers
from common.neurons.synaptic import check_times, decay
from common.recurrence import drawn_leak, leak
from common.surrogate import FastSigmoid


def _identity(v):
    return v


def _tanh_relu(v):
    return torch.relu(torch.tanh(v))


SPIKES = {  # spike: (normalisation of V, generation of spikes, threshold unless given)
    "GS": (_identity, "gumbel", None),
    "SB": (torch.sigmoid, "bernoulli", None),
    "TRB": (_tanh_relu, "bernoulli", None),
    "D": (_identity, "delta", 0.1),
    "SD": (torch.sigmoid, "delta", 0.1),
    "TD": (torch.tanh, "delta", 0.1),
    "TRD": (_tanh_relu, "delta", 0.1),
    "T": (_identity, "threshold", 1.0),
    "ST": (torch.sigmoid, "threshold", 0.5),  # here and in the next two v stays below 1
    "TT": (torch.tanh, "threshold", 0.5),
    "TRT": (_tanh_relu, "threshold", 0.5),
}
FUSED = {"SB": drawn_leak.bernoulli_spikes, "GS": drawn_leak.gumbel_spikes}  # fire(membrane(current)) in one


class ParaLIF(nn.Module):
    """Parallelizable leaky integrate-and-fire neurons: the membrane is not reset, so no step waits for a spike.

        V = leak(x)                                            see common.recurrence.leak; alpha, beta as SynapticLIF
        v = V | sigmoid(V) | tanh(V) | relu(tanh(V))           normalisation: "" | S | T | TR
        s[t] = 1 if v[t] - v[t-1] > theta else 0               generation D, delta; v = 0 before the first step
        s[t] = 1 if v[t] > theta else 0                        T, threshold
        s[t] ~ Bernoulli(v[t])                                 B; backwards ds/dv is taken to be v
        s[t] = 1 if 2 V[t] + logit(r[t]) > 0 else 0            GS; r ~ U(0, 1), gradient of sigmoid(2 V + logit(r))

    GS is the hard two-class Gumbel softmax over (V, -V) at temperature 1: two Gumbel variables differ by a
    logistic one.  The random numbers are torch's while training; in eval mode they come from a generator of
    the neuron's own, which `seed` sets (0 at first): layers of one net want different seeds.

    tau_syn, tau_mem, dt: seconds, > 0.  spike: a key of SPIKES.  threshold: theta > 0, a buffer, as LIF's, unless it is
    learnt, and surrogate: ds/du (default FastSigmoid(100)), for the D and T kinds alone.  learn: which of "tau" (both)
    and "threshold" are learnt, as logarithms, so that none gets negative; shape: of the learnt values, () or (N,).
    ValueError for values outside these.
    Source: NECOTIS/Parallelizable-Leaky-Integrate-and-Fire-Neuron@f08c418 (Yarga and Wood 2024), where a tau
    of 20 ms that is to be learnt starts at 3 ms; not so here.
    """

    def __init__(self, tau_syn, tau_mem, dt, spike, threshold=None, surrogate=None, learn=(), shape=()):
        super().__init__()
        check_times(tau_syn=tau_syn, tau_mem=tau_mem, dt=dt)
        _check_spike(spike, threshold, surrogate, learn, shape)
        self.normalise, self.generation, default = SPIKES[spike]
        self.spike, self.dt, self.learn, self.surrogate = spike, dt, tuple(learn), surrogate or FastSigmoid(100.0)
        threshold = default if threshold is None else threshold
        self._values = {"tau_syn": tau_syn, "tau_mem": tau_mem, "threshold": threshold}
        for name in self._values:
            if name.split("_")[0] in learn:
                self.register_parameter(f"log_{name}", nn.Parameter(torch.full(shape, math.log(self._values[name]))))
        fixed = threshold is not None and "threshold" not in learn
        self.register_buffer("theta", torch.tensor(float(threshold)) if fixed else None)
        self.seed(0)

    def seed(self, number):
        """Set the generator of eval mode: the same number, the same spikes."""
        self._generator = torch.Generator().manual_seed(number)

    def forward(self, current):
        """current [T, B, ...] -> spikes [T, B, ...], each 0 or 1."""
        if self.spike in FUSED and not self.learn and compiled.can_run(current):
            decays = decay(self.tau_syn, self.dt), decay(self.tau_mem, self.dt)
            return FUSED[self.spike](current, *decays, self._source(current))
        return self.fire(self.membrane(current))

    def trace(self, current):
        """current [T, B, ...] -> (spikes, membrane), both [T, B, ...]."""
        membrane = self.membrane(current)
        return self.fire(membrane), membrane

    def membrane(self, current):
        """current [T, B, ...] -> V [T, B, ...]."""
        return leak(current, decay(self.tau_syn, self.dt), decay(self.tau_mem, self.dt))

    def fire(self, membrane):
        """V [T, B, ...] -> spikes [T, B, ...]."""
        v = self.normalise(membrane)
        if self.generation == "bernoulli":
            return random_numbers.bernoulli(v, self._source(v))
        if self.generation == "gumbel":
            logit = torch.add(random_numbers.uniform(v, self._source(v)).logit_(), v, alpha=2)
            return _StraightThrough.apply(torch.sigmoid(logit), logit.detach().gt_(0))  # nobody else needs logit
        if self.generation == "delta":
            v = v.diff(dim=0, prepend=torch.zeros_like(v[:1]))
        return self.surrogate(v - self.threshold)

    @property
    def tau_syn(self):
        """Seconds; a number, or a tensor if it is learnt, as tau_mem and threshold (None if spikes are drawn)."""
        return self._value("tau_syn")

    @property
    def tau_mem(self):
        return self._value("tau_mem")

    @property
    def threshold(self):
        return self._value("threshold") if self.theta is None else self.theta

    @property
    def membrane_threshold(self):
        """theta if V itself is compared with it, else None."""
        return self.threshold if self.spike == "T" else None

    def _value(self, name):
        logarithm = self._parameters.get(f"log_{name}")
        return self._values[name] if logarithm is None else logarithm.exp()

    def _source(self, like):
        """The generator of random numbers: torch's own, None, while training."""
        if not self.training and self._generator.device != like.device:
            self._generator = torch.Generator(like.device).manual_seed(self._generator.initial_seed())
        return None if self.training else self._generator

    def extra_repr(self):
        values = ", ".join(f"{name}={value}" for name, value in self._values.items() if value is not None)
        return f"{self.spike!r}, {values}, dt={self.dt}" + (f", learn={self.learn}" if self.learn else "")


class SPSN(ParaLIF):
    """Stochastic parallelizable spiking neurons: ParaLIF that fires as spike="SB" or "GS", its first two kinds.

    Source: NECOTIS/Stochastic-Parallelizable-Spiking-Neuron-SPSN@c46d169.
    """

    def __init__(self, tau_syn, tau_mem, dt, spike="SB"):
        if spike not in ("SB", "GS"):
            raise ValueError(f"spike must be 'SB' or 'GS' for SPSN, got {spike!r}")
        super().__init__(tau_syn, tau_mem, dt, spike)


class _StraightThrough(torch.autograd.Function):
    """`hard` forwards, the gradient of `soft` backwards."""

    @staticmethod
    def forward(ctx, soft, hard):
        return hard

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def _check_spike(spike, threshold, surrogate, learn, shape):
    if spike not in SPIKES:
        raise ValueError(f"spike must be one of {', '.join(SPIKES)}, got {spike!r}")
    if isinstance(learn, str) or not set(learn) <= {"tau", "threshold"}:
        raise ValueError(f"learn must be a tuple out of 'tau' and 'threshold', got {learn!r}")
    drawn = SPIKES[spike][2] is None
    if drawn and (threshold is not None or surrogate is not None or "threshold" in learn):
        raise ValueError(f"threshold and surrogate are for the D and T kinds, got one with spike={spike!r}")
    if threshold is not None and not 0 < threshold < math.inf:
        raise ValueError(f"threshold must exceed 0, got {threshold}")
    if shape and not learn:
        raise ValueError(f"shape is that of learnt values, got {shape} with learn={learn!r}")
