"""Mistakes of what users type: each ends before a run, with a line that names it."""

import pytest
from helpers.place import Place, check_mistake

MISTAKES = [  # (arguments, what the message says)
    (["binarise=True"], "did you mean 'binarize'?"),
    (["resume=runs/gone"], "runs/gone"),
    (["evaluate=runs/gone"], "runs/gone"),
    (["device=cuda"], "torch sees no such CUDA device"),
    (["beta=1.2"], "beta must lie in (0, 1), got 1.2"),
    (["batch_size=0"], "batch_size must be a whole number, 1 or more, got 0"),
    (["binarize=1"], "binarize is a bool"), (["num_epochs=2.5"], "num_epochs is a"), (["lr=nan"], "lr"),
    (["thresholds=1.0"], "thresholds is a list of float"), (["thresholds=[1.0]"], "3 thresholds"),
    (["subset=1000"], "subset must lie in 0..48"), (["val_fraction=0.0"], "validation set is empty"),
    (["momentum=0.5"], "momentum has no effect here"), (["seed=1", "seed=2"], "seed is given twice"),
    (["channels=[9223372036854775807,1]"], "these settings make no net: "),
    (["qqqq=1"], "no key 'qqqq'"), (["binarize"], "expected key=value"),
    (["resume=runs/gone", "evaluate=runs/gone"], "once"),
]


@pytest.mark.parametrize("arguments, message", MISTAKES[:4])
def test_a_mistake_ends_a_run_with_one_line(place, arguments, message):
    check_mistake(message, *place.call("mnist", *arguments)[::2])


@pytest.mark.parametrize("arguments, message", MISTAKES[4:])
def test_a_mistake_is_told_in_one_line(place, main, arguments, message):
    check_mistake(message, *main(place.small(*arguments)))


def test_a_home_that_is_not_there_is_told_in_one_line(main):
    check_mistake("data_dir=~nobody-here/x: there is no such user's home", *main(["data_dir=~nobody-here/x"]))


def test_too_large_a_net_is_told_in_one_line(place, main):
    status, stderr = main(place.small("channels=[2,100000000000]"))
    assert status == 1 and stderr.splitlines()[-1].startswith("run.py: out of memory: tried to allocate 2")


def test_a_missing_set_is_told_with_its_links(place, tmp_path):
    status, _, stderr = place.call("mnist", "source=published", f"data_dir={tmp_path}", XDG_CACHE_HOME=str(tmp_path))
    assert status == 2 and "Traceback" not in stderr and "train-images-idx3-ubyte.gz" in stderr
    assert f"into {tmp_path / 'mnist'}" in stderr and not (place.root / "mnist" / "runs" / "mnist").exists()


def test_a_damaged_data_file_is_named(place, tmp_path):
    damaged = Place(tmp_path)
    path = damaged.data / "mnist" / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    status, _, stderr = damaged.call("mnist", *damaged.small())
    assert (status, stderr.count("\n")) == (2, 1) and str(path) in stderr and stderr.startswith("run.py: ")
    assert not (tmp_path / "mnist" / "runs").exists()


def test_a_run_directory_that_cannot_be_made_is_told(tmp_path):
    place = Place(tmp_path)
    (tmp_path / "mnist" / "runs").touch()
    check_mistake("cannot make the run directory", *place.call("mnist", *place.small())[::2])


@pytest.mark.parametrize("arguments, message", [
    (["net=plifnet", "channels=4", "hidden_size=8", "num_layers=6"], "halves an image of 28 x 28 to nothing"),
    (["select_on=last", "patience=0", "ties=first"], "ties has no effect with select_on=last patience=0"),
])
def test_what_training_would_find_is_found_before_a_directory_is_made(tmp_path, arguments, message):
    place = Place(tmp_path)
    status, _, stderr = place.call("mnist", *place.small(*arguments))
    assert status == 2 and message in stderr and not (tmp_path / "mnist" / "runs").exists()


def test_cases_of_which_the_first_cannot_be_run_leave_no_directory(tmp_path):
    place = Place(tmp_path)
    status, _, stderr = place.call("temporal_coding", "case=all", "spike_time=100")
    assert status == 2 and "spike_time must be below" in stderr
    assert not (tmp_path / "temporal_coding" / "runs").exists()
