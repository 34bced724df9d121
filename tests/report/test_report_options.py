"""What is shown of the runs found: which of them, as what rows, which columns, in which format."""

import csv
import json

import pytest
from helpers.markdown_table import table
from helpers.report_runs import make_run
from test_report_spsn import shd_run

from common import report


def rows(capsys, *arguments):
    report.main([*map(str, arguments)])
    return table(capsys.readouterr().out)


def with_seeds(run, *seeds):
    """The run, its trials of these seeds."""
    result = json.loads((run / "result.json").read_text())
    for trial, seed in zip(result["trials"], seeds, strict=True):
        trial["seed"] = seed
    result["num_trials"] = len(seeds)
    (run / "result.json").write_text(json.dumps(result))


def test_runs_of_equal_settings_and_other_seeds_are_one_row(tmp_path, capsys):
    with_seeds(make_run(tmp_path, "a", tests=[0.9], seed=0, num_trials=1), 0)
    with_seeds(make_run(tmp_path, "b", tests=[0.92, 0.94], seed=1, num_trials=2, device="cpu"), 1, 2)
    with_seeds(make_run(tmp_path, "again", tests=[0.5], seed=0, num_trials=1), 0)
    with_seeds(make_run(tmp_path, "other", tests=[0.7], seed=3, num_trials=1, lr=0.5), 3)
    with_seeds(make_run(tmp_path, "stopped", tests=[0.1], seed=4, num_trials=2), 4)
    found = {row["run"]: row for row in rows(capsys, tmp_path)}
    assert {name: (row["test accuracy (%)"], row["n"]) for name, row in found.items()} == {
        "a and 1 more": ("92.00 ± 2.00", "3"), "again": ("50.00", "1"), "other": ("70.00", "1"),
        "stopped": ("10.00", "1 of 2")}
    assert found["a and 1 more"]["epochs (best / run)"] == "2–3 / 7–8"


def test_diverged_trials_are_counted_also_in_a_row_of_several_runs(tmp_path, capsys):
    runs = [make_run(tmp_path, "a", tests=[0.9, 0.5], seed=0, num_trials=2),
            make_run(tmp_path, "b", tests=[0.92], seed=2, num_trials=1)]
    for run, seeds in zip(runs, ([0, 1], [2]), strict=True):
        with_seeds(run, *seeds)
    result = json.loads((runs[0] / "result.json").read_text())
    result["trials"][1] = {"seed": 1, "diverged": "loss nan, in epoch 2", "seconds": 3.0}
    (runs[0] / "result.json").write_text(json.dumps(result))
    report.main([str(tmp_path)])
    text = capsys.readouterr().out
    (row,) = table(text)
    assert (row["run"], row["test accuracy (%)"], row["n"]) == ("a and 1 more", "91.00 ± 1.41", "3, 1 diverged")
    assert "- diverged: a loss, gradient or weight" in text


def test_what_all_rows_have_alike_stands_above_them_and_empty_columns_nowhere(tmp_path, capsys):
    make_run(tmp_path, "a")
    make_run(tmp_path, "b", binarize=False)
    report.main([str(tmp_path)])
    text = capsys.readouterr().out
    assert text.startswith("experiment: mnist, net: convnet, variant: channels=128, schedule: exponential\n\n|")
    assert [*table(text)[0]] == ["weights", "epochs (best / run)", "data", "test accuracy (%)", "n", "run"]
    wide = rows(capsys, tmp_path, "--wide")[0]
    assert wide["net"] == "convnet" and wide["time"] == "1,801 s, cpu, 2 threads" and wide["published (%)"] == "–"


def test_where_takes_the_runs_that_have_a_setting_and_the_variant_compares_these(tmp_path, capsys):
    make_run(tmp_path, "a", lr=0.1, crop=0)
    make_run(tmp_path, "b", lr=0.2, crop=0)
    make_run(tmp_path, "c", "fashion_mnist", data="mine", lr=0.2, crop=4)

    def names(*conditions):
        return [row["run"] for row in rows(capsys, tmp_path, *(f"--where={condition}" for condition in conditions))]

    assert names("lr=0.2") == ["c", "b"] and names("lr=0.1|0.2", "crop=0") == ["a", "b"]
    assert names("experiment=mnist") == names("data=MNIST") == ["a", "b"]
    assert [row["variant"] for row in rows(capsys, tmp_path, "--wide")] == [
        "channels=128", "channels=128, lr=0.1", "channels=128, lr=0.2"]
    assert [row["variant"] for row in rows(capsys, tmp_path, "--wide", "--where", "lr=0.1")] == ["channels=128"]
    assert names("lr=0.3") == []


@pytest.mark.parametrize("condition, message", [
    ("lrr=0.1", "no run has a key 'lrr'; did you mean 'lr'?"), ("lr", "--where takes key=value or key=value|value"),
    ("a=1 b=2", "--where takes key=value or key=value|value")])
def test_a_bad_condition_is_an_error(tmp_path, capsys, condition, message):
    make_run(tmp_path, "a", lr=0.1)
    with pytest.raises(SystemExit, match="2"):
        report.main([str(tmp_path), "--where", condition])
    assert message in capsys.readouterr().err


def test_conditions_that_no_run_meets_say_so(tmp_path, capsys):
    make_run(tmp_path, "a", lr=0.1)
    report.main([str(tmp_path), "--where", "lr=0.2"])
    assert capsys.readouterr().err == "warning: no finished run has lr=0.2\n"


def test_comma_separated_values_have_all_columns_and_deviations_of_their_own(tmp_path, capsys):
    make_run(tmp_path, "a")
    make_run(tmp_path, "b", tests=[0.9], select_on="test")
    report.main([str(tmp_path), "--csv"])
    first, second = csv.DictReader(capsys.readouterr().out.splitlines())
    assert [first[f"test accuracy (%){part}"] for part in ("", ", std", ", remark")] == ["98.00", "1.00", ""]
    assert [second[f"test accuracy (%){part}"] for part in ("", ", std", ", remark")] == ["90.00", "", "best on test"]
    assert (first["experiment"], first["published (%)"], first["commit"], first["n"]) == ("mnist", "", "0123456+", "3")


def test_latex_has_a_line_for_each_row(tmp_path, capsys):
    make_run(tmp_path, "a_1")
    make_run(tmp_path, "b", "fashion_mnist", tests=[0.9])
    report.main([str(tmp_path), "--latex"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("% net: convnet") and r"\begin{tabular}{llllll}" in lines
    assert r"mnist & 2–4 / 7–9 & MNIST, 54,000 train & 98.00 $\pm$ 1.00 & 3 & a\_1 \\".replace("–", "--") in lines
    assert lines[lines.index(r"\midrule") + 3] == r"\bottomrule"


def test_a_table_without_runs_says_why(tmp_path, capsys):
    make_run(tmp_path, "a")
    report.main([str(tmp_path), "--table", "spsn"])
    out, err = capsys.readouterr()
    assert out == "" and "the table spsn is empty: it takes finished runs of net=mlp" in err and "convnet" in err


def test_the_spsn_table_is_printed_in_every_format(tmp_path, capsys):
    shd_run(tmp_path, "a", [0.70, 0.74])
    report.main([str(tmp_path), "--table", "spsn", "--latex"])
    assert capsys.readouterr().out.startswith("% SHD\n\n\\begin{tabular}")
    report.main([str(tmp_path), "--table", "spsn", "--csv"])
    assert capsys.readouterr().out.startswith("neuron,")


def test_an_experiment_s_name_will_do_anywhere(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = {row["run"] for row in rows(capsys, "fashion_mnist", "--wide")}
    assert "results/annealed_10_epochs_seed_0" in found
    monkeypatch.setattr(report, "ROOT", tmp_path / "repository")
    make_run(tmp_path / "repository", "theirs")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert [row["run"] for row in rows(capsys)] == ["theirs"]  # of the repository, as nothing is here
    make_run(tmp_path / "elsewhere", "mine")
    assert [row["run"] for row in rows(capsys)] == ["mine"]
