"""The table of SPSN's neurons and conditions, beside the published figures, and which tables there are."""

import json

import pytest
from helpers.markdown_table import table
from helpers.settings import resolved

from common import report


def shd_run(root, name, tests, data=("SHD", False), seconds=400.0, num_done=None, **overrides):
    """A finished run of what shd/conf.py describes, with made-up numbers."""
    run = root / "shd" / "runs" / name
    run.mkdir(parents=True)
    settings = resolved("shd", **{"net": "mlp", "num_trials": len(tests), **overrides})
    (run / "config.json").write_text(json.dumps({"settings": settings, "directory": "shd"}))
    length = num_done or settings["num_epochs"]
    trials = [{"test": test, "seconds": seconds, "num_epochs": length, "firing_rates": {"fc1": 0.5, "fc2": 0.25}}
              for test in tests]
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
    shd_run(tmp_path, "c", [0.5], neuron="paralif")
    rows, text = spsn_table(tmp_path, capsys)
    assert text.startswith("SHD\n") and "- published, basic: of one run on all training recordings" in text
    assert [*rows] == [(name, "–") for name in ("LIF", "SPSN-SB", "SPSN-GS", "Non-Spiking", "ParaLIF-d")]
    spsn_sb, lif = rows["SPSN-SB", "–"], rows["LIF", "–"]
    assert spsn_sb["basic (%)"] == "72.00 ± 2.83 (n = 2)" and spsn_sb["basic, s/epoch"] == "2.0"
    assert spsn_sb["published, basic (%)"] == "77.16; 5.5 s/epoch"
    assert spsn_sb["+ augmentation + regularisation (%)"] == "80.00 (n = 1)"
    assert spsn_sb["published, + augmentation + regularisation (%)"] == "89.70"
    assert spsn_sb["firing rates, basic"] == "0.500 / 0.250"
    assert lif["basic (%)"] == "–" and lif["published, + augmentation (%)"] == "83.03; 261.7 s/epoch"
    assert "+ regularisation (%)" not in lif


@pytest.mark.parametrize(
    "neuron", [{"neuron": "lif"}, {"spike": "sb"}, {"spike": "gs"}, {"neuron": "non_spiking"}], ids=str)
def test_conf_py_as_it_stands_has_the_published_settings(tmp_path, capsys, neuron):
    shd_run(tmp_path, "basic", [0.5], **neuron)
    shd_run(tmp_path, "augmented", [0.6], **neuron, augment=True)
    rows, _ = spsn_table(tmp_path, capsys)
    assert {unlike for _, unlike in rows} == {"–"}
    (row,) = (row for row in rows.values() if row["basic (%)"] != "–")
    assert (row["basic (%)"], row["+ augmentation (%)"]) == ("50.00 (n = 1)", "60.00 (n = 1)")
    assert "–" not in (row["published, basic (%)"], row["published, + augmentation (%)"])


def test_a_run_by_spsn_s_own_protocol_says_so_beside_the_published_figures(tmp_path, capsys):
    shd_run(tmp_path, "ours", [0.5])
    shd_run(tmp_path, "theirs", [0.7], select_on="last", val_fraction=0.0, length="batch")
    rows, _ = spsn_table(tmp_path, capsys)
    row = rows["SPSN-SB", "none; its protocol too"]
    assert (row["basic (%)"], row["published, basic (%)"][:5]) == ("70.00 (n = 1)", "77.16")
    assert rows["SPSN-SB", "–"]["basic (%)"] == "50.00 (n = 1)"


def test_protocols_stay_apart_where_other_settings_differ_too(tmp_path, capsys):
    for name, test, protocol in (("ours", 0.5, {}), ("theirs", 0.7, {"select_on": "last", "val_fraction": 0.0,
                                                                     "length": "batch", "ties": "first"})):
        shd_run(tmp_path, name, [test], dt_ms=4, **protocol)
    rows, _ = spsn_table(tmp_path, capsys)
    found = {unlike: row["basic (%)"] for (neuron, unlike), row in rows.items() if neuron == "SPSN-SB"}
    assert found == {"–": "–", "4 ms": "50.00 (n = 1)", "4 ms; its protocol too": "70.00 (n = 1)"}


@pytest.mark.parametrize("settings, unlike", [
    ({"subset": 60}, "60 recordings"),
    ({"dt_ms": 4, "num_epochs": 30}, "4 ms, 30 epochs"),
    ({"window_ms": 0.001}, "first 0.001 ms"),
    ({"binarize": True}, "binarized"),
    ({"hidden_sizes": [128, 128]}, "128-128 hidden"),
    ({"lr": 0.002}, "lr=0.002"),
    ({"select_on": "test"}, "val_fraction=0, best on test"), ({"length": "batch"}, "length=batch"),
    ({"select_on": "last", "length": "batch"}, "last epoch, length=batch"),  # which holds a tenth out
    ({"neuron": "paralif", "recurrent": True, "learn_tau": True}, "learn_tau, recurrent"),
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
    shd_run(tmp_path, "4", [0.2, 0.2, 0.2], num_done=30)  # to be made longer: config.json says 200 epochs
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
    assert text.startswith("fsdd_shd, your own set: no published figure") and "published," not in text
    assert text.count("70.00 (n = 1)") == 3


def test_a_table_beside_the_runs_goes_before_that_of_the_repository(tmp_path, capsys):
    shd_run(tmp_path, "a", [0.7])
    report.main([str(tmp_path / "shd/runs/a"), "--table", "spsn"])
    assert "71.37" in capsys.readouterr().out
    table = report.conf_tables(report.ROOT / "shd")["spsn"] | {"published": {"LIF": ["12.34"]}}
    (tmp_path / "shd/conf.py").write_text(f"tables = {{'mine': {table}}}")
    report.conf_tables.cache_clear()
    report.main([str(tmp_path), "--table", "mine"])
    out = capsys.readouterr().out
    assert "12.34" in out and "71.37" not in out and "70.00 (n = 1)" in out


def test_an_unknown_table_is_an_error_that_names_those_there_are(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        report.main([str(tmp_path), "--table", "spns"])
    assert "no conf.py has a table 'spns'; there are plif, spsn" in capsys.readouterr().err


def test_a_conf_py_that_does_not_run_costs_its_runs_only_their_own_tables(tmp_path, capsys):
    shd_run(tmp_path, "a", [0.7])
    (tmp_path / "shd/conf.py").write_text("tables = {")
    report.main([str(tmp_path), "--table", "spsn"])
    out, err = capsys.readouterr()
    assert "70.00 (n = 1)" in out
    assert err.startswith(f"warning: {tmp_path / 'shd/conf.py'}, line 1: '{{' was never closed")


def test_a_run_that_lacks_a_measure_is_named_and_leaves_no_empty_table(tmp_path, capsys):
    shd_run(tmp_path, "a", [0.7], data=("mine", False))
    path = tmp_path / "shd/runs/a/result.json"
    path.write_text(path.read_text().replace("firing_rates", "rates"))
    report.main([str(tmp_path), "--table", "spsn"])
    out, err = capsys.readouterr()
    assert out == "" and "shd/runs/a: KeyError" in err
