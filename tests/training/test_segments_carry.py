"""What is handed on from segment to segment: enough to go on, no more than a step, and not by every net."""

import copy

import pytest
import torch
from helpers.segmented_nets import BATCH, NETS, NUM_STEPS, TIMES, tha_mlp

from common.bench.workloads.shd import random_events
from common.data.events import EventBatch
from common.nets.mlp import SpikingMLP
from common.nets.plifnet import PLIFNet
from common.nets.resnet19 import ResNet19
from common.neurons import LIF, PLIF, LeakyIntegrator, SynapticLIF
from common.surrogate import ATan, FastSigmoid
from common.training.segments import Segmented

LAYERS = {
    **{f"{reset}{', not detached' * (not detached)}": LIF(0.9, 0.8, FastSigmoid(5.0), reset, detached)
       for reset in ("subtract", "zero") for detached in (True, False)},
    "synaptic": SynapticLIF(**TIMES, surrogate=ATan(2.0)),
    "read-out": LeakyIntegrator(**TIMES),
}


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
