"""Nets whose connections compute in bfloat16."""

import pytest
import torch
from helpers.recorders import Tensors

from common import build
from common.sequence import full
from common.settings.resolution import completed

COMMON = {"binarize": False, "dropout": 0.0, "surrogate": "fast_sigmoid", "slope": 5.0}
CONFIGS = {
    "convnet": {"channels": [8, 16], "batch_norm": True, "beta": 0.9, "thresholds": [1.0, 1.0, 1.0],
                "reset": "subtract"},
    "plifnet": {"channels": 8, "num_layers": 2, "hidden_size": 32, "pool": "max", "tau": "layer", "init_tau": 2.0,
                "detach_reset": True},
    "resnet19": {"channels": 8, "stem": 8, "hidden_size": 16, "readout": "membrane", "threshold": 0.4, "beta": 0.25,
                 "reset": "zero", "detach_reset": False},
}


def made(net, **settings):
    torch.manual_seed(0)
    return build.net(completed(CONFIGS[net] | COMMON | {"net": net} | settings), (1, 28, 28), 10)


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("binarize", [True, False])
@pytest.mark.parametrize("net", CONFIGS)
def test_a_step_in_bfloat16_is_near_the_one_in_float32(net, binarize, static):
    """Currents and gradients are rounded to 8 bits, and no more; all else stays in float32."""
    image = torch.rand(8, 1, 28, 28) if static else torch.rand(4, 8, 1, 28, 28)
    x, first = image.expand(4, 8, 1, 28, 28), {}
    for precision in ("float32", "bf16"):
        module, seen = made(net, binarize=binarize, precision=precision), Tensors()
        output = module(x, seen)
        output.sum().backward()
        grads = [parameter.grad for parameter in module.parameters()]
        assert {value.dtype for value in (output, *grads, *seen.fired.values())} == {torch.float32}
        assert all(grad.isfinite().all() for grad in grads)
        first[precision] = full(next(iter(seen.currents.values())))
    difference = (first["bf16"] - first["float32"]).abs()
    assert 0 < difference.max() < 0.03 * first["float32"].abs().max()


@pytest.mark.parametrize("net", CONFIGS)
def test_spikes_and_binarized_weights_are_exact_while_sums_are_small(net):
    """Sums of at most 256 products of a spike and a weight of -1 or 1 are whole numbers that bfloat16 has."""
    module = made(net, binarize=True, precision="bf16").eval()
    name = {"convnet": "fc", "plifnet": "conv2", "resnet19": "block1_conv1"}[net]
    connection = next(m for m in module.synapses[name].modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear)))
    shape = (4, 8, 9, 9) if isinstance(connection, torch.nn.Conv2d) else (4, connection.in_features)
    spikes = (torch.rand(shape) < 0.2).float()
    with torch.autocast("cpu", torch.bfloat16):
        low = connection(spikes)
    assert low.dtype == torch.bfloat16 and torch.equal(low.float(), connection(spikes))


def test_a_checkpoint_serves_both_precisions():
    one, other = made("resnet19", precision="bf16"), made("resnet19", precision="float32")
    assert not other.load_state_dict(one.state_dict()).missing_keys


@pytest.mark.parametrize("net", CONFIGS)
def test_another_precision_is_refused(net):
    with pytest.raises(ValueError, match="precision must be 'float32' or 'bf16', got 'int8'"):
        made(net, precision="int8")
