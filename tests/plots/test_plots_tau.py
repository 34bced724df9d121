import numpy as np
import pytest

from common.plots import activity, curves


def make_rows(*trials):
    """Rows of metrics, one trial per list of validation accuracies; conv1's tau spreads, fc1 has one."""
    return [
        {"trial": k, "epoch": e, "iteration": 10 * e, "train_accuracy": 1.0, "val_accuracy": val, "train_loss": 2.0 / e,
         "val_loss": 0.0 if e == 2 else 3.0 / e, "tau_mean_conv1": 2.0 + k, "tau_std_conv1": e / 10,
         "tau_mean_fc1": 1.5, "tau_std_fc1": 0.0}
        for k, trial in enumerate(trials) for e, val in enumerate(trial, start=1)
    ]


def lines(ax, label):
    return [list(line.get_ydata()) for line in ax.get_lines() if line.get_label() == label]


def test_layers_are_those_whose_tau_is_in_the_metrics():
    assert curves.layers_with_tau(make_rows([0.5])) == ["conv1", "fc1"] and curves.layers_with_tau([{"trial": 0}]) == []


def test_the_set_that_chose_the_epoch_has_its_name():
    rows = make_rows([0.5, 0.7])
    assert curves.compare({"layer": rows}, "test").axes[0].get_ylabel() == "test accuracy (%)"


def test_accuracies_of_long_cases_are_smoothed():
    (accuracy, _) = curves.compare({"layer": make_rows([0.5, 0.7] * 10)}).axes
    assert lines(accuracy, "layer")[0] == pytest.approx([50.0] + [60.0] * 19)
    assert accuracy.get_ylabel() == "val accuracy (%),\nmean of the last 2 epochs"


def test_tau_over_epochs_is_the_mean_over_trials_of_each_layer():
    figure = curves.tau_curves(make_rows([0.5, 0.6, 0.7], [0.5, 0.6]))
    mean, std = figure.axes
    assert lines(mean, "conv1") == [[2.5, 2.5]] and lines(mean, "fc1") == [[1.5, 1.5]]
    assert lines(std, "conv1")[0] == pytest.approx([0.1, 0.2]) and lines(std, "fc1") == [[0.0, 0.0]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["conv1", "fc1"]
    assert "2 trials" in figure.get_suptitle()


def test_the_spread_is_left_out_where_each_layer_has_one_tau():
    rows = [row | {"tau_std_conv1": 0.0} for row in make_rows([0.5, 0.6])]
    (ax,) = curves.tau_curves(rows).axes
    assert ax.get_ylabel() == "mean of τ (steps)"


def test_a_layer_of_neurons_is_a_violin_and_a_single_tau_a_mark():
    values = np.linspace(1.5, 3.5, 2000)
    (ax,) = activity.tau_distributions({"conv1": values, "fc1": np.array([2.5])}, 2.0, "title").axes
    (body,) = [part for part in ax.collections if "PolyCollection" in type(part).__name__]
    heights = body.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(1.5) and heights.max() == pytest.approx(3.5)
    (mark,) = [line for line in ax.get_lines() if line.get_marker() == "D"]
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (1, 2.5)
    (start,) = [line for line in ax.get_lines() if line.get_linestyle() == "--"]
    assert list(start.get_ydata()) == [2.0, 2.0] and start.get_label() == "mean at the start"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["conv1\n2,000", "fc1"]
    assert ax.figure.get_suptitle() == "title" and "(steps)" in ax.get_ylabel()


def test_neurons_that_are_still_equal_are_a_mark():
    (ax,) = activity.tau_distributions({"conv1": np.full(5, 2.0)}, 2.0).axes
    assert [line.get_ydata()[0] for line in ax.get_lines() if line.get_marker() == "D"] == [2.0]


def test_cases_are_compared_by_accuracy_and_by_the_spread_of_tau_averaged_over_layers():
    figure = curves.compare({"layer": make_rows([0.5, 0.7]), "neuron": make_rows([0.4, 0.6], [0.6, 0.8])})
    accuracy, std = figure.axes
    assert lines(accuracy, "layer")[0] == pytest.approx([50.0, 70.0])
    assert lines(accuracy, "neuron")[0] == pytest.approx([50.0, 70.0])
    assert [list(line.get_ydata()) for line in std.get_lines()] == [pytest.approx([0.05, 0.1])] * 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["layer", "neuron"]
    assert len({line.get_color() for line in accuracy.get_lines()}) == 2


def test_no_epoch_is_an_error():
    with pytest.raises(ValueError, match="no finished epoch"):
        curves.tau_curves([])
