"""Neurons. Each maps input current [T, B, ...] to spikes [T, B, ...], from rest; LeakyIntegrator to its membrane."""

from common.neurons.lif import LIF
from common.neurons.plif import PLIF
from common.neurons.recurrent_paralif import RecurrentParaLIF
from common.neurons.spsn import SPSN, ParaLIF
from common.neurons.synaptic import LeakyIntegrator, SynapticLIF

__all__ = ["LIF", "LeakyIntegrator", "PLIF", "ParaLIF", "RecurrentParaLIF", "SPSN", "SynapticLIF"]
