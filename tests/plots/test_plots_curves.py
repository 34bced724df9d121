"""Curves over epochs and iterations, and the metrics that they are drawn from."""

import math

import numpy as np
import pytest
from helpers.drawn_lines import lines
from matplotlib.colors import to_hex

from common.plots import curves, style
from common.running import metrics


def make_rows(*trials):
    """Rows of metrics, one trial per list of validation accuracies."""
    return [
        {"trial": k, "epoch": e, "iteration": 10 * e, "train_accuracy": 0.5, "val_accuracy": val, "train_loss": 2.0 / e,
         "val_loss": 3.0 / e, "threshold_fc": 1.0 + e}
        for k, trial in enumerate(trials) for e, val in enumerate(trial, start=1)
    ]


def test_one_epoch_is_two_marked_points():
    figure = curves.learning_curves(make_rows([0.75]))
    accuracy, loss = figure.axes
    assert lines(accuracy, "train") == [[50.0]] and lines(accuracy, "val") == [[75.0]]
    assert lines(loss, "train") == [[2.0]] and lines(loss, "val") == [[3.0]]
    assert {line.get_marker() for line in accuracy.get_lines()} == {"o", "s"}
    assert accuracy.get_ylabel() == "accuracy (%)" and loss.get_ylabel() == "loss"
    assert [tick for tick in accuracy.get_xticks() if 0.9 < tick < 1.1] == [1]


def test_the_set_that_chose_the_epoch_has_its_name():
    for ax in curves.learning_curves(make_rows([0.5, 0.75]), "test").axes:
        assert [line.get_label() for line in ax.get_lines()] == ["train", "test"]


def test_trials_are_faint_and_their_mean_is_bold_up_to_the_shortest():
    figure = curves.learning_curves(make_rows([0.5, 0.75, 0.9], [0.25, 0.5]))
    accuracy = figure.axes[0]
    assert lines(accuracy, "val") == [[37.5, 62.5]]
    assert [50.0, 75.0, 90.0] in lines(accuracy) and [25.0, 50.0] in lines(accuracy)
    faint, bold = (next(line for line in accuracy.get_lines() if line.get_label().startswith(name)) for name in "_v")
    assert faint.get_linewidth() < 1 < bold.get_linewidth() and faint.get_alpha() < 0.5
    assert "2 trials" in figure.get_suptitle()


def test_long_curves_have_no_markers_but_differ_in_line_style_and_colour():
    train, val = curves.learning_curves(make_rows([0.9] * 500)).axes[1].get_lines()
    assert len(train.get_xdata()) == 500 and train.get_xdata()[0] == 1
    assert train.get_marker() == val.get_marker() == ""
    assert train.get_linestyle() != val.get_linestyle()
    assert to_hex(train.get_color()) != to_hex(val.get_color())


def test_a_moving_average_by_hand():
    assert curves.moving_average([1.0, 2.0, 6.0, 4.0], 2).tolist() == [1.0, 1.5, 4.0, 5.0]
    assert curves.moving_average([3.0, 5.0], 10).tolist() == [3.0, 4.0]


@pytest.mark.parametrize("num_epochs, window", [(1, 1), (19, 1), (29, 2), (60, 6), (1256, 20)])
def test_a_long_run_is_smoothed_more(num_epochs, window):
    assert curves.window_of(num_epochs) == window


def test_a_long_run_has_each_accuracy_faint_and_the_moving_average_of_the_mean_bold():
    accuracy, loss = curves.learning_curves(make_rows([0.5, 0.7] * 10, [0.3, 0.5] * 11)).axes
    (bold,) = lines(accuracy, "val")
    assert bold == pytest.approx([40.0] + [50.0] * 19)  # of 40 and 60
    faint = [list(line.get_ydata()) for line in accuracy.get_lines() if line.get_alpha() == 0.35]
    assert [50.0, 70.0] * 10 in faint and [30.0, 50.0] * 11 in faint and len(faint) == 4
    assert accuracy.get_ylabel() == "accuracy (%),\nbold: mean of the last 2 epochs" and loss.get_ylabel() == "loss"
    (single, _) = curves.learning_curves(make_rows([0.5, 0.7] * 10)).axes
    assert lines(single, "val")[0] == pytest.approx([50.0] + [60.0] * 19) and [50.0, 70.0] * 10 in lines(single)


def test_a_loss_that_spans_a_power_of_ten_has_a_logarithmic_axis_and_what_has_no_logarithm_is_counted():
    rows = make_rows([0.5] * 12)
    (_, loss) = curves.learning_curves(rows).axes
    assert loss.get_yscale() == "log" and loss.get_title() == ""
    rows[3]["val_loss"] = 0.0
    (_, loss) = curves.learning_curves(rows).axes
    assert np.isnan(lines(loss, "val")[0][3]) and lines(loss, "train") == [[2.0 / e for e in range(1, 13)]]
    assert loss.get_title() == "1 of 24 values are not finite, or 0, and not drawn"
    (_, loss) = curves.learning_curves(rows[:4]).axes
    assert loss.get_yscale() == "linear" and lines(loss, "val") == [[3.0, 1.5, 1.0, 0.0]] and loss.get_title() == ""


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_leaves_a_gap_and_is_counted(lost):
    rows = make_rows([0.5, 0.6, 0.7])
    rows[1]["val_loss"] = lost
    accuracy, loss = curves.learning_curves(rows).axes
    assert np.array_equal(lines(loss, "val"), [[3.0, math.nan, 1.0]], equal_nan=True)
    assert loss.get_title() == "1 of 6 values are not finite and not drawn"
    assert accuracy.get_title() == ""
    assert np.isfinite(loss.get_ylim()).all()


def test_no_epoch_is_an_error():
    with pytest.raises(ValueError, match="no finished epoch"):
        curves.learning_curves([])


def test_measured_thresholds_lie_on_the_schedule():
    schedule = [1 + i / 10 for i in range(31)]
    figure = curves.threshold_curves(["fc"], {"fc": schedule}, make_rows([0.5, 0.6, 0.7], [0.5, 0.6, 0.7]))
    (ax,) = figure.axes
    assert lines(ax, "schedule") == [schedule]
    (measured,) = (line for line in ax.get_lines() if line.get_label() == "measured (trial 0)")
    assert list(measured.get_xdata()) == [10, 20, 30] and list(measured.get_ydata()) == [2.0, 3.0, 4.0]
    assert measured.get_marker() == "o" and measured.get_linestyle() == "None"
    assert (ax.get_title(), ax.get_xlabel(), ax.get_xscale()) == ("fc", "training iteration", "linear")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["schedule", "measured (trial 0)"]


def test_a_threshold_that_settles_early_is_drawn_over_a_logarithmic_axis_with_fewer_markers():
    rows = make_rows([0.5] * 200)
    figure = curves.threshold_curves(["fc"], {"fc": [2 - 0.8**i for i in range(2001)]}, rows)
    (ax,) = figure.axes
    _, measured = ax.get_lines()
    assert ax.get_xscale() == "symlog" and ax.get_xlim()[0] == 0
    assert len(measured.get_xdata()) <= 25 and {10, 2000} <= set(measured.get_xdata())
    assert measured.get_label() == f"measured (trial 0, {len(measured.get_xdata())} of 200 epochs)"


def test_a_constant_threshold_has_a_linear_axis():
    figure = curves.threshold_curves(["fc"], {"fc": [1.0] * 31}, make_rows([0.5, 0.6, 0.7]))
    assert figure.axes[0].get_xscale() == "linear"


def test_read_metrics_parses_numbers(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("trial,epoch,iteration,train_loss,val_loss\n0,1,430,1.5,nan\n0,2,860,2e-3,\n")
    first, second = metrics.read(path)
    assert first["iteration"] == 430 and isinstance(first["iteration"], int) and first["train_loss"] == 1.5
    assert second["train_loss"] == 0.002 and math.isnan(first["val_loss"]) and math.isnan(second["val_loss"])


@pytest.mark.parametrize("line", ["0,2", "0,2,1.5,9", "0,two,1.5"])
def test_read_metrics_names_file_and_line_of_damage(tmp_path, line):
    path = tmp_path / "metrics.csv"
    path.write_text("trial,epoch,val_loss\n0,1,1.5\n" + line)
    with pytest.raises(ValueError, match="metrics.csv, line 3"):
        metrics.read(path)


def test_read_metrics_takes_a_file_that_a_spreadsheet_has_saved(tmp_path):
    (tmp_path / "metrics.csv").write_text("trial,epoch,val_loss\r\n0,1,1.5\r\n", encoding="utf-8-sig")
    assert metrics.read(tmp_path / "metrics.csv") == [{"trial": 0, "epoch": 1, "val_loss": 1.5}]


def test_save_writes_an_image_and_makes_its_directory(tmp_path):
    path = tmp_path / "figures" / "learning_curves.png"
    style.save(curves.learning_curves(make_rows([0.5, 0.6])), path)
    assert path.read_bytes().startswith(b"\x89PNG")
