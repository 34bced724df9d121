"""Spiking neurons. Each maps input current [T, B, ...] to spikes [T, B, ...], from rest."""

from common.neurons.lif import LIF

__all__ = ["LIF"]
