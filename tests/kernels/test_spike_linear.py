"""The linear layer on spikes against F.linear on the same tensor, and ours of W8 against its peers."""

import pytest
import torch
from torch.nn import functional as F

from common.bench.workloads.linear_lif import linear_lif
from common.kernels import spike_linear as module
from common.kernels.event_linear import ROWS
from common.kernels.spike_linear import MAX_DENSITY, SAMPLED, spike_linear
from common.nets.mlp import Synapse


@pytest.fixture(autouse=True)
def any_size(monkeypatch):
    monkeypatch.setattr(module, "MIN_SIZE", 0)
    monkeypatch.setattr(module, "MIN_OUTPUTS", 0)


def spikes(*shape, density=0.1, values="ones", dtype=torch.float64):
    x = (torch.rand(shape) < density).to(dtype)
    return x if values == "ones" else x * torch.randn(shape, dtype=dtype)


def layer(num_outputs, num_inputs, dtype=torch.float64):
    weight = torch.randn(num_outputs, num_inputs, dtype=dtype, requires_grad=True)
    return weight, torch.randn(num_outputs, dtype=dtype, requires_grad=True)


def went(current):
    """Whether the nonzeros alone were computed with."""
    return "SparseLinear" in str(current.grad_fn.next_functions[0][0])


@pytest.mark.parametrize("values", ["ones", "real"])
@pytest.mark.parametrize("sizes", [(1, 17, 40, 1), (7, 3, 20, 5), (40, 30, 50, 65), (ROWS, 2, 10, 300)])
def test_output_and_gradients_equal_the_dense_layer(sizes, values):
    torch.manual_seed(1)
    num_steps, batch, num_inputs, num_outputs = sizes
    x = spikes(num_steps, batch, num_inputs, density=0.05, values=values).requires_grad_()
    weight, bias = layer(num_outputs, num_inputs)
    current, reference = spike_linear(x, weight, bias), F.linear(x, weight, bias)
    assert went(current) and current.shape == (num_steps, batch, num_outputs)
    torch.testing.assert_close(current, reference, rtol=1e-12, atol=1e-12)
    upstream = torch.randn_like(current)
    gradients = [torch.autograd.grad(out, (x, weight, bias), upstream) for out in (current, reference)]
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


def test_of_rows_without_a_spike_the_bias_alone_comes_out():
    weight, bias = layer(4, 3)
    current = spike_linear(torch.zeros(2, 20, 3, dtype=torch.float64), weight, bias)
    assert went(current) and torch.equal(current, bias.expand(2, 20, 4))
    current.sum().backward()
    assert torch.equal(weight.grad, torch.zeros(4, 3)) and torch.equal(bias.grad, torch.full((4,), 40.0).double())


def test_a_nan_is_no_zero():
    x = torch.zeros(1, 20, 30)
    x[0, 3, 7] = torch.nan
    current = spike_linear(x, *layer(4, 30, torch.float32))
    assert went(current) and current.isnan().flatten(0, 1).all(1).nonzero().tolist() == [[3]]


@pytest.mark.parametrize("x", [
    spikes(10, 8, 30, density=MAX_DENSITY + 0.1),
    torch.cat([spikes(1, 1, 30, density=d) for _ in range(20) for d in (0, *(SAMPLED - 1) * [0.4])]),  # missed at first
], ids=["dense", "dense but for the rows looked at first"])
def test_a_dense_input_takes_the_dense_way(x):
    weight, bias = layer(5, 30)
    current = spike_linear(x, weight, bias)
    assert not went(current) and torch.equal(current, F.linear(x.flatten(0, 1), weight, bias).view_as(current))


def test_it_takes_any_memory_order_and_no_bias():
    x = spikes(4, 30, 20, density=0.05).transpose(0, 1)
    weight, _ = layer(6, 20)
    current = spike_linear(x, weight)
    assert went(current)
    torch.testing.assert_close(current, F.linear(x, weight), rtol=1e-12, atol=1e-12)


def test_float32_stays_and_a_mixture_or_autocast_is_torch_s_own():
    x, (weight, bias) = spikes(10, 8, 30, density=0.05, dtype=torch.float32), layer(5, 30, torch.float32)
    current = spike_linear(x, weight, bias)
    assert went(current) and current.dtype == torch.float32
    torch.testing.assert_close(current, F.linear(x, weight, bias))
    with torch.autocast("cpu", torch.bfloat16):
        assert spike_linear(x, weight, bias).dtype == torch.bfloat16
    with pytest.raises(RuntimeError, match="dtype"):
        spike_linear(x.double(), weight, bias)


def test_the_backward_keeps_the_nonzeros_not_the_input():
    kept = []
    x, (weight, bias) = spikes(10, 8, 30, density=0.05), layer(5, 30)
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        spike_linear(x, weight, bias)
        spike_linear(x.requires_grad_(), weight, bias)
    assert [tensor.shape for tensor in kept] == [weight.shape]


@pytest.mark.parametrize("binarized", [False, True])
def test_a_synapse_of_a_net_computes_with_the_spikes_alone(binarized):
    synapse, x = Synapse(30, 5, binarized).double(), spikes(10, 8, 30, density=0.05)
    current = synapse(x)
    assert went(current)
    torch.testing.assert_close(current, synapse.linear(x), rtol=1e-12, atol=1e-12)


@pytest.fixture
def in_float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("density", [1, 0.1])
@pytest.mark.parametrize("peer", ["snntorch", "jelly_m", "jelly_s"])
def test_both_sides_of_linear_lif_compute_the_same(monkeypatch, in_float64, peer, density):
    if peer != "snntorch":
        pytest.importorskip("spikingjelly")
    torch.manual_seed(4)
    layers, Linear = [], torch.nn.Linear
    monkeypatch.setattr(torch.nn, "Linear", lambda *sizes: layers.append(Linear(*sizes)) or layers[-1])
    steps = linear_lif(peer, density, num_steps=50, batch_size=4, size=40)
    found = []
    for side in ("ours", "peer"):
        spikes = steps[side]()
        found.append((spikes.double(), *(parameter.grad for parameter in layers[0].parameters())))
    (mine, *gradients), (theirs, *references) = found
    assert torch.equal(mine, theirs) and 0.01 < mine.mean() < 0.9
    tolerance = 1e-6 if peer == "snntorch" else 1e-12  # it hands spikes on as float32
    for gradient, reference in zip(gradients, references, strict=True):
        assert (gradient - reference).abs().max() <= tolerance * reference.abs().max() > 0
