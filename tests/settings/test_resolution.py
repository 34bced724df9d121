"""What conf.py, its columns and cases and the arguments make of a run, and what --help says of it."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.settings import settings_of
from helpers.small_conf import CONF

from common.settings.help import help_text
from common.settings.resolution import check, completed, holds, resolve


def changed(**sections):
    return SimpleNamespace(**(vars(CONF) | sections))


def test_a_run_is_config_and_its_net_and_the_columns_that_hold_and_the_rest_is_by_default():
    plain = resolve(CONF)
    assert plain.items() >= (CONF.config | CONF.convnet).items() and list(plain)[:3] == ["net", "seed", "num_steps"]
    assert plain.keys() - CONF.config.keys() - CONF.convnet.keys() == {
        "reset", "precision", "checkpoint_steps", "batch_norm", "momentum", "weight_decay", "clip_grad_norm",
        "clamp_weights"}
    assert (plain["reset"], plain["momentum"], plain["weight_decay"]) == ("subtract", 0.9, 0.0)
    toggled = resolve(CONF, ["binarize=False"])
    assert (toggled["beta"], toggled["threshold_schedule"], toggled["num_epochs"], toggled["batch_size"]) == (
        0.25, "none", 7, 2)
    assert not toggled.keys() & {"thresholds_final", "anneal_rates"} and toggled["slope"] == 3.0
    other = resolve(CONF, ["net=tha_mlp"])
    assert other.items() >= CONF.tha_mlp.items() and other["surrogate"] == "fast_sigmoid" and other["slope"] == 5.0
    assert other["betas"] == [0.9, 0.999] and other["reduce"] == "mean" and "channels" not in other
    assert CONF.config == {"net": "convnet", "seed": 0, "num_steps": 5} and CONF.convnet["beta"] == 0.5


def test_the_command_line_beats_columns_and_its_answers_bring_their_own():
    assert resolve(CONF, ["binarize=False", "beta=0.75"])["beta"] == 0.75
    annealed = resolve(CONF, ["binarize=False", "threshold_schedule=linear"])
    assert annealed["thresholds_final"] == [5.0, 6.0] and annealed["anneal_rates"] == [0.5, 0.5]
    assert resolve(CONF, ["surrogate=atan"])["alpha"] == 2.0 and "slope" not in resolve(CONF, ["surrogate=atan"])
    assert resolve(CONF, ["surrogate=atan", "alpha=4"])["alpha"] == 4.0
    cut = resolve(CONF, ["lr_schedule=step", "lr_step_factor=0.5"])
    assert (cut["lr_step_epochs"], cut["lr_step_factor"]) == (3, 0.5)
    assert resolve(CONF, ["net=tha_mlp", "threshold_schedule=linear", "thresholds_final=[1,2]", "anneal_rates=[0,1]"]
                   )["thresholds_final"] == [1.0, 2.0]
    assert resolve(CONF, ["net=tha_mlp", "checkpoint_steps=2"])["checkpoint_steps"] == 2


def test_a_case_s_values_stand_where_no_argument_does():
    assert resolve(CONF, (), "slow")["lr"] == 1e-4
    assert resolve(CONF, ["lr=1.0"], "slow")["lr"] == 1.0
    assert resolve(CONF, ["surrogate=atan"], "slow")["alpha"] == 2.0  # which leaves the case's slope without effect
    with pytest.raises(ValueError, match="no key 'sloppe'; did you mean 'slope'"):
        resolve(changed(cases={"slow": {"sloppe": 1.0}}), (), "slow")
    with_case = changed(config=CONF.config | {"case": "fast"})
    assert resolve(with_case, (), "slow")["case"] == "slow" and resolve(with_case)["case"] == "fast"


@pytest.mark.parametrize("sections, message", [
    ({"convnet": CONF.convnet | {"seed": 1}}, "conf.py sets seed twice, in config and in convnet"),
    ({"convnet": CONF.convnet | {"alpha": 2.0}}, "alpha in convnet has no effect there; it needs surrogate=atan"),
    ({"convnet": CONF.convnet | {"threshold_schedule": "none"}},
     "thresholds_final in convnet has no effect there; it needs threshold_schedule=exponential or"),
    ({"convnet": CONF.convnet | {"drop_out": 0.2}}, "'drop_out', which nothing reads; did you mean 'dropout'?"),
    ({"columns": {"binarize=False": {"betta": 0.2}}}, "'betta', which nothing reads; did you mean 'beta"),
    ({"config": CONF.config | {"net": "resnet19"}}, "net must be one of 'convnet', 'tha_mlp', got 'resnet19'"),
    ({"convnet": {key: value for key, value in CONF.convnet.items() if key != "beta"}}, "these settings need beta"),
    ({"convnet": CONF.convnet | {"hidden_sizes": [3]}}, "hidden_sizes in convnet has no effect there; it needs net="),
    ({"convnet": CONF.convnet | {"beta": np.empty(0)}}, "beta must"),
    ({"convnet": CONF.convnet | {"slope": "steep"}}, "slope must exceed 0 and be finite, got 'steep'")])
def test_what_is_wrong_in_conf_py_is_named(sections, message):
    with pytest.raises(ValueError, match=message):
        resolve(changed(**sections))


@pytest.mark.parametrize("key, value", [
    ("lr", "0.01"), ("lr", None), ("lr", float("nan")), ("lr", float("inf")), ("thresholds", [1.0, "2"]),
    ("num_steps", 0), ("num_steps", 10.0), ("beta", 1.0), ("device", 0), ("device", "gpu"), ("device", "cpu:x"),
    ("exp_name", ""), ("exp_name", "a/b"), ("select_on", "train"), ("source", None), ("seed", 2**64),
    ("channels", [])])
def test_a_value_that_conf_py_itself_gets_wrong_is_named(key, value):
    with pytest.raises(ValueError, match=key):
        check(resolve(CONF, ["loss=mse_count_loss"]) | {key: value})


@pytest.mark.parametrize("key, value", [
    ("device", "cuda:1"), ("device", "auto"), ("lr", 1e-9), ("patience", 0), ("correct_rate", 1.0), ("dropout", 0.0)])
def test_a_value_at_the_edge_of_its_range_is_taken(key, value):
    check(resolve(CONF, ["loss=mse_count_loss"]) | {key: value})


@pytest.mark.parametrize("key, value, beside, told", [
    ("ties", "first", {"select_on": "last", "patience": 0}, "select_on=last patience=0"),
    ("score", "loss", {"select_on": "last", "patience": 0}, "select_on=last patience=0"),
    ("scale_together", True, {"scale_time": 0.0, "scale_channels": 0.0}, "scale_time=0.0 scale_channels=0.0")])
def test_a_key_that_nothing_reads_beside_others_is_refused_where_it_is_typed(key, value, beside, told):
    conf = changed(config=CONF.config | {key: value} | beside)
    assert resolve(conf)[key] == value
    with pytest.raises(ValueError, match=f"{key} has no effect with {told}"):
        resolve(conf, [f"{key}={value}"])
    other, *_ = beside
    assert resolve(conf, [f"{key}={value}", f"{other}={'val' if other == 'select_on' else 0.1}"])[key] == value


@pytest.mark.parametrize("key, value", [("slope", 1e300), ("thresholds", [1.0, 3.5e38]), ("clip_grad_norm", 4e38)])
def test_a_number_beyond_float32_is_refused(key, value):
    with pytest.raises(ValueError, match=f"{key} must lie within what float32 holds"):
        check(resolve(CONF) | {key: value})
    check(resolve(CONF) | {key: 3.4e38 if key != "thresholds" else [1.0, 3.4e38]})


@pytest.mark.parametrize("dt_ms", ["1e10", "0.0", "-1.0"])
@pytest.mark.parametrize("directory", ["shd", "dvs_gesture"])
def test_steps_last_no_longer_than_their_edges_can_be_counted(directory, dt_ms):
    asked = ["split_by=dt"] * (directory == "dvs_gesture")
    with pytest.raises(ValueError, match=r"dt_ms must lie in \(0, 1e9\] ms, got"):
        settings_of(directory, *asked, f"dt_ms={dt_ms}")
    assert settings_of(directory, *asked, "dt_ms=1e9")["dt_ms"] == 1e9


def test_a_saved_key_that_nothing_reads_is_named():
    with pytest.raises(ValueError, match="'betta', which nothing reads"):
        check(resolve(CONF) | {"betta": 1})


def test_conditions():
    settings = {"net": "a", "binarize": True, "rate": 0.0, "sizes": [1, 2]}
    for text in ("", "net=a", "net=b|a binarize=True", "sizes=[1,2]", "rate=0.0"):
        assert holds(text, settings), text
    for text in ("net=b", "net=a binarize=False", "other=1", "net=a|b binarize=False|no", "rate=0"):
        assert not holds(text, settings), text
    assert holds({"net": ("a", "b"), "rate": 0.0}, settings) and not holds({"net": "b"}, settings)


def test_settings_of_before_get_what_came_later():
    saved = {"net": "tha_mlp", "seed": 3, "surrogate": "atan", "slope": 3.0, "optimizer": "adam", "readout": "membrane"}
    found = completed(saved)
    assert (found["alpha"], found["weight_decay"], found["seed"]) == (2.0, 0.0, 3)
    assert "checkpoint_steps" not in found and "alpha" not in saved and found["slope"] == 3.0


def test_help_shows_what_runs_with_each_dict_s_own_comments(tmp_path):
    source = '''config = {"net": "convnet", "seed": 1,  # of all: "beta": 2
    "num_steps": 5}
convnet = {"binarize": True, "channels": [4,  # inside
    8], "dropout": 0.1,  # convnet's
    "beta": 0.5, "thresholds": [1.0], "loss": "mse_rate_loss", "optimizer": "sgd", "lr": 0.1, "lr_schedule": "none"}
tha_mlp = {"binarize": True, "hidden_sizes": [3], "dropout": [0.1],  # the MLP's
    "beta": 0.5, "thresholds": [1.0], "loss": "mse_rate_loss", "optimizer": "sgd", "lr": 0.1, "lr_schedule": "none"}
columns = {"binarize=False": {"beta": 0.1, "num_epochs": 3,  # long
}}
cases = {"short": {"seed": 4}}
'''
    (tmp_path / "conf.py").write_text(source)
    conf = SimpleNamespace(__doc__="What to run.", __file__=str(tmp_path / "conf.py"))
    exec(source, vars(conf))
    lines = [" ".join(line.split()) for line in help_text(conf, ["binarize=False"]).splitlines() if line]
    assert lines[:9] == [
        "What to run.", "What runs with binarize=False:", "net=convnet convnet | tha_mlp",
        'seed=1 of all: "beta": 2', "num_steps=5 time steps of a sample", "binarize=False weights in {-1, +1}",
        "channels=[4,8] inside", "dropout=0.1 convnet's", "beta=0.1 decay of the membrane per step"]
    assert "surrogate=fast_sigmoid ds/du: fast_sigmoid | atan | rectangle" in lines and "num_epochs=3 long" in lines
    assert lines[-4] == "beta=0.1 num_epochs=3" and lines[-2:] == ["case=short:", "seed=4"]
    assert "dropout=[0.1] the MLP's" in " ".join(help_text(conf, ["net=tha_mlp"]).split())


def test_what_no_net_of_a_conf_py_can_reach_is_not_offered():
    with pytest.raises(ValueError, match="no key 'neuron'"):
        resolve(CONF, ["neuron=lif"])
    with pytest.raises(ValueError, match="no key 'tau_mem_ms'; --help lists them"):
        resolve(CONF, ["tau_mem_ms=1.0"])


def test_a_key_that_nothing_reads_says_where_a_new_one_is_named():
    with pytest.raises(ValueError, match="'zzz', which nothing reads; if code of yours.*common/settings/keys.py"):
        resolve(changed(config=CONF.config | {"zzz": 1}))
