"""What the report's row of a run says."""

import json

import pytest
from helpers.markdown_table import table
from helpers.report_runs import make_run

from common import report
from common.report import variant

RESNET19 = {"net": "resnet19", "channels": 128, "hidden_size": 256, "num_steps": 2, "num_epochs": 11,
            "surrogate": "rectangle"}


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


def test_a_result_without_accuracies_has_dashes(tmp_path, capsys):
    run = make_run(tmp_path, "run", directory="temporal_coding")
    (run / "result.json").write_text(json.dumps(
        {"data": {"name": "ramp", "stand_in": False, "num_train": 1}, "trials": [{"seed": 0, "seconds": 3}]}))
    report.main([str(tmp_path)])
    (row,) = table(capsys.readouterr().out)
    assert [row[key] for key in ("test accuracy (%)", "firing rate", "operations per sample")] == ["–"] * 3
    assert row["epochs (best / run)"] == "– / 7–9"


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


def test_what_differs_between_many_runs_is_found_in_one_pass():
    class Counted(dict):
        count = 0

        def items(self):
            Counted.count += 1
            return super().items()

    configs = [{"directory": "mnist", "settings": Counted(net="mlp", lr=0.1, beta=k % 2, seed=k, sizes=[k // 50])}
               for k in range(100)]
    assert variant.differing(configs) == {variant._kind(configs[0]): {"beta", "sizes"}} and Counted.count == 100
