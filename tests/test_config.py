import ast
import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from common import annealing, losses, nets, optim
from common.config import UserError, check, choices, help_text, parse, refuse_unread, resolve, user_errors

ROOT = Path(__file__).parents[1]
IN_SHAPES = {"mnist": (1, 28, 28), "fashion_mnist": (1, 28, 28), "shd": (700,), "temporal_coding": (100,),
             "dvs_gesture": (2, 32, 32)}  # fmt: skip
CHOICES = {"optimizer": ["adam", "sgd"], "lr_schedule": ["cosine", "step", "none"],  # beside the answers that rows name
           "threshold_schedule": ["exponential", "linear", "none"]}  # fmt: skip
RUN_KEYS = {  # read by experiment, trial, the task and the data, not by a builder
    "case", "num_iterations", "num_inputs", "spike_time", "num_frames", "num_threads", "val_split", "val_speakers",
    "values", "length", "window_ms", "augment", "shift", "scale_time", "scale_channels", "scale_together",
    "rate_limit", "clip_grad_norm", "clamp_weights", "eval_repeats", "dt_ms", "num_steps_test", "split_by",
    "downsample", "normalization", "flip_lr", "jitter_pixels", "jitter_ms", "drop", "noise", "shift_pixels",
    "val_users", "tau_penalty", "tau_penalty_on", "pixel_mean", "pixel_std", "rotation", "scale", "crop", "score",
    "exp_name", "num_trials", "seed", "data_dir", "source", "subset", "val_fraction", "select_on", "device",
    "num_steps", "num_epochs", "batch_size", "patience", "checkpoint_steps"}  # fmt: skip

CONFIG = {"net": "small", "lr": 0.01, "num_steps": 5, "binarize": True, "thresholds": [1.0, 2.0], "channels": [4, 8],
          "seed": 0}  # fmt: skip
ROWS = [
    ({"net": "small"}, {"dropout": 0.1, "lr_schedule": "cosine"}),
    ({"net": "large"}, {"dropout": 0.5, "lr_schedule": "none", "num_layers": 3}),
    ({"net": "small", "binarize": True}, {"beta": 0.5}),
    ({"lr_schedule": "cosine"}, {"cosine_iterations": 100}),
]


@pytest.fixture(params=IN_SHAPES)
def conf(request):
    spec = importlib.util.spec_from_file_location(f"{request.param}_conf", ROOT / request.param / "conf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def combinations(conf):
    """Command lines that give every answer to every switch, each switch where it exists."""
    switches = {key: list(values) for key, values in CHOICES.items()}
    if not any("lr_step_epochs" in values for _, values in conf.conditional):
        switches["lr_schedule"].remove("step")
    for condition, _ in conf.conditional:
        for key, value in condition.items():
            switches.setdefault(key, [True, False] if isinstance(value, bool) else [])
            switches[key] += [choice for choice in choices(value) if choice not in switches[key]]
    lines = [()]
    for key in dict.fromkeys(key for _, values in [({}, conf.config), *conf.conditional] for key in values):
        if key in switches:
            lines = dict.fromkeys(
                (*line, f"{key}={value}") if key in resolve(conf.config, conf.conditional, line) else line
                for line in lines for value in switches[key])  # fmt: skip
    return list(lines)


class Watched(dict):
    """A dict that knows which keys were read."""
    read = frozenset()

    def __getitem__(self, key):
        self.read |= {key}
        return super().__getitem__(key)

    def get(self, key, default=None):
        return self[key] if key in self else default


def test_an_answer_brings_its_rows_and_the_command_line_beats_them():
    small = {"dropout": 0.1, "lr_schedule": "cosine", "beta": 0.5, "cosine_iterations": 100}
    large = {"net": "large", "dropout": 0.5, "lr_schedule": "none", "num_layers": 3}
    assert resolve(CONFIG, ROWS) == CONFIG | small
    assert resolve(CONFIG, ROWS, ["net=large"]) == CONFIG | large
    assert resolve(CONFIG, ROWS, ["binarize=False", "dropout=0.75"])["dropout"] == 0.75
    assert resolve(CONFIG, ROWS, ["net=large", "lr_schedule=cosine"])["cosine_iterations"] == 100
    assert CONFIG["net"] == "small" and ROWS[0][1]["dropout"] == 0.1


@pytest.mark.parametrize("argument, value", [
    ("lr=1", 1.0), ("lr=1e-3", 0.001), ("num_steps=1_000", 1000), ("binarize=False", False), ("net=large", "large"),
    ("thresholds=[1,2.5]", [1.0, 2.5]), ("channels=[1, 2, 3]", [1, 2, 3]), ("data_dir=/a=b", "/a=b")])
def test_a_value_has_the_type_of_conf_py(argument, value):
    found = parse([argument], CONFIG | {"data_dir": "~"})[argument.partition("=")[0]]
    assert found == value and type(found) is type(value)
    assert not isinstance(value, list) or [type(item) for item in found] == [type(item) for item in value]


@pytest.mark.parametrize("argument, message", [
    ("binarise=True", "no key 'binarise'; did you mean 'binarize'"), ("--num-steps=3", "did you mean 'num_steps'"),
    ("xyz=1", "no key 'xyz'; --help lists them"), ("=1", "no key ''"), ("binarize", "expected key=value, got 'bina"),
    ("", "expected key=value, got ''"), ("lr=fast", "lr is a float, as in lr=0.01; got 'fast'"),
    ("lr=", "lr is a float"), ("lr=nan", "lr is a float"), ("lr=True", "lr is a float"), ("lr=[1.0]", "lr is a float"),
    ("lr=None", "lr is a float"), ("lr={[]:1}", "lr is a float"), ("lr=" + 300 * "(", "lr is a float"),
    ("lr=1e999", "lr"), ("lr=1" + 400 * "0", "lr"), ("thresholds=[1e999,1]", "thresholds"),
    ("num_steps=2.0", "num_steps is a"), ("num_steps=True", "num_steps is a"), ("binarize=1", "binarize is a bool"),
    ("binarize=true", "binarize is a bool, as in binarize=True; got 'true'"),
    ("thresholds=1.0", "thresholds is a list of float"), ("thresholds=[]", "thresholds is a list of float"),
    ("thresholds=(1,2)", "thresholds is a list of float"), ("thresholds=[1,True]", "thresholds is a list of float"),
    ("thresholds=[1,'2']", "thresholds is a list of float"), ("thresholds=[1,[2]]", "thresholds is a list of float"),
    ("channels=[1.0,2]", "channels is a list of int"), ("channels=[True,2]", "channels is a list of int"),
    ("lr=0", r"lr must lie in \(0, 1e37\], got 0.0"),
    ("thresholds=[1,-2]", r"thresholds must exceed 0.*, got \[1.0, -2.0\]"),
    ("num_steps=0", "num_steps must be .*1 or more, got 0"), ("seed=-1", "seed must be .*0 or more"),
    ("dropout=1", r"dropout must lie in \[0, 1\)"), ("beta=1", r"beta must lie in \(0, 1\)"),
    ("net=huge", "net must be one of 'large', 'small', got 'huge'"), ("net=", "net must be one of"),
    ("lr_schedule=linear", "lr_schedule must be one of 'cosine', 'step', 'none', got"),
    ("num_layers=2", "num_layers has no effect here; it needs net=large"),
])
def test_a_bad_argument_is_named(argument, message):
    with pytest.raises(ValueError, match=message):
        resolve(CONFIG, ROWS, [argument])


def test_two_arguments_that_do_not_go_together():
    with pytest.raises(ValueError, match="lr is given twice"):
        resolve(CONFIG, ROWS, ["lr=1", "lr=1"])
    with pytest.raises(ValueError, match="beta has no effect here; it needs net=small binarize=True"):
        resolve(CONFIG, ROWS, ["beta=0.5", "binarize=False"])
    with pytest.raises(ValueError, match="dropout has no effect here; it needs a=1 or a=2"):
        resolve({"a": 0}, [({"a": 1}, {"dropout": 0.1}), ({"a": 2}, {"dropout": 0.1})], ["dropout=0.5"])


@pytest.mark.parametrize("rows", [[({"net": "small"}, {"lr": 0.1})], [*ROWS, ({"beta": 0.5}, {"dropout": 0.2})],
                                  [*ROWS, ({"net": "another"}, {"lr": 0.1})]])
def test_a_key_with_two_homes_is_refused(rows):
    with pytest.raises(ValueError, match="conf.py sets (lr|dropout) twice, again under"):
        resolve(CONFIG, rows)


@pytest.mark.parametrize("key, value", [
    ("lr", "0.01"), ("lr", None), ("lr", float("nan")), ("lr", float("inf")), ("thresholds", [1.0, "2"]),
    ("num_steps", 0), ("num_steps", 10.0), ("beta", 1.0), ("device", 0), ("device", "gpu"), ("device", "cpu:x"),
    ("exp_name", ""), ("exp_name", "a/b"), ("select_on", "train"), ("source", None), ("seed", 2**64),
    ("hidden_sizes", [])])
def test_a_value_that_conf_py_itself_gets_wrong_is_named(key, value):
    with pytest.raises(ValueError, match=key):
        check(key, value, ())


@pytest.mark.parametrize("key, value", [
    ("device", "cuda:1"), ("device", "auto"), ("lr", 1e-9), ("patience", 0), ("correct_rate", 1.0), ("dropout", 0.0)])
def test_a_value_at_the_edge_of_its_range_is_taken(key, value):
    assert resolve({key: value}, (), [f"{key}={value}"]) == {key: value}


def test_user_errors_marks_what_a_user_can_mend_only():
    for error in (ValueError("a"), FileNotFoundError("a")):
        with pytest.raises(UserError, match="a"), user_errors():
            raise error
    with pytest.raises(KeyError), user_errors():
        {}["a"]


def test_every_data_set_s_directory_is_tested_here():
    assert {path.parent.name for path in ROOT.glob("*/conf.py")} == set(IN_SHAPES)


def test_conf_py_is_literals(conf):
    docstring, *statements = ast.parse(Path(conf.__file__).read_text()).body
    assert isinstance(docstring.value.value, str)
    found = {target.id: ast.literal_eval(statement.value) for statement in statements for target in statement.targets}
    cases = {"cases": conf.cases} if hasattr(conf, "cases") else {}
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
        net = nets.build(settings, in_shape, num_outputs)
        annealing.build(settings, list(net.neurons.values()))
        optim.build(settings, net.parameters(), 1)
        losses.build(settings)(torch.zeros(settings["num_steps"], 1, num_outputs), torch.ones(1, dtype=torch.int64))
        assert set(settings) - settings.read <= RUN_KEYS, line


def test_help_has_every_key_with_its_value_and_its_comment(conf):
    text = Path(conf.__file__).read_text().partition("\ncases = ")[0]
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


def test_a_key_has_the_type_of_the_row_that_brings_it():
    rows = [({"net": "a"}, {"channels": [1, 2]}), ({"net": "b"}, {"channels": 3})]
    assert resolve({"net": "a"}, rows, ["channels=[4]"])["channels"] == [4]
    assert resolve({"net": "a"}, rows, ["net=b", "channels=4"])["channels"] == 4
    with pytest.raises(ValueError, match=r"channels is a list of int, as in channels=\[1,2\]; got '4'"):
        resolve({"net": "a"}, rows, ["channels=4"])
    with pytest.raises(ValueError, match=r"channels is a int, as in channels=3; got '\[4\]'"):
        resolve({"net": "b"}, rows, ["channels=[4]"])


def test_a_comment_belongs_to_its_own_row(tmp_path):
    source = '''config = {"a": 1,  # the first: "b": 2
    "b": "x # y",
    "c": 3, "d": 4}  # two a line
conditional = [({"a": 1}, {"e": [1,  # inside
    2]}), ({"a": 2}, {"b2": 5,  # later
    })]'''  # fmt: skip
    (tmp_path / "conf.py").write_text(source)
    conf = SimpleNamespace(__doc__="What to run.", __file__=str(tmp_path / "conf.py"))
    exec(source, vars(conf))
    assert [" ".join(line.split()) for line in help_text(conf).splitlines() if line] == [
        "What to run.", "Always:", 'a=1 the first: "b": 2', "b=x # y", "c=3", "d=4 two a line",
        "With a=1:", "e=[1,2] inside", "With a=2:", "b2=5 later"]


def test_a_key_that_nothing_reads_is_refused():
    with pytest.raises(ValueError, match="'drop_out', which nothing reads; did you mean 'dropout'?"):
        refuse_unread({"lr": 0.1, "drop_out": 0.2})
    assert refuse_unread({"lr": 0.1, "dropout": 0.2}) is None


def test_a_condition_may_name_several_values():
    conditional = [({"net": ("a", "b")}, {"lr": 1.0}), ({"net": "c"}, {"lr": 2.0})]
    assert [resolve({"net": net}, conditional)["lr"] for net in "abc"] == [1.0, 1.0, 2.0]
    with pytest.raises(ValueError, match="net must be one of 'a', 'b', 'c', got 'd'"):
        resolve({"net": "d"}, conditional)
    with pytest.raises(ValueError, match=r"momentum has no effect here; it needs net=a\|b"):
        resolve({"net": "c"}, [*conditional, ({"net": ("a", "b")}, {"momentum": 0.9})], ["momentum=0.5"])
