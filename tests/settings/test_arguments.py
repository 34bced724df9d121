"""Arguments key=value: their types, and mistakes that are named."""

import pytest
from helpers.small_conf import CONF

from common.settings.arguments import parse
from common.settings.resolution import resolve


@pytest.mark.parametrize("argument, value", [
    ("lr=1", 1.0), ("lr=1e-3", 0.001), ("num_steps=1_000", 1000), ("binarize=False", False), ("net=large", "large"),
    ("thresholds=[1,2.5]", [1.0, 2.5]), ("channels=[1, 2, 3]", [1, 2, 3]), ("data_dir=/a=b", "/a=b")])
def test_a_value_has_the_type_of_conf_py(argument, value):
    found = parse([argument], CONF.config | CONF.convnet | {"data_dir": "~"})[argument.partition("=")[0]]
    assert found == value and type(found) is type(value)
    assert not isinstance(value, list) or [type(item) for item in found] == [type(item) for item in value]


@pytest.mark.parametrize("argument, message", [
    ("binarise=True", "no key 'binarise'; did you mean 'binarize'"), ("--num-steps=3", "did you mean 'num_steps'"),
    ("xyz=1", "no key 'xyz'; --help lists them"), ("=1", "no key ''"), ("binarize", "expected key=value, got 'bina"),
    ("", "expected key=value, got ''"), ("lr=fast", "lr is a number, as in lr=0.01; got 'fast'"),
    ("lr=", "lr is a number"), ("lr=nan", "lr is a number"), ("lr=True", "lr is a number"),
    ("lr=[1.0]", "lr is a number"),
    ("lr=None", "lr is a number"), ("lr={[]:1}", "lr is a number"), ("lr=" + 300 * "(", "lr is a number"),
    ("lr=1e999", "lr"), ("lr=1" + 400 * "0", "lr"), ("thresholds=[1e999,1]", "thresholds"),
    ("num_steps=2.0", "num_steps is a"), ("num_steps=True", "num_steps is a"), ("binarize=1", "binarize is True"),
    ("binarize=true", "binarize is True or False, as in binarize=True; got 'true'"),
    ("thresholds=1.0", "thresholds is a list of num"), ("thresholds=[]", "thresholds is a list of num"),
    ("thresholds=(1,2)", "thresholds is a list of num"), ("thresholds=[1,True]", "thresholds is a list of num"),
    ("thresholds=[1,'2']", "thresholds is a list of num"), ("thresholds=[1,[2]]", "thresholds is a list of num"),
    ("channels=[1.0,2]", "channels is a list of whole n"), ("channels=[True,2]", "channels is a list of whole n"),
    ("lr=0", r"lr must lie in \(0, 1e37\], got 0.0"),
    ("thresholds=[1,-2]", r"thresholds must exceed 0.*, got \[1.0, -2.0\]"),
    ("num_steps=0", "num_steps must be .*1 or more, got 0"), ("seed=-1", "seed must be .*0 or more"),
    ("dropout=1", r"dropout must lie in \[0, 1\)"), ("beta=1", r"beta must lie in \(0, 1\)"),
    ("net=huge", "net must be one of 'convnet', 'tha_mlp', got 'huge'"), ("net=", "net must be one of"),
    ("lr_schedule=linear", "lr_schedule must be one of 'cosine', 'step', 'none', got"),
    ("hidden_sizes=[2]", "hidden_sizes has no effect here; it needs net=tha_mlp"),
    ("alpha=2.0", "alpha has no effect here; it needs surrogate=atan"),
    ("lr_step_epochs=2", "lr_step_epochs has no effect here; it needs lr_schedule=step"),
    ("batch_size=2", "batch_size has no effect here; it needs num_epochs=7"),
    ("surrogate_center=zero", "no key 'surrogate_center'; did you mean 'surrogate'"),
    ("net=mlp", "net must be one of 'convnet', 'tha_mlp', got 'mlp'"),

])
def test_a_bad_argument_is_named(argument, message):
    with pytest.raises(ValueError, match=message):
        resolve(CONF, [argument])


def test_two_arguments_that_do_not_go_together():
    with pytest.raises(ValueError, match="lr is given twice"):
        resolve(CONF, ["lr=1", "lr=1"])
    with pytest.raises(ValueError, match="anneal_rates has no effect here; it needs threshold_schedule=expon"):
        resolve(CONF, ["anneal_rates=[1.0,1.0]", "binarize=False"])
    with pytest.raises(ValueError, match="these settings need thresholds_final, which conf.py does not set for them"):
        resolve(CONF, ["net=tha_mlp", "threshold_schedule=linear"])


def test_a_key_has_the_type_that_its_place_in_conf_py_gives_it():
    assert resolve(CONF, ["dropout=0.5"])["dropout"] == 0.5
    assert resolve(CONF, ["net=tha_mlp", "dropout=[0,0.25]"])["dropout"] == [0.0, 0.25]
    with pytest.raises(ValueError, match=r"dropout is a list of numbers, as in dropout=\[0.0,0.5\]; got '0.5'"):
        resolve(CONF, ["net=tha_mlp", "dropout=0.5"])
    with pytest.raises(ValueError, match=r"dropout is a number, as in dropout=0.1; got '\[0.5\]'"):
        resolve(CONF, ["dropout=[0.5]"])
