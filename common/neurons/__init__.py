"""Spiking neurons. Each maps input current [T, B, ...] to spikes [T, B, ...], from rest."""

from common.neurons.lif import LIF
from common.neurons.plif import PLIF
from common.neurons.spsn import SPSN, ParaLIF, RecurrentParaLIF
from common.neurons.synaptic import LeakyIntegrator, SynapticLIF

__all__ = ["LIF", "LeakyIntegrator", "PLIF", "ParaLIF", "RecurrentParaLIF", "SPSN", "SynapticLIF"]
