"""The table of PLIF's time constants, beside the published figures."""

import json

from helpers.markdown_table import table
from helpers.settings import resolved

from common import report


def plif_run(root, name, tests=(0.9, 0.94), data=("DVS128 Gesture", False), val=0.96, **overrides):
    """A finished run of what dvs_gesture/conf.py describes, with made-up numbers."""
    run = root / "dvs_gesture" / "runs" / name
    run.mkdir(parents=True)
    settings = resolved("dvs_gesture", **{"net": "plifnet", "num_trials": len(tests), **overrides})
    (run / "config.json").write_text(json.dumps({"settings": settings, "directory": "dvs_gesture"}))
    trials = [{"test": test, "val": val, "num_epochs": settings["num_epochs"]} for test in tests]
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
        "published, highest validation (%)": "100.0"}
    assert neuron["tau"] == "per neuron, λ = 0.01, on w" and neuron["published, highest test (%)"] == "95.8"
    (best,) = table(best)
    assert (best["test accuracy (%)"], best["validation (%)"]) == ("97.00 (n = 1)", "–")


def test_the_plif_table_keeps_protocols_apart_also_without_a_validation_set(tmp_path, capsys):
    plif_run(tmp_path, "a")
    plif_run(tmp_path, "b", tests=[0.8], select_on="last", ties="last", val=None)
    report.main([str(tmp_path), "--table", "plif"])
    ours, theirs = capsys.readouterr().out.split("DVS128 Gesture, last epoch\n")
    assert table(ours)[0]["test accuracy (%)"] == "92.00 ± 2.83 (n = 2)"
    (row,) = table(theirs)
    assert (row["test accuracy (%)"], row["validation (%)"], row["unlike the thesis's"]) == ("80.00 (n = 1)", "–", "–")


def test_the_plif_table_of_another_set_has_no_published_column(tmp_path, capsys):
    plif_run(tmp_path, "a", data=("dvs_objects", True))
    (tmp_path / "dvs_gesture/runs/bad").mkdir()
    (tmp_path / "dvs_gesture/runs/bad/result.json").write_text("{")
    report.main([str(tmp_path), "--table", "plif"])
    out, err = capsys.readouterr()
    assert out.startswith("dvs_objects, your own set") and "published," not in out and "92.00 ± 2.83" in out
    assert err.startswith("warning: ") and "bad" in err
