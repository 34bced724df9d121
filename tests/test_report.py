import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from common import config, report

ROOT = Path(__file__).parents[1]

SETTINGS = {"net": "convnet", "binarize": True, "threshold_schedule": "exponential", "select_on": "val", "subset": 0,
            "channels": 128}  # fmt: skip
HEADER = "trial,epoch,iteration,val_accuracy\n"


def make_run(root, name, directory="mnist", tests=(0.98, 0.97, 0.99), data="MNIST", stand_in=False, **settings):
    """A finished run with made-up numbers below `root`."""
    run = root / directory / "runs" / name
    run.mkdir(parents=True)
    config = {"settings": SETTINGS | settings, "directory": directory, "git_commit": "0123456789ab", "git_dirty": True,
              "device": "cpu, 2 threads"}
    trials = [
        {"seed": k, "best_epoch": 2 + k, "val": 0.9, "test": test, "firing_rates": {"conv1": 0.1, "fc": 0.3},
         "synaptic_operations": {"dense": 9e9, "effective_macs": 320_000, "effective_acs": 1_500_000}, "seconds": 600.4}
        for k, test in enumerate(tests)
    ]
    result = {"data": {"name": data, "stand_in": stand_in, "num_train": 54000}, "trials": trials}
    (run / "config.json").write_text(json.dumps(config))
    (run / "result.json").write_text(json.dumps(result))
    lines = (f"{k},{epoch},{430 * epoch},0.9\n" for k in range(len(tests)) for epoch in range(1, 8 + k))
    (run / "metrics.csv").write_text(HEADER + "".join(lines))
    return run


def table(text):
    """The rows of the Markdown table in `text`, as {column: cell}."""
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]


def test_a_row_holds_the_numbers_of_its_run(tmp_path, capsys):
    make_run(tmp_path, "20250101-mnist-abc")
    report.main([str(tmp_path)])
    assert table(capsys.readouterr().out) == [{
        "experiment": "mnist",
        "net": "convnet",
        "variant": "channels=128",
        "weights": "binarized",
        "schedule": "exponential",
        "epochs (best / run)": "2–4 / 7–9",
        "data": "MNIST, 54,000 train",
        "test accuracy (%)": "98.00 ± 1.00",  # of 98, 97, 99: squares 0 + 1 + 1, divided by n - 1 = 2
        "n": "3",
        "published (%)": "–",
        "firing rate": "0.2000",
        "operations per sample": "320,000 MAC + 1,500,000 AC",
        "time": "1,801 s, cpu, 2 threads",
        "commit": "0123456+",
        "run": "20250101-mnist-abc",
    }]


def test_a_run_with_trials_to_come_says_so(tmp_path, capsys):
    make_run(tmp_path, "run", num_trials=5)
    report.main([str(tmp_path)])
    output = capsys.readouterr().out
    assert table(output)[0]["n"] == "3 of 5" and "the run is unfinished" in output


def test_one_trial_has_no_spread(tmp_path, capsys):
    make_run(tmp_path, "one", tests=[0.9812])
    report.main([str(tmp_path)])
    (row,) = table(capsys.readouterr().out)
    assert (row["test accuracy (%)"], row["n"], row["epochs (best / run)"]) == ("98.12", "1", "2 / 7")


@pytest.mark.parametrize("directory, data, settings, figure", [
    ("mnist", "MNIST", {"net": "resnet19", "channels": 128}, "98.67 (direct-training-snn@eef1f9e)"),
    ("mnist", "MNIST", {"net": "resnet19", "channels": 32}, "–"),
    ("mnist", "MNIST", {"net": "plifnet", "tau": "layer"}, "99.63 (Fang 2021)"),
    ("mnist", "MNIST", {"net": "plifnet", "tau": "layer", "select_on": "test"}, "99.72 (Fang 2021)"),
    ("fashion_mnist", "Fashion-MNIST", {"net": "plifnet", "tau": "layer", "select_on": "test"}, "94.38 (Fang 2021)"),
    ("fashion_mnist", "MNIST", {"net": "plifnet", "tau": "layer"}, "–"),
    ("mnist", "my_digits", {"net": "resnet19"}, "–"),
    ("mnist", "MNIST", {"net": "resnet19", "binarize": True}, "–"),
    ("mnist", "MNIST", {"net": "resnet19", "subset": 1000}, "–"),
    ("mnist", "MNIST", {"net": "plifnet", "tau": "neuron"}, "–"),
    ("mnist", "MNIST", {"net": "plifnet", "tau": "layer", "channels": 32}, "–"),
    ("dvs_gesture", "DVS128 Gesture", {"net": "plifnet", "tau": "layer"}, "96.53 (Fang 2021)"),
    ("dvs_gesture", "dvs_objects", {"net": "plifnet", "tau": "layer"}, "–"),
    ("mnist", "MNIST", {"net": "convnet"}, "–"),
])
def test_a_published_figure_stands_beside_its_own_setting_only(tmp_path, capsys, directory, data, settings, figure):
    make_run(tmp_path, "run", directory, data=data, **({"binarize": False} | settings))
    report.main([str(tmp_path)])
    assert table(capsys.readouterr().out)[0]["published (%)"] == figure


@pytest.mark.parametrize("name", ["MNIST", "digits"])
def test_a_stand_in_is_marked_and_has_no_published_figure(tmp_path, capsys, name):
    make_run(tmp_path, "run", data=name, stand_in=True, net="resnet19", binarize=False)
    report.main([str(tmp_path)])
    text = capsys.readouterr().out
    (row,) = table(text)
    assert row["data"] == f"**stand-in** {name}, 54,000 train"
    assert row["published (%)"] == "–"
    assert "- **stand-in**: not the published data set" in text


def test_an_epoch_chosen_on_the_test_set_is_marked(tmp_path, capsys):
    make_run(tmp_path, "honest")
    report.main([str(tmp_path)])
    assert "best on test" not in capsys.readouterr().out
    make_run(tmp_path, "peeking", select_on="test")
    report.main([str(tmp_path)])
    text = capsys.readouterr().out
    marks = {row["run"]: row["test accuracy (%)"] for row in table(text)}
    assert marks == {"honest": "98.00 ± 1.00", "peeking": "98.00 ± 1.00, best on test"}
    assert "- best on test: the epoch was chosen on the test set" in text


def test_runs_without_a_result_are_listed_below(tmp_path, capsys):
    stopped, begun = tmp_path / "mnist/runs/stopped", tmp_path / "mnist/runs/begun"
    for run in (stopped, begun):
        run.mkdir(parents=True)
        (run / "config.json").write_text("{}")
    (stopped / "metrics.csv").write_text(HEADER + "0,1,430,0.5\n0,2,860,0.9125\n")
    report.main([str(tmp_path)])
    text = capsys.readouterr().out
    assert f"- {stopped}: trial 0, epoch 2, iteration 860, val accuracy 0.9125" in text
    assert f"- {begun}: no epoch yet" in text
    assert table(text) == []


@pytest.mark.parametrize("file, content", [
    ("result.json", '{"data": {"na'),
    ("result.json", "[]"),
    ("result.json", '{"data": {}, "trials": []}'),
    ("result.json", '{"data": {"name": "MNIST", "stand_in": false, "num_train": 9}, "trials": [1]}'),
    ("config.json", '{"settings": {}}'),
    ("config.json", None),
])
def test_a_run_with_a_damaged_file_is_named_and_the_others_are_shown(tmp_path, capsys, file, content):
    make_run(tmp_path, "good")
    bad = make_run(tmp_path, "bad")
    (bad / file).unlink()
    if content is not None:
        (bad / file).write_text(content)
    report.main([str(tmp_path)])
    out, err = capsys.readouterr()
    assert [row["run"] for row in table(out)] == ["good"]
    assert err.startswith("warning: ") and str(bad / file) in err and err.count("\n") == 1


@pytest.mark.parametrize("content", [HEADER + "0,1,430,0.9\n0,2,8", HEADER + "0,one,430,0.9\n", "\xff", "a,b\n1,2\n"])
def test_damaged_metrics_cost_a_run_only_its_number_of_epochs(tmp_path, capsys, content):
    bad = make_run(tmp_path, "bad")
    (bad / "metrics.csv").write_text(content, encoding="latin-1")
    report.main([str(tmp_path)])
    out, err = capsys.readouterr()
    (row,) = table(out)
    assert (row["test accuracy (%)"], row["epochs (best / run)"]) == ("98.00 ± 1.00", "2–4 / –")
    assert str(bad / "metrics.csv") in err and err.count("\n") == 1


def test_a_result_without_accuracies_has_dashes(tmp_path, capsys):
    run = make_run(tmp_path, "run", directory="temporal_coding")
    (run / "result.json").write_text(json.dumps(
        {"data": {"name": "ramp", "stand_in": False, "num_train": 1}, "trials": [{"seed": 0, "seconds": 3}]}))
    report.main([str(tmp_path)])
    (row,) = table(capsys.readouterr().out)
    assert [row[key] for key in ("test accuracy (%)", "firing rate", "operations per sample")] == ["–"] * 3
    assert row["epochs (best / run)"] == "– / 7–9"


def test_runs_are_found_from_above_and_sorted(tmp_path, monkeypatch, capsys):
    make_run(tmp_path, "b", tests=[0.9])
    make_run(tmp_path, "a", tests=[0.7, 0.7])
    last = make_run(tmp_path, "c", directory="shd", tests=[0.8, 0.8, 0.8])
    monkeypatch.chdir(tmp_path)

    def names(*arguments):
        report.main(list(arguments))
        return [row["run"] for row in table(capsys.readouterr().out)]

    assert names() == ["a", "b", "c"]
    assert names("--sort", "accuracy") == ["b", "c", "a"]
    assert names("--sort", "time") == ["b", "a", "c"]
    assert names("mnist") == names("mnist", "mnist/runs") == ["a", "b"]
    assert names(str(last)) == ["c"]


def test_no_runs_and_no_such_directory(tmp_path, capsys):
    report.main([str(tmp_path)])
    assert capsys.readouterr().out == f"no runs under {tmp_path}\n"
    with pytest.raises(SystemExit, match="2"):
        report.main([str(tmp_path / "absent")])
    assert "no such directory" in capsys.readouterr().err


def test_a_bar_in_a_name_does_not_split_the_table(tmp_path, capsys):
    make_run(tmp_path, "run", data="a|b")
    report.main([str(tmp_path)])
    assert "a\\|b, 54,000 train" in capsys.readouterr().out


@pytest.mark.parametrize("settings, text", [
    ({"neuron": "lif", "augment": False, "rate_limit": 0.0, "recurrent": False, "dt_ms": 1.0}, "lif, 1 ms"),
    ({"neuron": "spsn_sb", "augment": True, "rate_limit": 0.4}, "spsn_sb, augment, rate_limit=0.4"),
    ({"neuron": "paralif_d", "recurrent": True, "hidden_sizes": [64, 32]}, "paralif_d, recurrent, 64-32 hidden"),
    ({"tau": "neuron", "tau_penalty": 0.01, "tau_penalty_on": "tau"}, "tau=neuron, tau_penalty=0.01"),
])
def test_the_variant_tells_runs_of_one_net_apart(tmp_path, capsys, settings, text):
    run = make_run(tmp_path, "run", **settings)
    config = json.loads((run / "config.json").read_text())
    del config["settings"]["channels"]
    (run / "config.json").write_text(json.dumps(config))
    report.main([str(tmp_path)])
    assert table(capsys.readouterr().out)[0]["variant"] == text


def test_two_rows_of_a_kind_say_in_what_they_differ(tmp_path, capsys):
    make_run(tmp_path, "first", crop=0, lr=0.1, seed=0)
    make_run(tmp_path, "second", crop=4, lr=0.1, seed=5, surrogate="atan", alpha=2.0)
    make_run(tmp_path, "third", crop=0, lr=0.1, seed=0, augment=True, surrogate="rectangle")
    make_run(tmp_path, "float", crop=8, lr=0.3, binarize=False)
    make_run(tmp_path, "fashion", "fashion_mnist", lr=0.2)
    report.main([str(tmp_path)])
    assert {row["run"]: row["variant"] for row in table(capsys.readouterr().out)} == {
        "first": "channels=128, crop=0",
        "second": "channels=128, crop=4, surrogate=atan",
        "third": "channels=128, augment, crop=0, surrogate=rectangle",
        "float": "channels=128",
        "fashion": "channels=128",
    }


def test_a_reader_may_stop_early(tmp_path):
    make_run(tmp_path, "run")
    command = [sys.executable, "-m", "common.report", tmp_path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    process.stdout.close()
    assert process.stderr.read() == "" and process.wait() == 0
    process.stderr.close()


def shd_run(root, name, tests, data=("SHD", False), seconds=400.0, length=None, **overrides):
    """A finished run of what shd/conf.py describes, with made-up numbers."""
    run = root / "shd" / "runs" / name
    run.mkdir(parents=True)
    arguments = [f"{key}={value}" for key, value in {"net": "mlp", "num_trials": len(tests), **overrides}.items()]
    conf = runpy.run_path(ROOT / "shd" / "conf.py")
    settings = config.resolve(conf["config"], conf["conditional"], arguments)
    (run / "config.json").write_text(json.dumps({"settings": settings, "directory": "shd"}))
    length = length or settings["num_epochs"]
    trials = [{"test": test, "seconds": seconds, "num_epochs": length, "firing_rates": {"fc1": 0.5, "fc2": 0.25}}
              for test in tests]  # fmt: skip
    data = {"name": data[0], "stand_in": data[1], "num_train": 9}
    result = {"data": data, "num_trials": len(tests), "length": length, "trials": trials}
    (run / "result.json").write_text(json.dumps(result))
    return run


def spsn_table(root, capsys):
    """{(neuron, how its settings differ): row} of the table's first data set, and the whole text."""
    report.main([str(root), "--table", "spsn"])
    text = capsys.readouterr().out
    return {(row["neuron"], row["unlike SPSN's"]): row for row in table(text)}, text


def test_the_spsn_table_sets_neurons_against_conditions_beside_the_published_figures(tmp_path, capsys):
    shd_run(tmp_path, "a", [0.70, 0.74])
    shd_run(tmp_path, "b", [0.8], augment=True, rate_limit=0.4)
    shd_run(tmp_path, "c", [0.5], neuron="paralif_d")
    rows, text = spsn_table(tmp_path, capsys)
    assert text.startswith("SHD\n") and "- published, basic: of one run on all training recordings" in text
    assert [*rows] == [(name, "–") for name in ("LIF", "SPSN-SB", "SPSN-GS", "Non-Spiking", "paralif_d")]
    spsn_sb, lif = rows["SPSN-SB", "–"], rows["LIF", "–"]
    assert spsn_sb["basic (%)"] == "72.00 ± 2.83 (n = 2)" and spsn_sb["basic, s/epoch"] == "2.0"
    assert spsn_sb["published, basic (%)"] == "77.16; 5.5 s/epoch"
    assert spsn_sb["+ augmentation + regularisation (%)"] == "80.00 (n = 1)"
    assert spsn_sb["published, + augmentation + regularisation (%)"] == "89.70"
    assert spsn_sb["firing rates, basic"] == "0.500 / 0.250"
    assert lif["basic (%)"] == "–" and lif["published, + augmentation (%)"] == "83.03; 261.7 s/epoch"
    assert "+ regularisation (%)" not in lif


@pytest.mark.parametrize("neuron", ["lif", "spsn_sb", "spsn_gs", "non_spiking"])
def test_conf_py_as_it_stands_has_the_published_settings(tmp_path, capsys, neuron):
    shd_run(tmp_path, "basic", [0.5], neuron=neuron)
    shd_run(tmp_path, "augmented", [0.6], neuron=neuron, augment=True)
    rows, _ = spsn_table(tmp_path, capsys)
    assert {unlike for _, unlike in rows} == {"–"}
    (row,) = (row for row in rows.values() if row["basic (%)"] != "–")
    assert (row["basic (%)"], row["+ augmentation (%)"]) == ("50.00 (n = 1)", "60.00 (n = 1)")
    assert "–" not in (row["published, basic (%)"], row["published, + augmentation (%)"])


@pytest.mark.parametrize("settings, unlike", [
    ({"subset": 60}, "60 recordings"),
    ({"dt_ms": 4, "num_epochs": 30}, "4 ms, 30 epochs"),
    ({"window_ms": 0.001}, "first 0.001 ms"),
    ({"binarize": True}, "binarized"),
    ({"hidden_sizes": [128, 128]}, "128-128 hidden"),
    ({"lr": 0.002}, "lr=0.002"),
    ({"select_on": "test"}, "best on test, val_fraction=0"),
    ({"neuron": "paralif_d", "recurrent": True, "learn_tau": True}, "learn_tau, recurrent"),
    ({"augment": True, "shift": 0.05, "scale_together": False}, "shift=0.05, scale_together=False"),
    ({"augment": True, "rate_limit": 0.1}, "rate_limit=0.1"),  # published with .4
    ({"neuron": "lif", "rate_limit": 0.4}, "rate_limit=0.4"),
])
def test_a_run_with_other_settings_has_its_own_row_without_published_figures(tmp_path, capsys, settings, unlike):
    shd_run(tmp_path, "a", [0.7])
    shd_run(tmp_path, "b", [0.1], **settings)
    rows, _ = spsn_table(tmp_path, capsys)
    (other,) = (row for (_, difference), row in rows.items() if difference != "–")
    assert other["unlike SPSN's"] == unlike and "10.00 (n = 1)" in other.values()
    assert {text for title, text in other.items() if title.startswith("published")} == {"–"}
    assert rows["SPSN-SB", "–"]["basic (%)"] == "70.00 (n = 1)"


def test_of_equal_runs_the_one_with_most_epochs_counts_then_the_newest(tmp_path, capsys):
    shd_run(tmp_path, "1", [0.5, 0.5])
    shd_run(tmp_path, "2", [0.7, 0.7], seed=7, device="cpu", exp_name="again")
    shd_run(tmp_path, "3", [0.9])
    shd_run(tmp_path, "4", [0.2, 0.2, 0.2], length=30)  # to be made longer: config.json says 200 epochs
    rows, _ = spsn_table(tmp_path, capsys)
    assert rows["SPSN-SB", "–"]["basic (%)"] == "70.00 ± 0.00 (n = 2)"
    assert rows["SPSN-SB", "30 epochs"]["basic (%)"] == "20.00 ± 0.00 (n = 3)"


def test_regularisation_alone_has_a_column(tmp_path, capsys):
    shd_run(tmp_path, "a", [0.7], rate_limit=0.4)
    rows, _ = spsn_table(tmp_path, capsys)
    row = rows["SPSN-SB", "–"]
    assert (row["+ regularisation (%)"], row["published, + regularisation (%)"]) == ("70.00 (n = 1)", "–")


@pytest.mark.parametrize("content", ["{", '{"data": {}, "trials": []}',
                                     '{"data": {"name": "SHD", "stand_in": false}, "trials": []}'])
def test_a_damaged_run_costs_the_spsn_table_nothing_else(tmp_path, capsys, content):
    shd_run(tmp_path, "good", [0.7])
    (shd_run(tmp_path, "worse", [0.9]) / "result.json").write_text(content)
    report.main([str(tmp_path), "--table", "spsn"])
    out, err = capsys.readouterr()
    assert "70.00 (n = 1)" in out and err.startswith("warning: ") and "worse" in err and err.count("\n") == 1


def test_no_published_figure_stands_beside_another_set(tmp_path, capsys):
    for number, data in enumerate([("fsdd_shd", True), ("SHD", True), ("mine", False)]):
        shd_run(tmp_path, str(number), [0.7], data=data)
    _, text = spsn_table(tmp_path, capsys)
    assert text.startswith("fsdd_shd, a stand-in") and "published," not in text
    assert text.count("70.00 (n = 1)") == 3


def plif_run(root, name, tests=(0.9, 0.94), data=("DVS128 Gesture", False), select_on="val", **settings):
    run = root / "dvs_gesture" / "runs" / name
    run.mkdir(parents=True)
    settings = {"net": "plifnet", "tau": "layer", "channels": 128, "num_epochs": 1256,
                "select_on": select_on} | settings  # fmt: skip
    (run / "config.json").write_text(json.dumps({"settings": settings, "directory": "dvs_gesture"}))
    trials = [{"test": test, "val": 0.96, "num_epochs": settings["num_epochs"]} for test in tests]
    data = {"name": data[0], "stand_in": data[1], "num_train": 9}
    (run / "result.json").write_text(json.dumps({"data": data, "num_trials": len(tests), "trials": trials}))
    lines = [f"{k},{epoch},{2 + k / 4 + epoch},2.5,0,{epoch / 8}" for k in range(len(tests)) for epoch in (1, 2, 3)]
    header = "trial,epoch,tau_mean_conv1,tau_mean_fc1,tau_std_conv1,tau_std_fc1"
    (run / "metrics.csv").write_text("\n".join([header, *lines, ""]))


def test_the_plif_table_sets_models_beside_the_published_figures(tmp_path, capsys):
    plif_run(tmp_path, "a", tau="neuron", tau_penalty=0.01, tau_penalty_on="w")
    plif_run(tmp_path, "b")
    plif_run(tmp_path, "c", tests=[0.5], channels=32, num_epochs=2)
    plif_run(tmp_path, "e", tests=[0.1])  # like b, with fewer trials: b stays
    plif_run(tmp_path, "d", tests=[0.97], select_on="test")
    report.main([str(tmp_path), "--table", "plif"])
    text = capsys.readouterr().out
    assert "unfinished" not in text
    val, best = text.split("DVS128 Gesture, best on test\n")
    layer, neuron, reduced = table(val)
    assert val.startswith("DVS128 Gesture\n") and reduced["published, highest test (%)"] == "–"
    assert reduced["unlike the thesis's"] == "channels=32, 2 epochs" and reduced["test accuracy (%)"] == "50.00 (n = 1)"
    assert layer == {
        "tau": "per layer", "unlike the thesis's": "–", "test accuracy (%)": "92.00 ± 2.83 (n = 2)",
        "validation (%)": "96.00 ± 0.00", "τ mean, per layer": "5.125 / 2.500",
        "τ std, per layer": "0.000 / 0.375", "published, highest test (%)": "95.5",
        "published, highest validation (%)": "100.0"}  # fmt: skip
    assert neuron["tau"] == "per neuron, λ = 0.01, on w" and neuron["published, highest test (%)"] == "95.8"
    assert table(best)[0]["test accuracy (%)"] == "97.00 (n = 1)"


def test_the_plif_table_of_another_set_has_no_published_column(tmp_path, capsys):
    plif_run(tmp_path, "a", data=("dvs_objects", True))
    (tmp_path / "dvs_gesture/runs/bad").mkdir()
    (tmp_path / "dvs_gesture/runs/bad/result.json").write_text("{")
    report.main([str(tmp_path), "--table", "plif"])
    out, err = capsys.readouterr()
    assert out.startswith("dvs_objects, a stand-in") and "published," not in out and "92.00 ± 2.83" in out
    assert err.startswith("warning: ") and "bad" in err
