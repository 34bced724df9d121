"""Each conf.py as it stands: literals, whose every combination of answers builds a run."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest
import torch
from helpers.place import ROOT

from common import build
from common.settings.help import help_text
from common.settings.resolution import choices, resolve

IN_SHAPES = {"mnist": (1, 28, 28), "fashion_mnist": (1, 28, 28), "shd": (700,), "temporal_coding": (100,),
             "dvs_gesture": (2, 32, 32)}  # fmt: skip
CHOICES = {"optimizer": ["adam", "sgd"], "lr_schedule": ["cosine", "step", "none"],  # beside the answers that rows name
           "threshold_schedule": ["exponential", "linear", "none"]}  # fmt: skip
APART = ("optimizer", "lr_schedule", "select_on", "val_split")  # on which no row with another of these depends
RUN_KEYS = {  # read by experiment, trial, the task and the data, not by a builder
    "case", "num_iterations", "num_inputs", "spike_time", "num_frames", "num_threads", "val_split", "val_speakers",
    "values", "length", "window_ms", "augment", "shift", "scale_time", "scale_channels", "scale_together",
    "rate_limit", "clip_grad_norm", "clamp_weights", "eval_repeats", "dt_ms", "num_steps_test", "split_by",
    "downsample", "normalization", "flip_lr", "jitter_pixels", "jitter_ms", "drop", "noise", "shift_pixels",
    "val_users", "tau_penalty", "tau_penalty_on", "pixel_mean", "pixel_std", "rotation", "scale", "crop", "score",
    "exp_name", "num_trials", "seed", "data_dir", "source", "subset", "val_fraction", "select_on", "device",
    "num_steps", "num_epochs", "batch_size", "patience", "checkpoint_steps", "ties"}  # fmt: skip


@pytest.fixture(params=IN_SHAPES)
def conf(request):
    spec = importlib.util.spec_from_file_location(f"{request.param}_conf", ROOT / request.param / "conf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def combinations(conf):
    """Command lines that give every answer to every switch, each switch where it exists; those APART in turn."""
    switches = {key: list(values) for key, values in CHOICES.items()}
    if not any("lr_step_epochs" in values for _, values in conf.conditional):
        switches["lr_schedule"].remove("step")
    for condition, _ in conf.conditional:
        for key, value in condition.items():
            switches.setdefault(key, [True, False] if isinstance(value, bool) else [])
            switches[key] += [choice for choice in choices(value) if choice not in switches[key]]
    lines = [()]
    for key in dict.fromkeys(key for _, values in [({}, conf.config), *conf.conditional] for key in values):
        if key in switches and key not in APART:
            lines = list(dict.fromkeys(answered(conf, lines, key, switches[key])))
    return [*lines, *(line for key in APART if key in switches for line in answered(conf, lines, key, switches[key]))]


def answered(conf, lines, key, answers):
    """The lines with each answer to one more switch, where it exists."""
    for line in lines:
        exists = key in resolve(conf.config, conf.conditional, line)
        yield from ((*line, f"{key}={answer}") for answer in answers) if exists else [line]


class Watched(dict):
    """A dict that knows which keys were read."""
    read = frozenset()

    def __getitem__(self, key):
        self.read |= {key}
        return super().__getitem__(key)

    def get(self, key, default=None):
        return self[key] if key in self else default


def test_every_data_set_s_directory_is_tested_here():
    assert {path.parent.name for path in ROOT.glob("*/conf.py")} == set(IN_SHAPES)


def test_conf_py_is_literals(conf):
    docstring, *statements = ast.parse(Path(conf.__file__).read_text()).body
    assert isinstance(docstring.value.value, str)
    found = {target.id: ast.literal_eval(statement.value) for statement in statements for target in statement.targets}
    cases = {name: getattr(conf, name) for name in ("cases", "tables") if hasattr(conf, name)}
    assert found == {"config": conf.config, "conditional": conf.conditional} | cases


def test_every_condition_names_a_key_and_every_row_applies_to_some_run(conf):
    runs = [resolve(conf.config, conf.conditional, line) for line in combinations(conf)]
    for condition, values in conf.conditional:
        fitting = [run for run in runs if all(run.get(key) in choices(value) for key, value in condition.items())]
        assert any(values.keys() <= run.keys() for run in fitting), condition


def test_every_combination_of_answers_builds_a_run_and_each_of_its_keys_is_used(conf):
    directory = Path(conf.__file__).parent.name
    in_shape, num_outputs = IN_SHAPES[directory], 1 if directory == "temporal_coding" else 10
    lines = combinations(conf)
    assert len(lines) >= 36  # 2 weights, 3 threshold schedules, 3 of lr, 2 optimizers
    for line in lines[:: len(lines) // 200 + 1]:
        settings = Watched(resolve(conf.config, conf.conditional, line))
        if (settings.get("readout"), settings["loss"]) == ("membrane", "mse_count_loss"):
            continue  # no spikes to count
        net = build.net(settings, in_shape, num_outputs)
        build.threshold_schedule(settings, list(net.neurons.values()))
        build.optimizer(settings, net.parameters(), 1)
        build.loss(settings)(torch.zeros(settings["num_steps"], 1, num_outputs), torch.ones(1, dtype=torch.int64))
        assert set(settings) - settings.read <= RUN_KEYS, line


def test_help_has_every_key_with_its_value_and_its_comment(conf):
    text = re.split("\ncases = |\ntables = ", Path(conf.__file__).read_text())[0]
    comments = dict.fromkeys(re.findall(r'^ *"(\w+)": .*?[^{],(?: *# (.*))?$', text, re.M))
    lines = [line.strip() for line in help_text(conf).splitlines()]
    assert lines[0] == conf.__doc__.strip() and len(comments) > 25
    for key, comment in comments:
        assert any(line.startswith(f"{key}=") and line.endswith(comment) for line in lines), (key, comment)
    for condition, values in [({}, conf.config), *conf.conditional]:
        answers = [f"{key}={'|'.join(map(str, choices(value)))}" for key, value in condition.items()]
        title = " ".join(["With", *answers]) if condition else "Always"
        section = lines[lines.index(f"{title}:") + 1 :][: len(values)]
        wanted = [f"{key}={value}".replace(" ", "") for key, value in values.items()]
        assert [line.split(" ")[0] for line in section] == wanted
    for name, values in getattr(conf, "cases", {}).items():
        given = " ".join(f"{key}={value}" for key, value in values.items())
        assert f"case={name}".ljust(42) + given in lines
