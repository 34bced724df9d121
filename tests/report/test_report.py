import json
import subprocess
import sys

import pytest
from helpers.markdown_table import table
from helpers.place import ROOT

from common import report

SETTINGS = {"net": "convnet", "binarize": True, "threshold_schedule": "exponential", "select_on": "val", "subset": 0,
            "channels": 128}
RESNET19 = {"net": "resnet19", "channels": 128, "hidden_size": 256, "num_steps": 2, "num_epochs": 11,
            "surrogate": "rectangle"}
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
    ("mnist", "MNIST", RESNET19, "98.85 (direct-training-snn@eef1f9e, last epoch)"),
    ("mnist", "MNIST", RESNET19 | {"readout": "spikes", "stem": 64}, "98.85 (direct-training-snn@eef1f9e, last epoch)"),
    ("mnist", "MNIST", RESNET19 | {"select_on": "last"}, "98.85 (direct-training-snn@eef1f9e, last epoch)"),
    ("mnist", "MNIST", RESNET19 | {"select_on": "test"}, "–"),
    ("mnist", "MNIST", RESNET19 | {"channels": 32}, "–"),
    ("mnist", "MNIST", RESNET19 | {"num_epochs": 1}, "–"),
    ("mnist", "MNIST", RESNET19 | {"num_steps": 8}, "–"),
    ("mnist", "MNIST", {"net": "plifnet", "tau": "layer"}, "99.63 (Fang 2021)"),
    ("mnist", "MNIST", {"net": "plifnet", "tau": "layer", "select_on": "test"}, "99.72 (Fang 2021)"),
    ("fashion_mnist", "Fashion-MNIST", {"net": "plifnet", "tau": "layer", "select_on": "test"}, "94.38 (Fang 2021)"),
    ("fashion_mnist", "MNIST", {"net": "plifnet", "tau": "layer"}, "–"),
    ("mnist", "my_digits", RESNET19, "–"),
    ("mnist", "MNIST", RESNET19 | {"binarize": True}, "–"),
    ("mnist", "MNIST", RESNET19 | {"subset": 1000}, "–"),
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
    make_run(tmp_path, "run", data=name, stand_in=True, **RESNET19, binarize=False)
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
    ({"neuron": "spsn_sb", "augment": True, "rate_limit": 0.4}, "spsn, sb, augment, rate_limit=0.4"),
    ({"neuron": "paralif_d", "recurrent": True, "hidden_sizes": [64, 32]}, "paralif, d, recurrent, 64-32 hidden"),
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
        "first": "channels=128, crop=0, surrogate=fast_sigmoid",
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
