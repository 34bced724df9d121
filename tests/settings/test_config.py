from types import SimpleNamespace

import pytest

from common.errors import UserError, user_errors
from common.settings.help import help_text
from common.settings.resolution import check, parse, refuse_unread, resolve

CONFIG = {"net": "small", "lr": 0.01, "num_steps": 5, "binarize": True, "thresholds": [1.0, 2.0], "channels": [4, 8],
          "seed": 0}  # fmt: skip
ROWS = [
    ({"net": "small"}, {"dropout": 0.1, "lr_schedule": "cosine"}),
    ({"net": "large"}, {"dropout": 0.5, "lr_schedule": "none", "num_layers": 3}),
    ({"net": "small", "binarize": True}, {"beta": 0.5}),
    ({"lr_schedule": "cosine"}, {"cosine_iterations": 100}),
]


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
