"""PLIFNet against the same net written in SpikingJelly, and its fused layers against its plain ones."""

import pytest
import torch
from helpers.plifnets import BATCH, NUM_STEPS, frames, made
from helpers.recorders import Tensors
from torch import nn

from common.bench.peers.plif import JellyPLIFNet
from common.surrogate import LearntATan
from common.training.losses import mse_rate_loss


def step(net, x, *record):
    """Output and gradients of a step of training."""
    output = net(x, *record)
    grads = torch.autograd.grad(mse_rate_loss(output, torch.arange(BATCH) % 3), list(net.parameters()))
    return output, dict(zip(dict(net.named_parameters()), grads, strict=True))


def assert_same_step(ours, theirs):
    assert 0.02 < theirs[0].mean() < 0.98 and torch.equal(ours[0], theirs[0])
    for name, expected in theirs[1].items():
        assert expected.abs().max() > 0, name
        assert (ours[1][name] - expected).abs().max() <= 1e-9 * expected.abs().max(), name


def test_output_gradients_and_statistics_equal_spikingjelly():
    ours = made((2, 20, 20), tau="layer")
    peer = JellyPLIFNet((2, 20, 20), 3, 5, 2, 16, "s").double().take_weights(ours)
    x = frames((2, 20, 20))
    for _ in range(2):
        mine, theirs = step(ours, x), peer(x)
        grads = torch.autograd.grad(mse_rate_loss(theirs, torch.arange(BATCH) % 3), list(peer.parameters()))
    assert 0.02 < theirs.mean() < 0.98 and torch.equal(mine[0], theirs)

    def by_kind(names):
        kinds = {"w": [], "rest": []}
        for (name, _), grad in names:
            kinds["w" if name.endswith(".w") else "rest"].append(grad)
        return [*kinds["rest"], *kinds["w"]]

    pairs = zip(by_kind(zip(ours.named_parameters(), mine[1].values(), strict=True)),
                by_kind(zip(peer.named_parameters(), grads, strict=True)), strict=True)
    for grad, expected in pairs:
        assert expected.abs().max() > 0 and (grad - expected).abs().max() <= 1e-8 * expected.abs().max()
    for mine, theirs in zip((m for m in ours.modules() if isinstance(m, nn.BatchNorm2d)),
                            (m for m in peer.modules() if isinstance(m, nn.BatchNorm2d)), strict=True):
        for name, value in theirs.state_dict().items():
            torch.testing.assert_close(mine.state_dict()[name], value)
        assert mine.num_batches_tracked == 2 * NUM_STEPS
    assert torch.equal(ours.eval()(x), peer.eval()(x)) and ours(x).any()


@pytest.mark.parametrize("settings", [
    {}, {"tau": "layer"}, {"pool": "average"}, {"surrogate": "fast_sigmoid", "slope": 5.0}, {"binarize": True},
], ids=str)
@pytest.mark.parametrize("in_shape", [(2, 20, 22), (1, 7, 9)])
def test_the_fused_layers_equal_the_plain_ones(in_shape, settings):
    net, x = made(in_shape, **settings), frames(in_shape)
    assert_same_step(step(net, x), step(net, x, Tensors()))
    one, other = (made(in_shape, **settings) for _ in range(2))
    step(one, x), step(other, x, Tensors())
    for (name, value), expected in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(value, expected, msg=name)


@pytest.mark.parametrize("settings", [{"detach_reset": False}, {"learn_surrogate": True}])
def test_what_the_kernels_do_not_know_takes_the_plain_path(settings):
    net, x = made(**settings), frames()
    assert_same_step(step(net, x), step(net, x, Tensors()))
    if "learn_surrogate" in settings:
        kinds = {type(neuron.surrogate) for neuron in net.neurons.values()}
        learnt = [name for name, _ in net.named_parameters() if name.endswith("surrogate.alpha")]
        assert kinds == {LearntATan} and len(learnt) == 4
