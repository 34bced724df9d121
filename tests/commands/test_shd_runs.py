"""What users type in shd/, each in a process of its own, on the generated stand-in."""

import csv
from signal import SIGKILL

import pytest
from helpers.place import equal, timeless, weights

from common.running import record

SMALL = ["source=sample", "subset=96", "num_epochs=2", "num_trials=1", "batch_size=32", "val_fraction=0.05"]
NETS = {
    "tha_mlp": ["hidden_sizes=[16]", "num_steps=40", "dt_ms=25.0"],
    "membrane": ["hidden_sizes=[16]", "num_steps=40", "dt_ms=25.0", "readout=membrane"],
    "spsn_sb": ["net=mlp", "hidden_sizes=[8,8]", "dt_ms=20.0", "eval_repeats=2", "augment=True", "rate_limit=0.3"],
    "lif": ["net=mlp", "neuron=lif", "hidden_sizes=[8,8]", "dt_ms=20.0", "reduce=max"],
    "non_spiking": ["net=mlp", "neuron=non_spiking", "hidden_sizes=[8]", "dt_ms=20.0"],
    "paralif_d": ["net=mlp", "neuron=paralif", "hidden_sizes=[8]", "dt_ms=20.0", "learn_tau=True", "recurrent=True"],
}


def train(place, *arguments, **others):
    return place.attempt("shd", SMALL, *arguments, **others)


@pytest.mark.parametrize("name", NETS)
def test_every_kind_of_net_trains_and_leaves_what_is_documented(place, name):
    path, status, stdout, stderr = train(place, *NETS[name])
    assert status == 0, stderr
    assert "*** This is NOT the set SHD" in stderr
    assert stdout.splitlines()[-2].endswith("synthetic spoken digits, a stand-in")
    result = record.read_json(path / "result.json")
    assert result["data"] == {"name": "synthetic spoken digits", "stand_in": True, "num_train": 96}
    (trial,) = result["trials"]
    operations = trial["synaptic_operations"]
    assert 0 <= trial["test"] <= 1 and operations["dense"] > operations["effective_acs"] + operations["effective_macs"]
    assert ("test_repeats_std" in trial) is (name == "spsn_sb")
    figures = {file.stem for file in (path / "figures").iterdir()}
    assert "learning_curves" in figures and ("firing_rates" in figures) is (name != "non_spiking")
    assert ("firing rates" in stdout) is (name != "non_spiking")
    assert ("thresholds" in figures) is (name in ("tha_mlp", "membrane"))
    assert ("example" in figures) is (name != "non_spiking")


def test_whole_speakers_are_held_out_as_conf_py_names_them(place):
    _, status, stdout, stderr = place.attempt("shd", SMALL[:-1], *NETS["lif"], "val_split=speakers")
    assert status == 0, stderr
    assert "96 training, 774 validation, 500 test samples" in stdout  # two of five speakers


@pytest.mark.parametrize("name", ["tha_mlp", "spsn_sb"])
def test_a_killed_run_goes_on_and_ends_as_an_unbroken_one(place, name):
    unbroken, status, _, stderr = train(place, *NETS[name])
    assert status == 0, stderr
    path, status, _, _ = train(place, *NETS[name], script="saving.py", KILL="9 13")
    assert status == -SIGKILL
    status, _, stderr = place.call("shd", f"resume=runs/{path.name}")
    assert status == 0, stderr
    for file in ("trial_0/last.pt", "trial_0/best.pt"):
        assert equal(weights(path / file), weights(unbroken / file))
    assert timeless(record.read_json(path / "result.json")) == timeless(record.read_json(unbroken / "result.json"))
    rows = []
    for run in (path, unbroken):
        with open(run / "metrics.csv", newline="") as file:
            rows.append([timeless(row) for row in csv.DictReader(file)])
    assert rows[0] == rows[1]


@pytest.mark.parametrize("arguments, message", [
    (["val_split=speakers", "val_speakers=[77]"], "77"), (["loss=mse_membrane_loss"], "need on_target"),
    (["readout=membrane", "loss=mse_count_loss"], "readout=membrane gives none; try cross_entropy"),
    (["net=mlp", "neuron=paralif", "recurrent=True", "binarize=True"], "it needs neuron=paralif binarize=False"),
    (["net=mlp", "neuron=non_spiking", "rate_limit=0.1"], "rate_limit has no effect here"),
    (["window_ms=0.001"], "no event of the training set of synthetic spoken digits comes before 1e-06 s"),
    (["net=mlp", "neuron=izhikevich"], "neuron must be one of 'lif', "), (["net=mlp", "spike=td"], "one of 'sb', 'gs'"),
    (["net=mlp", "neuron=paralif", "per_neuron=True"], "it needs learn_tau=True or learn_threshold=True"),
    (["net=mlp", "learn_tau=True"], "learn_tau has no effect here; it needs neuron=paralif"),
    (["shift=0.2"], "shift has no effect here; it needs augment=True"),
    (["dt_ms=0"], "dt_ms must lie in (0, 1e9] ms"), (["net=mlp", "thresholds=[1,1]"], "thresholds has no effect here"),
    (["source=published", "data_dir=/nowhere"], "shd_train.h5"),
])
def test_a_mistake_is_told_without_a_traceback(place, arguments, message, tmp_path):
    source = [] if "source=published" in arguments else ["source=sample"]
    status, _, stderr = place.call("shd", *source, *arguments, XDG_CACHE_HOME=str(tmp_path))
    assert status == 2 and "Traceback" not in stderr and message in stderr, stderr
