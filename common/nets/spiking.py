"""What the nets share: layers of a connection and neurons each, told to whoever records them."""

from torch import nn

from common.sequence import UNRECORDED


class SpikingNet(nn.Module):
    """A net whose connections are in `synapses` and whose layers of neurons are in `neurons`, by name.

    Its forward(sequence, record=UNRECORDED) tells a common.sequence.Recorder what it does.
    """

    def __init__(self):
        super().__init__()
        self.synapses, self.neurons = nn.ModuleDict(), nn.ModuleDict()

    def current(self, name, x, record=UNRECORDED):
        """The current [T, B, ...] that the connection `name` makes of x."""
        record.inputs(name, x)
        return self.synapses[name](x)

    def spikes(self, name, x, record=UNRECORDED, *shortcut):
        """The spikes of the layer `name` on x [T, B, ...].  shortcut: a current [T, B, ...] to add to its own, if any.

        They come from a fused kernel if one knows the layer and the recorder does not need what it leaves out.
        """
        record.inputs(name, x)
        spikes = None if record.needs == "tensors" else self.fused(name, x, *shortcut)
        if spikes is None:
            spikes = record.run(name, self.neurons[name], sum(shortcut, self.synapses[name](x)))
        record.spikes(name, spikes)
        return spikes

    def fused(self, name, x, *shortcut):
        """The same spikes from a fused kernel, a tensor or Counted; None if no kernel knows the layer."""
        connection = self.synapses[name]
        return connection.fused(x, self.neurons[name], *shortcut) if hasattr(connection, "fused") else None
