"""Sequences [T, B, ...], layers without time on them, and recorders, which a net tells what it does with them."""

import torch


def flat(layer, x):
    """Apply `layer` ([N, ...] -> [N, ...]) to every step of x [T, B, ...] in one call, once if x is static."""
    if is_static(x):
        once = layer(x[0])
        return once.expand(len(x), *once.shape)
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Counted:
    """Spikes [T, B, ...] that a fused kernel leaves out of memory.

    They have a `shape`, and counts(): the spikes of each neuron over all steps and samples, int64 [...].
    """


class Recorder:
    """Is told by a net what it does: net(sequence, record). This one keeps nothing; others override what they need.

    needs: "nothing"; "counts" of spikes, which a fused kernel can give as Counted; or "tensors", for which the net uses
    no fused kernel but computes connections and neurons one by one.
    """

    needs = "nothing"

    def start(self, sequence):
        """The net starts on a sequence [T, B, ...], a tensor or a batch of events."""

    def inputs(self, name, x):
        """The connection `name` takes x [T, B, ...]: a tensor, a batch of events or Counted."""

    def spikes(self, name, spikes):
        """The neurons `name` fire: a tensor [T, B, ...] or Counted."""

    def run(self, name, neuron, current):
        """The spikes of the neurons `name` on a current [T, B, ...]; tells inputs() what recurrent weights take."""
        if hasattr(neuron, "recurrent"):
            return neuron(current, lambda hidden: self.inputs(f"{name}_recurrent", hidden))
        return neuron(current)


UNRECORDED = Recorder()


def mask_of(x):
    """The mask [T, B] of a batch of events, 1 where a step is the sample's own; None if all are, as in a tensor."""
    return getattr(x, "mask", None)


def is_static(x):
    """Whether x [T, B, ...] is one step shown T times (an expanded tensor), so that one step tells all."""
    return isinstance(x, torch.Tensor) and x.stride(0) == 0


def full(x):
    """x in float32 if it is in bfloat16, else as it is."""
    return x.float() if x.dtype == torch.bfloat16 else x
