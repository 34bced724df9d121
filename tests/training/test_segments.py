"""Nets in segments of time against the same nets on the whole sequence."""

import copy

import pytest
import torch

from common.bench.workloads.shd import random_events
from common.data.events import EventBatch
from common.nets.convnet import ConvNet
from common.nets.mlp import MLP, SpikingMLP
from common.nets.plifnet import PLIFNet
from common.nets.resnet19 import ResNet19
from common.neurons import LIF, PLIF, LeakyIntegrator, SynapticLIF
from common.surrogate import ATan, FastSigmoid
from common.training.losses import mse_count_loss
from common.training.monitor import Activity
from common.training.segments import Segmented

NUM_STEPS, BATCH = 11, 4
TIMES = {"tau_syn": 0.02, "tau_mem": 0.01, "dt": 0.002}
LAYERS = {
    **{f"{reset}{', not detached' * (not detached)}": LIF(0.9, 0.8, FastSigmoid(5.0), reset, detached)
       for reset in ("subtract", "zero") for detached in (True, False)},
    "synaptic": SynapticLIF(**TIMES, surrogate=ATan(2.0)),
    "read-out": LeakyIntegrator(**TIMES),
}


def convnet(static=False, batch_norm=True, dropout=0.0, dtype=torch.float64, reset="subtract"):
    """A net, its input and the classes."""
    torch.manual_seed(1)
    net = ConvNet((1, 16, 16), 3, [4, 6], 0.875, [0.3, 0.5, 0.3], FastSigmoid(5.0), dropout, binarize=batch_norm,
                  reset=reset, batch_norm=batch_norm).to(dtype)
    x = torch.rand(NUM_STEPS, BATCH, 1, 16, 16, dtype=dtype)
    return net, x[:1].expand_as(x) if static else x


def tha_mlp(dropout=0.0, dtype=torch.float64, hidden=30):
    torch.manual_seed(2)
    net = SpikingMLP([50, hidden, 3], 0.9, [0.4, 0.3], FastSigmoid(5.0), [dropout, dropout], binarized=False).to(dtype)
    return net, random_events(NUM_STEPS, BATCH, 50, density=0.2)


def mlp(dtype=torch.float64):
    torch.manual_seed(3)
    neurons = [SynapticLIF(**TIMES, surrogate=FastSigmoid(10.0)) for _ in range(2)]
    net = MLP([50, 20, 10, 3], neurons, LeakyIntegrator(**TIMES), binarized=False).to(dtype)
    for synapse in net.synapses.values():
        synapse.linear.weight.data.mul_(4)
    return net, random_events(NUM_STEPS, BATCH, 50, density=0.2)


NETS = {
    "convnet, frames": convnet, "convnet, static": lambda **options: convnet(static=True, **options),
    "convnet, no norm, reset to zero": lambda **options: convnet(batch_norm=False, reset="zero", **options),
    "tha_mlp": tha_mlp, "mlp": mlp,
}


def trained(net, x, num_steps=0):
    """(output, gradients by name, buffers by name) of one forward and backward pass, in segments or whole."""
    net = copy.deepcopy(net)
    output = (Segmented(net, num_steps) if num_steps else net)(x)
    mse_count_loss(output, torch.arange(BATCH) % 3).backward()
    return output, {name: p.grad for name, p in net.named_parameters()}, dict(net.named_buffers())


@pytest.mark.parametrize("num_steps", [1, 3, 10, 11, 50])
@pytest.mark.parametrize("name", NETS)
def test_output_gradients_and_statistics_are_those_of_the_whole(name, num_steps):
    net, x = NETS[name]()
    whole, gradients, buffers = trained(net, x)
    output, found, moved = trained(net, x, num_steps)
    assert 0.02 < (whole != 0).double().mean()
    torch.testing.assert_close(output, whole, rtol=0, atol=1e-12 if name == "mlp" else 0)
    for key, gradient in gradients.items():
        assert gradient.abs().max() > 0
        assert (found[key] - gradient).abs().max() <= 1e-9 * gradient.abs().max(), key
    for key, buffer in buffers.items():
        torch.testing.assert_close(moved[key], buffer, msg=key)


@pytest.mark.parametrize("name", NETS)
def test_float32_spikes_differ_at_ties_only(name):
    net, x = NETS[name](dtype=torch.float32)
    net = net.float()
    x = x.float() if isinstance(x, torch.Tensor) else x
    whole, gradients, _ = trained(net, x)
    output, found, _ = trained(net, x, 3)
    torch.testing.assert_close(output, whole, rtol=1e-6, atol=1e-6)
    for key, gradient in gradients.items():
        assert (found[key] - gradient).abs().max() <= 1e-4 * gradient.abs().max(), key


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_goes_on_where_it_was_to_the_bit(name, dtype):
    layer, generator = copy.deepcopy(LAYERS[name]).to(dtype), torch.Generator().manual_seed(0)
    shape = (9, 2, 5, 4, 4)
    current = 2 * torch.rand(shape, generator=generator, dtype=dtype).to(memory_format=torch.channels_last_3d)
    weight, x = torch.rand(shape, generator=generator, dtype=dtype), current.clone().requires_grad_()
    whole, outputs, carry = layer(current.requires_grad_()), [], ()
    for part in x.split(4):
        output, carry = layer.continued(part, carry)
        outputs.append(output)
    output = torch.cat(outputs)
    membrane = layer.trace(current)[1] if name != "read-out" else whole
    assert torch.equal(carry[-2 if name != "read-out" else -1], membrane[-1])
    assert torch.equal(output, whole) and 0.05 < (whole > 0.5).double().mean() < 0.95
    for result in (whole, output):
        (result * weight).sum().backward()
    difference = (x.grad - current.grad).abs().max()
    assert difference <= (1e-9 if dtype == torch.float64 else 1e-5) * current.grad.abs().max()


@pytest.mark.parametrize("make", [convnet, tha_mlp])
def test_dropout_is_the_same_in_both_passes_of_a_segment(make):
    net, x = make(dropout=0.5)
    gradients = []
    for run in (Segmented(net, 2), lambda x: in_one_pass(Segmented(net, 2), x)):
        net.zero_grad()
        torch.manual_seed(5)
        output = run(x)
        after = torch.rand(1)
        mse_count_loss(output, torch.arange(BATCH) % 3).backward()
        gradients.append([output, after, *(p.grad for p in net.parameters())])
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=0)
    assert (net(x) != gradients[0][0]).any()  # what is dropped matters


def in_one_pass(segmented, x):
    """The same segments, of which nothing is computed twice."""
    carries, outputs = {}, []
    for start in range(0, NUM_STEPS, segmented.num_steps):
        part = slice(start, start + segmented.num_steps)
        output, carries = segmented.segment(x[part] if isinstance(x, torch.Tensor) else x.steps(part), carries)
        outputs.append(output)
    return torch.cat(outputs)


def test_a_recorder_is_told_of_each_step_once_and_nothing_stays_on_the_net():
    net, x = convnet()
    before, counts = {name: set(vars(module)) for name, module in net.named_modules()}, []
    for run in (net, Segmented(net, 3)):
        activity = Activity(net, operations=True)
        run(x, activity).sum().backward()
        counts.append((activity.layers(), activity.operations_per_sample(BATCH)))
    assert counts[0] == counts[1] and counts[0][1]["effective_acs"] > 0
    assert {name: set(vars(module)) for name, module in net.named_modules()} == before


def test_a_wide_layer_is_not_computed_in_blocks(monkeypatch):
    net, x = tha_mlp(hidden=300)
    whole, gradients, _ = trained(net, x)
    monkeypatch.setattr("common.nets.mlp.WIDE", 1)
    output, found, _ = trained(net, x, 3)
    assert torch.equal(output, whole)
    for key, gradient in gradients.items():
        assert (found[key] - gradient).abs().max() <= 1e-9 * gradient.abs().max(), key


def test_evaluation_is_that_of_the_whole():
    net, x = convnet()
    net(x)
    net.eval()
    with torch.no_grad():
        assert torch.equal(Segmented(net, 4)(x), net(x))


def test_the_mask_and_the_counts_of_events_are_cut_too():
    _, events = tha_mlp()
    counts = torch.arange(len(events.units)).float()
    mask = (torch.arange(NUM_STEPS)[:, None] < torch.tensor([2, 5, 8, 11])).float()
    events = EventBatch(events.shape, events.row_starts, events.units, counts, mask)
    part = events.steps(slice(4, 40))
    assert part.shape == (NUM_STEPS - 4, BATCH, 50) and torch.equal(part.dense(), events.dense()[4:])
    assert torch.equal(part.mask, mask[4:])


def test_what_is_handed_on_holds_one_step_and_no_more():
    for make in NETS.values():
        net, x = make()
        part = x[:5] if isinstance(x, torch.Tensor) else x.steps(slice(5))
        _, carries = Segmented(net, 5).segment(part, {})
        for tensor in (tensor for carry in carries.values() for tensor in carry):
            assert tensor.untyped_storage().nbytes() == tensor.nbytes > 0


def test_memory_is_that_of_a_segment():
    """Bytes of the tensors that autograd keeps after the forward pass, in 16 segments of 16 steps and at once."""
    net = SpikingMLP([50, 400, 3], 0.9, [0.4, 0.3], FastSigmoid(5.0), [0.0, 0.0], binarized=False)
    events, kept = random_events(256, BATCH, 50), {}
    for name, run in (("whole", net), ("segments", Segmented(net, 16))):
        storages = {}

        def pack(x, storages=storages):
            storages[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
            return x

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
            output = run(events)
        kept[name] = sum(storages.values())
        del output
    assert kept["segments"] < kept["whole"] / 4


@pytest.mark.parametrize("make", [
    lambda: ResNet19((1, 8, 8), 3, lambda: LIF(0.25, 0.4, ATan(2.0), "zero"), 0.4, 4, 4, 8),
    lambda: PLIFNet((1, 16, 16), 3, lambda shape: PLIF(2.0), 4, 1, 8)])
def test_a_net_that_needs_all_steps_at_once_is_refused(make):
    with pytest.raises(ValueError, match="checkpoint_steps must be 0 for this net: .*needs all steps at once"):
        Segmented(make(), 2)


def test_a_neuron_whose_state_is_not_handed_on_is_noticed():
    net = SpikingMLP([50, 4, 1], 0.9, [1.0, 1.0], FastSigmoid(5.0), [0.0, 0.0], binarized=False, readout="membrane")
    with pytest.raises(AssertionError, match="fc2"):
        Segmented(net, 2)(random_events(NUM_STEPS, BATCH, 50))


def test_a_net_without_anything_to_learn_runs_by_segments_too():
    net = ConvNet((1, 16, 16), 3, [4, 8], 0.9, [0.1, 0.1, 0.1], FastSigmoid(5.0), 0.0, binarize=False)
    net.eval().requires_grad_(False)
    frames = torch.rand(5, 2, 1, 16, 16)
    assert torch.equal(Segmented(net, 2)(frames), net(frames))
