"""The recurrence as a loop over steps in PyTorch: runs anywhere, and is what the kernels are held to."""

import torch


def lif(current, decay, gain, threshold, surrogate, reset="subtract", detach_reset=True, inclusive=False):
    """See common.recurrence.lif."""
    kept = spike = torch.zeros_like(current[0])  # the membrane after the reset, the spike that resets
    spikes, membranes = [], []
    for x in current.unbind(0):
        membrane = decay * kept + gain * x
        if reset == "subtract":
            membrane = membrane - threshold * spike
        spikes.append(surrogate(membrane - threshold, inclusive))
        membranes.append(membrane)
        spike = spikes[-1].detach() if detach_reset else spikes[-1]
        kept = membrane * (1 - spike) if reset == "zero" else membrane
    return torch.stack(spikes), torch.stack(membranes)
