"""Each conf.py as it stands: literals, whose every combination of answers builds a run."""

import ast
import functools
from types import SimpleNamespace

import pytest
import torch
from helpers.place import ROOT
from helpers.settings import DIRECTORIES, conf_of, settings_of

from common import build
from common.settings.arguments import show_value
from common.settings.help import help_text
from common.settings.keys import KEYS
from common.settings.resolution import columns, completed, holds, nets_of, options_of, resolve

IN_SHAPES = {"mnist": (1, 28, 28), "fashion_mnist": (1, 28, 28), "shd": (700,), "temporal_coding": (100,),
             "dvs_gesture": (2, 32, 32)}
TOGETHER = ("net", "binarize", "neuron", "spike", "tau", "readout", "surrogate", "threshold_schedule")
ALONE = ("optimizer", "lr_schedule", "loss", "select_on", "val_split", "augment", "recurrent", "learn_tau",
         "learn_threshold", "per_neuron", "learn_surrogate", "surrogate_center", "split_by", "rate_limit")
READ_ELSEWHERE = {"checkpoint_steps", "clip_grad_norm", "clamp_weights", "eval_repeats", "rate_limit", "tau_penalty",
                  "tau_penalty_on", "tau_std"}  # by the task; tau_std is of a PLIF net's start

DIFFERENT = {  # what Fashion-MNIST's conf.py has otherwise than MNIST's
    "config": {"exp_name"},
    "convnet": {"dropout", "beta", "slope", "thresholds", "thresholds_final", "anneal_rates", "optimizer", "momentum",
                "lr"},
    "plifnet": {"pixel_mean", "pixel_std", "augment"},
    "resnet19": {"pixel_mean", "pixel_std"},
}


@pytest.fixture(params=DIRECTORIES)
def directory(request):
    return request.param


class Watched(dict):
    """A dict that knows which keys were read."""
    read = frozenset()

    def __getitem__(self, key):
        self.read |= {key}
        return super().__getitem__(key)

    def get(self, key, default=None):
        return self[key] if key in self else default


def answers(conf, settings, key):
    """What one may answer to a key of these settings."""
    if key == "net":
        return nets_of(conf)
    if key == "val_split":
        return ["random", *(condition.partition("=")[2] for condition in columns(conf) if condition.startswith(key))]
    if key == "threshold_schedule" and "thresholds" not in settings:
        return ["none"]  # of no other net has conf.py final thresholds
    if key == "loss" and "on_target" not in settings:
        return [loss for loss in build.REGISTRIES["loss"] if loss != "mse_membrane_loss"]  # the spike-timing task's
    option = options_of(settings).get(key)
    rule = option.rule if option else KEYS.get(key)
    return rule.choices if rule and rule.choices else build.REGISTRIES[key] if key in build.REGISTRIES else [0.0, 0.5]


@functools.cache
def runs(directory):
    """{line: settings} of every combination of answers to TOGETHER, and of some of these with each answer to ALONE."""
    conf = conf_of(directory)
    found = {(): resolve(conf)}
    for key in TOGETHER:
        found = {longer: resolve(conf, longer) for line, settings in found.items()
                 for longer in ([(*line, f"{key}={answer}") for answer in answers(conf, settings, key)]
                                if key in settings else [line])}
    singles = [(*line, f"{key}={answer}") for line, settings in [*found.items()][:: max(len(found) // 12, 1)]
               for key in ALONE if key in settings for answer in answers(conf, settings, key)]
    return found | {line: resolve(conf, line) for line in singles}


def trainable(settings):
    """Whether the loss is of what the net returns, and of what the task of this conf.py needs."""
    if settings["loss"] == "mse_membrane_loss" or "spike_time" in settings:
        return False
    return (settings.get("readout"), settings["loss"]) != ("membrane", "mse_count_loss")


def test_every_data_set_s_directory_is_tested_here():
    assert {path.parent.name for path in ROOT.glob("*/conf.py")} == set(DIRECTORIES)


def test_conf_py_is_literals_and_shows_its_switch_first(directory):
    path = ROOT / directory / "conf.py"
    docstring, *statements = ast.parse(path.read_text()).body
    assert isinstance(docstring.value.value, str) and isinstance(statements[0], ast.Assign)
    sections = {statement.targets[0].id: ast.literal_eval(statement.value) for statement in statements}
    assert next(iter(sections)) == "config" and next(iter(sections["config"])) == "net"
    assert {*sections} - set(nets_of(conf_of(directory))) <= {"config", "columns", "cases", "tables"}
    switch = next(number for number, line in enumerate(path.read_text().splitlines(), 1) if '"binarize"' in line)
    assert switch <= 40 and sections["columns"]


def test_a_row_stands_once(directory):
    """No line of conf.py is repeated in the same dict; a column repeats no value that its net's dict has."""
    conf = conf_of(directory)
    source = (ROOT / directory / "conf.py").read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            keys = [ast.literal_eval(key) for key in node.keys]
            assert len(keys) == len(set(keys))
    for condition, values in columns(conf).items():
        nets = [net for net in nets_of(conf) if f"net={net}" in condition.split()]
        for key, value in values.items():
            assert not any(getattr(conf, net).get(key) == value for net in nets) or "threshold" in condition, key


def test_fashion_mnist_s_is_mnist_s_but_for_these_keys():
    mnist, fashion = conf_of("mnist"), conf_of("fashion_mnist")
    for section, different in DIFFERENT.items():
        ours, theirs = getattr(mnist, section), getattr(fashion, section)
        assert {key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)} == different, section
    assert [*columns(mnist)] == [*columns(fashion)]
    assert columns(mnist)["augment=True"] == columns(fashion)["augment=True"]


def test_dvs_gesture_s_plif_net_is_mnist_s_but_for_these_keys():
    mnist, gesture = conf_of("mnist").plifnet, conf_of("dvs_gesture").plifnet
    assert {key for key in {**mnist, **gesture} if mnist.get(key) != gesture.get(key)} == {
        "num_steps", "pixel_mean", "pixel_std", "augment", "split_by", "downsample", "num_layers", "hidden_size",
        "num_epochs"}


def test_every_column_applies_to_some_run_and_each_of_its_keys_has_an_effect_there(directory):
    conf = conf_of(directory)
    cases = [(f"case={name}",) for name in getattr(conf, "cases", {})]
    annealed = [(*case, "threshold_schedule=linear") for case in cases if "case" in conf.config]
    found = [*runs(directory).values(), *(settings_of(directory, *line) for line in [*cases, *annealed])]
    for condition, values in columns(conf).items():
        assert any(holds(condition, run) and values.keys() <= run.keys() for run in found), condition


def test_every_combination_of_answers_builds_a_run_and_each_of_its_keys_is_used(directory):
    in_shape, num_outputs = IN_SHAPES[directory], 1 if directory == "temporal_coding" else 10
    assert len(runs(directory)) >= 18
    for line, settings in runs(directory).items():
        settings = Watched(settings)
        if settings.get("per_neuron") and not (settings["learn_tau"] or settings.get("learn_threshold")):
            continue
        with torch.device("meta"):
            net = build.net(settings, in_shape, num_outputs)
        assert [*net.synapses] and all(parameter.is_meta for parameter in net.parameters())
        build.threshold_schedule(settings, [SimpleNamespace(threshold=torch.ones(())) for _ in net.neurons])
        weight = torch.nn.Parameter(torch.ones(1))
        build.optimizer(settings, [weight], 1)
        if trainable(settings):
            output = torch.zeros(settings["num_steps"], 1, num_outputs)
            assert build.loss(settings)(output, torch.ones(1, dtype=torch.int64)).isfinite()
        conditions = {key for option in options_of(settings).values() for key in option.when}
        of_loss = build.REGISTRIES["loss"][settings["loss"]].options.keys()
        used = settings.read | KEYS.keys() | READ_ELSEWHERE | conditions | of_loss
        assert set(settings) <= used, (line, set(settings) - used)


def test_every_registry_s_line_can_be_chosen_somewhere():
    found = {key: set() for key in build.REGISTRIES}
    for directory in DIRECTORIES:
        for settings in runs(directory).values():
            for key in found.keys() & settings.keys():
                found[key].add(settings[key])
    assert found == {key: set(registry) for key, registry in build.REGISTRIES.items()}


@pytest.mark.parametrize("net", build.NETS)
def test_help_has_every_key_of_a_run_with_its_value_and_a_comment(directory, net):
    conf = conf_of(directory)
    if net not in nets_of(conf):
        pytest.skip("another directory's net")
    arguments = [f"net={net}"]
    settings, text = resolve(conf, arguments), help_text(conf, arguments)
    assert completed(settings) == settings and None not in settings.values()
    shown = dict(line.strip().split("=", 1) for line in text.splitlines() if line[:2] == "  " and line[2] != " "
                 and line.strip().split("=")[0] in settings and ":" != line[-1])
    assert text.startswith(conf.__doc__.strip()) and set(shown) == set(settings)
    for key, value in settings.items():
        assert shown[key].startswith(show_value(value)), key
    assert not [key for key, line in shown.items() if line == show_value(settings[key])], "a key without a meaning"
    cases = [f"case={name}" for name in getattr(conf, "cases", {})]
    for condition in [*columns(conf), *cases]:
        concerned = "net=" not in condition or f"net={net}" in condition.split()
        assert (f"  {condition}:" in text.splitlines()) == concerned, condition
