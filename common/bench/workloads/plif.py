"""W6: the PLIF net of DVS Gesture; the peer is SpikingJelly's."""

import torch

from common.bench.workloads.step import training_step
from common.nets.plifnet import PLIFNet
from common.neurons import PLIF
from common.training.losses import mse_rate_loss


def plif_net(step_mode, num_steps, batch_size, side, channels, num_layers, hidden_size):
    """W6: the PLIF net of dvs_gesture/conf.py without dropout; the peer is SpikingJelly's in this step mode."""
    from common.bench.peers.plif import JellyPLIFNet

    shape, sizes = (2, side, side), {"channels": channels, "num_layers": num_layers, "hidden_size": hidden_size}
    frames = torch.poisson(0.3 * torch.rand(num_steps, batch_size, *shape))
    target = torch.arange(batch_size) % 11
    ours = PLIFNet(shape, 11, lambda _: PLIF(2.0), **sizes, dropout=0.0)
    for name in ("fc1", "fc2"):
        weight = ours.synapses[name].linear.weight.data
        weight.abs_().mul_(20 / weight.shape[1] ** 0.5)  # so that the outputs spike from the first step
    peer = JellyPLIFNet(shape, 11, **sizes, step_mode=step_mode).take_weights(ours)

    def stepper(net):
        return training_step(torch.optim.Adam(net.parameters(), 1e-3), lambda: mse_rate_loss(net(frames), target))

    return {"ours": stepper(ours), "peer": stepper(peer)}
