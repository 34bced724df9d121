"""ParaLIF with recurrent connections."""

import torch
from torch import nn

from common.layers.flat import Flat
from common.neurons.spsn import ParaLIF


class RecurrentParaLIF(ParaLIF):
    """ParaLIF with recurrent weights on the spikes that the neurons would have fired a step before without them.

        h[t] = fire(V[t-1])  hidden="spike"  |  relu(V[t-1])  hidden="relu"          V = leak(x), V[-1] = 0
        V'[t] = V[t] + leak(x + W h + b)[t],   s = fire(V')        x counts twice: in V, and here

    No loop over time: h does not depend on V'.  size: number of neurons N, the last dimension of the current; the
    rest as ParaLIF.  W kaiming-uniform for a linear layer, b = 0 at first.
    """

    def __init__(self, size, tau_syn, tau_mem, dt, spike, threshold=None, surrogate=None, learn=(), shape=(),
                 hidden="spike"):
        super().__init__(tau_syn, tau_mem, dt, spike, threshold, surrogate, learn, shape)
        if hidden not in ("spike", "relu"):
            raise ValueError(f"hidden must be 'spike' or 'relu', got {hidden!r}")
        self.hidden = hidden
        self.recurrent = Flat(nn.Linear(size, size))
        nn.init.kaiming_uniform_(self.recurrent[0].weight, nonlinearity="linear")
        nn.init.zeros_(self.recurrent[0].bias)

    def forward(self, current, tell=lambda hidden: None):
        """current [T, B, N] -> spikes [T, B, N], each 0 or 1.  tell: is called with h."""
        return self.fire(self.membrane(current, tell))

    def membrane(self, current, tell=lambda hidden: None):
        """current [T, B, N] -> V' [T, B, N]."""
        membrane = super().membrane(current)
        before = torch.cat([torch.zeros_like(membrane[:1]), membrane[:-1]])
        hidden = self.fire(before) if self.hidden == "spike" else torch.relu(before)
        tell(hidden)
        return membrane + super().membrane(current + self.recurrent(hidden))
