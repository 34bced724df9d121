"""PLIFNet's parts: time constants, dropout, votes, static images, what monitors see."""

import pytest
import torch
from helpers.plifnets import BATCH, NUM_STEPS, frames, made
from torch import nn

from common.nets.plifnet import ConvNorm, DropoutLinear, PLIFNet
from common.neurons import PLIF
from common.surrogate import ATan
from common.training.losses import mse_rate_loss
from common.training.monitor import Activity


def settled(net, x):
    """In evaluation, with the running statistics of x."""
    with torch.no_grad():
        for _ in range(200):
            net(x)
    return net.eval()


@pytest.mark.parametrize("tau, shapes, learns", [
    ("fixed", [(), (), (), ()], False), ("layer", [(), (), (), ()], True),
    ("neuron", [(5, 20, 22), (5, 10, 11), (16,), (30,)], True)])
def test_tau_has_the_shape_that_the_input_and_the_switch_ask_for(tau, shapes, learns):
    net = made(tau=tau)
    assert [tuple(neuron.tau.shape) for neuron in net.neurons.values()] == shapes
    assert {neuron.w.requires_grad for neuron in net.neurons.values()} == {learns}
    assert list(net.neurons) == list(net.synapses) == ["conv1", "conv2", "fc1", "fc2"]
    assert not [name for name, _ in net.synapses.named_parameters() if name.endswith("bias") and "norm" not in name]
    if tau == "neuron":
        assert net.neurons["conv1"].tau.std().item() == pytest.approx(0.1, rel=0.1)


def test_one_training_step_moves_every_tau():
    net = made(dtype=torch.float32)
    before = {name: neuron.tau.detach().clone() for name, neuron in net.neurons.items()}
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    mse_rate_loss(net(frames(dtype=torch.float32)), torch.arange(BATCH) % 3).backward()
    optimizer.step()
    assert all((neuron.tau != before[name]).double().mean() > 0.8 for name, neuron in net.neurons.items())


@pytest.mark.parametrize("training", [True, False])
def test_a_static_image_is_convolved_and_normalised_once(training):
    """As every step would be, of the same image; but the running statistics move once."""
    net, other, image = made((1, 12, 12)), made((1, 12, 12)), frames((1, 12, 12))[0]
    if not training:
        settled(net, frames((1, 12, 12)))
        other.eval().load_state_dict(net.state_dict())
    moved = net.synapses["conv1"].norm.num_batches_tracked.item()
    convolved = []
    net.synapses["conv1"].conv.register_forward_hook(lambda module, inputs, out: convolved.append(len(out)))
    static = net(image.expand(NUM_STEPS, *image.shape))
    assert convolved == [BATCH] and 0.02 < static.mean() < 0.98
    assert torch.equal(static, other(image.repeat(NUM_STEPS, 1, 1, 1, 1)))
    norms = [[side.synapses[name].norm.num_batches_tracked.item() - moved for name in ("conv1", "conv2")]
             for side in (net, other)]
    assert norms == ([[1, NUM_STEPS], [NUM_STEPS, NUM_STEPS]] if training else [[0, 0], [0, 0]])


def test_what_a_sample_drops_it_drops_at_every_step():
    layer = DropoutLinear(400, 400, 0.25).double()
    with torch.no_grad():
        layer.linear.weight.copy_(torch.eye(400))
    out = layer(torch.ones(6, 3, 400, dtype=torch.float64)).detach()
    assert out.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert (out == out[:1]).all() and not torch.equal(out[0, 0], out[0, 1])
    assert 0.2 < (out == 0).double().mean() < 0.3
    assert torch.equal(layer.eval()(torch.ones(2, 1, 400, dtype=torch.float64)), torch.ones(2, 1, 400).double())


def test_a_class_s_vote_is_the_mean_of_its_ten_neurons():
    net = made()

    class Told(nn.Module):
        def forward(self, current):
            return (torch.arange(30) < 14).double().expand(NUM_STEPS, BATCH, 30)

    net.neurons["fc2"] = Told()
    assert net(frames())[3, 2].tolist() == [1.0, pytest.approx(0.4), 0.0]


def test_no_step_depends_on_a_later_one():
    x = frames()
    net = settled(made(), x)
    changed = x.clone()
    changed[5:] += 1
    before, after = net(x), net(changed)
    assert torch.equal(before[:5], after[:5]) and not torch.equal(before[5:], after[5:])


def test_monitors_see_every_layer():
    x = frames()
    net = settled(made(), x)
    activity = Activity(net, operations=True)
    with torch.no_grad():
        net(x, activity)
    layers = activity.layers()
    assert set(layers) == set(net.neurons) and all(0 < layer["firing_rate"] < 1 for layer in layers.values())
    dense = 20 * 22 * 9 * 2 * 5 + 10 * 11 * 9 * 5 * 5 + 5 * 5 * 5 * 16 + 16 * 30
    border = 2 * (20 + 22) * 3 - 4  # products of a 3 x 3 kernel with what lies outside, per pair of channels
    inner = 2 * (10 + 11) * 3 - 4
    assert activity.operations_per_sample()["dense"] == NUM_STEPS * (dense - border * 10 - inner * 25)


@pytest.mark.parametrize("arguments, message", [
    ({"in_shape": (2, 31, 32)}, "num_layers=5 halves an image of 31 x 32 to nothing; it needs 32 x 32 at least"),
    ({"pool": "min"}, "pool must be 'max' or 'average', got 'min'"),
    ({"dropout": 1.0}, r"dropout must lie in \[0, 1\), got 1.0")])
def test_what_cannot_be_built_is_said(arguments, message):
    with pytest.raises(ValueError, match=message):
        PLIFNet(**{"in_shape": (2, 32, 32), "num_classes": 3, "neuron": lambda _: PLIF(), "channels": 2} | arguments)


def test_a_layer_s_channels_last_output_is_that_of_each_step_alone():
    layer, x = ConvNorm(2, 4).double(), frames()
    norm = nn.BatchNorm2d(4).double()
    expected = torch.stack([norm(layer.conv(one)) for one in x])
    torch.testing.assert_close(layer(x), expected)
    assert PLIF(surrogate=ATan())(layer(x)).shape == (NUM_STEPS, BATCH, 4, 20, 22)
