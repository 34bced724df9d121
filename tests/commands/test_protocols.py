"""Published settings and protocols: what conf.py holds, and what a run by them does."""

import csv
import json

import pytest
import torch
from helpers.place import weights
from helpers.settings import settings_of as settings
from torch import nn

from common import build
from common.data.events import Binning, Events
from common.running import record
from common.training import losses


def metrics(path):
    with open(path / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_the_thesis_s_models_have_its_batches_and_its_seed():
    cases = settings("dvs_gesture", "case=all")
    assert {name: case["batch_size"] for name, case in cases.items()} == {
        "layer": 16, "neuron": 32, "neuron_0.01": 32, "neuron_0.1": 32}
    assert {case["seed"] for case in cases.values()} == {2020}
    assert settings("dvs_gesture", "net=plifnet", "tau=fixed")["batch_size"] == 16


@pytest.mark.parametrize("case, wanted", [
    ("spsn", {"neuron": "spsn", "spike": "sb", "hidden_sizes": [128, 128, 128], "lr_schedule": "none"}),
    ("paralif", {"neuron": "paralif", "spike": "d", "hidden_sizes": [128, 128, 128], "recurrent": False,
                 "learn_threshold": True, "lr_schedule": "step", "lr_step_epochs": 25, "lr_step_factor": 0.5}),
    ("paralif_recurrent", {"hidden_sizes": [256], "recurrent": True, "learn_threshold": True, "lr_step_epochs": 25}),
])
def test_spsn_s_and_paralif_s_defaults_are_cases(case, wanted):
    protocol = {"net": "mlp", "select_on": "last", "val_fraction": 0.0, "length": "batch", "optimizer": "adamax",
                "lr": 1e-3, "batch_size": 64, "num_epochs": 200, "dt_ms": 1.0}
    found = settings("shd", f"case={case}")
    assert {key: found[key] for key in protocol | wanted} == protocol | wanted


def test_a_case_s_key_can_be_overridden():
    assert settings("shd", "case=spsn", "neuron=lif")["neuron"] == "lif"


@pytest.mark.parametrize("directory", ["mnist", "fashion_mnist"])
def test_what_the_originals_leave_at_pytorch_s_default_is_a_key(directory):
    found = settings(directory, "optimizer=adam")
    assert [found[key] for key in ("clip_grad_norm", "clamp_weights", "betas", "eta_min", "weight_decay")] == [
        0.0, False, [0.9, 0.999], 0.0, 0.0]


def test_the_non_spiking_net_starts_as_linear_layers_do():
    """Uniform within 1 / sqrt(fan_in), the biases too."""
    found = settings("shd", "net=mlp", "neuron=non_spiking")
    torch.manual_seed(3)
    ours = build.net(found, (700,), 20)
    torch.manual_seed(3)
    for synapse, shape in zip(ours.synapses.values(), [(700, 128), (128, 128), (128, 128), (128, 20)], strict=True):
        layer = nn.Linear(*shape)
        assert torch.equal(synapse.linear.weight, layer.weight) and torch.equal(synapse.linear.bias, layer.bias)
    assert not build.net(settings("shd", "net=mlp", "neuron=lif"), (700,), 20).synapses["fc1"].linear.bias.any()


def test_a_batch_is_padded_on_the_left_to_its_longest():
    """As SPSN's code has it: the same events, so many steps later, and no mask."""
    recordings = [[(0.001, 0), (0.004, 3)], [(0.0, 1)], [(0.002, 2), (0.0079, 0)], []]
    times, units = (torch.tensor([event[k] for recording in recordings for event in recording]) for k in (0, 1))
    offsets = torch.tensor([0, *(len(recording) for recording in recordings)]).cumsum(0)
    labels = torch.arange(4)

    def batch(length, indices, num_steps=20):
        events = Events(times, units.int(), offsets, labels, labels, 5, Binning(1.0, num_steps, length))
        return events.batch(torch.tensor(indices))[0]

    for indices, lengths in (([0, 1, 2, 3], [5, 1, 8, 1]), ([1, 0], [1, 5]), ([3], [1])):
        right = batch("batch", indices)
        assert right.mask is None and right.shape[0] == max(lengths)
        for k, (index, length) in enumerate(zip(indices, lengths, strict=True)):
            alone = batch("sample", [index]).dense()[:, 0]
            assert len(alone) == length and torch.equal(right.dense()[-length:, k], alone)
            assert not right.dense()[:-length, k].any()
    assert batch("batch", [0, 2], num_steps=3).shape[0] == 3  # cut at num_steps all the same


def test_the_gradient_of_a_maximum_goes_to_one_of_equal_steps():
    output = torch.tensor([[[1.0, 2.0]], [[3.0, 2.0]], [[3.0, 0.0]]], requires_grad=True)  # [T, B, K]
    losses.reduced(output, None, "max").sum().backward()
    assert output.grad.sum(0).tolist() == [[1, 1]] and set(output.grad.flatten().tolist()) == {0, 1}


def test_the_last_epoch_of_a_run_without_validation(place):
    arguments = ["select_on=last", "val_fraction=0.0", "num_epochs=3", "clip_grad_norm=0.5", "clamp_weights=True",
                 "betas=[0.8,0.9]", "eta_min=0.001", "weight_decay=0.01"]
    path, stdout, _ = place.train("mnist", *arguments)
    (trial,) = record.read_result(path)["trials"]
    assert (trial["best_epoch"], trial["val"]) == (3, None) and "64 training, 0 validation" in stdout
    assert not [key for key in metrics(path)[0] if key.startswith("val_")] and "val " not in stdout
    assert stdout.splitlines()[-2].endswith(", your own set, last epoch")
    last, best = weights(path / "trial_0" / "last.pt"), weights(path / "trial_0" / "best.pt")
    assert all(torch.equal(last[key], best[key]) for key in last)
    assert last["synapses.conv1.conv.weight"].abs().max() <= 1
    assert (path / "figures" / "learning_curves.png").exists()


def test_the_last_epoch_is_tested_also_where_another_was_better(place):
    path, *_ = place.train("mnist", "select_on=last", "num_epochs=4", "lr=0.3")
    assert record.read_result(path)["trials"][0]["best_epoch"] == 4
    best, *_ = place.train("mnist", "num_epochs=4", "lr=0.3")
    assert record.read_result(best)["trials"][0]["best_epoch"] < 4  # so that the two differ


def test_the_optimizers_take_their_keys():
    found = settings("mnist", "betas=[0.8,0.95]", "weight_decay=0.25", "eta_min=0.001", "cosine_iterations=2", "lr=0.1")
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer, schedule = build.optimizer(found, [weight], 1)
    assert (optimizer.defaults["betas"], optimizer.defaults["weight_decay"]) == ((0.8, 0.95), 0.25)
    rates = []
    for _ in range(4):
        optimizer.step(), schedule.step()
        rates += schedule.get_last_lr()
    assert rates == pytest.approx([0.0505, 0.001, 0.0505, 0.1])
    found = settings("mnist", "net=plifnet", "eta_min=0.001", "cosine_epochs=2", "lr=0.1")
    optimizer, schedule = build.optimizer(found, [weight], 1)
    optimizer.step(), schedule.step()
    assert schedule.get_last_lr() == pytest.approx([0.0505])
    with pytest.raises(ValueError, match="betas are two numbers"):
        build.optimizer(settings("mnist", "betas=[0.8]"), [weight], 1)


def test_evaluate_says_when_it_finds_another_number(place):
    path, *_ = place.train("mnist", "num_epochs=1")
    result = json.loads((path / "result.json").read_text())
    status, _, stderr = place.call("mnist", f"evaluate=runs/{path.name}")
    assert status == 0 and "differs" not in stderr
    result["trials"][0]["test"] += 0.25
    (path / "result.json").write_text(json.dumps(result))
    status, _, stderr = place.call("mnist", f"evaluate=runs/{path.name}")
    assert status == 0 and "warning: trial 0 differs from result.json in test " in stderr


def test_a_schedule_that_a_row_of_conf_py_adds_is_in_the_checkpoint(place):
    conf = place.root / "mnist" / "conf.py"
    before, row = conf.read_text(), """
plifnet |= {
    "threshold_schedule": "exponential", "thresholds_final": [1.5, 1.5, 1.5, 0.5], "anneal_rates": [0.5, 0.5, 0.5, 0.5],
}
"""
    conf.write_text(before + row)
    try:
        path, *_ = place.train("mnist", "net=plifnet", "channels=4", "hidden_size=8")
        status, _, stderr = place.call("mnist", f"evaluate=runs/{path.name}")
    finally:
        conf.write_text(before)
    assert status == 0 and "differs" not in stderr
    thresholds = [value.item() for key, value in weights(path / "trial_0" / "last.pt").items() if "threshold" in key]
    left = 0.5 * 0.5**6  # of the way, after six iterations
    assert thresholds == pytest.approx([1.5 - left] * 3 + [0.5 + left])


@pytest.mark.parametrize("neuron", ["non_spiking", "spsn", "paralif"])
def test_what_has_no_threshold_or_learns_it_is_not_annealed(neuron):
    found = settings("shd", "net=mlp", f"neuron={neuron}", *["learn_threshold=True"] * (neuron == "paralif"))
    net = build.net(found, (7,), 2)
    schedule = {"threshold_schedule": "linear", "thresholds_final": [1.0] * 3, "anneal_rates": [0.1] * 3}
    with pytest.raises(ValueError, match="threshold_schedule must be 'none': .* has no threshold, or learns it"):
        build.threshold_schedule(found | schedule, list(net.neurons.values()))

