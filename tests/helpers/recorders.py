"""Recorders that tests hand to a net."""

from common.sequence import Recorder


class Tensors(Recorder):
    """Keeps what each connection takes, and what each layer of neurons takes and fires; the net computes plainly."""

    needs = "tensors"

    def __init__(self):
        self.taken, self.currents, self.fired = {}, {}, {}

    def inputs(self, name, x):
        self.taken[name] = x

    def run(self, name, neuron, current):
        self.currents[name] = current
        return super().run(name, neuron, current)

    def spikes(self, name, spikes):
        self.fired[name] = spikes


def plainly(recorder):
    """The recorder, for which the net now computes plainly too."""
    recorder.needs = "tensors"
    return recorder
