"""Figures of firing rates, and of a sample's spikes and membranes."""

import numpy as np
import pytest
from helpers.drawn_lines import lines
from matplotlib.colors import to_rgba

from common.plots import activity, style


def make_result(*rates):
    shares = {"silent_share": {"conv1": 0.25, "fc": 0.5}, "saturated_share": {"conv1": 0.0, "fc": 0.125}}
    return {"trials": [{"firing_rates": {"conv1": rate, "fc": 0.25}} | shares for rate in rates]}


def test_firing_rates_of_one_trial():
    rate, share = activity.firing_rates(make_result(0.5)).axes
    assert [bar.get_height() for bar in rate.patches] == [0.5, 0.25]
    assert [tick.get_text() for tick in rate.get_xticklabels()] == ["conv1", "fc"]
    assert [bar.get_height() for bar in share.patches] == [25.0, 50.0, 0.0, 12.5]
    assert [text.get_text() for text in share.get_legend().get_texts()] == ["silent", "saturated (always on)"]
    assert share.patches[0].get_hatch() != share.patches[2].get_hatch()
    assert not rate.collections  # no whiskers
    assert "spikes per neuron and step" in rate.get_ylabel() and "(%)" in share.get_ylabel()


def test_the_number_on_a_full_bar_is_100():
    shares = {"silent_share": {"fc": 1.0}, "saturated_share": {"fc": 0.0}}
    rate, share = activity.firing_rates({"trials": [{"firing_rates": {"fc": 0.0625}} | shares]}).axes
    assert [[text.get_text() for text in ax.texts] for ax in (rate, share)] == [["0.062"], ["100", "0"]]


def test_firing_rates_of_several_trials_are_means_with_whiskers():
    figure = activity.firing_rates(make_result(0.125, 0.25, 0.375))  # mean 0.25, std 0.125 with n - 1
    rate = figure.axes[0]
    assert [bar.get_height() for bar in rate.patches] == [0.25, 0.25]
    conv1, fc = rate.collections[0].get_segments()
    assert conv1[:, 1] == pytest.approx([0.125, 0.375]) and fc[:, 1] == pytest.approx([0.25, 0.25])
    assert "3 trials" in figure.get_suptitle()


def make_activity(num_neurons):
    """Three spikes of neuron 2, two of 4, one of 1; of the silent ones, neuron 0 rises highest."""
    spikes, membrane = np.zeros((10, num_neurons)), np.zeros((10, num_neurons))
    spikes[[1, 3, 5], 2] = spikes[[2, 4], 4] = spikes[6, 1] = 1
    membrane[:, 2] = 0.7
    membrane[5, 0] = 0.9
    return spikes, membrane


def spikes_in(ax):
    """{colour: [(time, neuron)]} of a raster."""
    return {tuple(points.get_edgecolor()[0]): sorted(map(tuple, points.get_offsets())) for points in ax.collections
            if len(points.get_offsets())}


def test_example_draws_spikes_membranes_and_threshold():
    image = np.ones((2, 3, 4))
    figure = activity.example([activity.Layer("fc", *make_activity(5), 1.5)], "label 7, predicted 1", image)
    axes = {ax.get_title(): ax for ax in figure.axes}
    spikes, membrane = axes["fc: spikes of 5 neurons"], axes["fc: the 3 most active neurons"]
    assert sorted(sum(spikes_in(spikes).values(), [])) == [(1, 2), (2, 4), (3, 2), (4, 4), (5, 2), (6, 1)]
    assert [line.get_label() for line in membrane.get_lines()] == ["neuron 2", "neuron 4", "neuron 1", "threshold θ"]
    for line, drawn in zip(membrane.get_lines(), [[(1, 2), (3, 2), (5, 2)], [(2, 4), (4, 4)], [(6, 1)]], strict=False):
        assert spikes_in(spikes)[to_rgba(line.get_color())] == drawn  # a neuron has one colour in both panels
    assert lines(membrane, "neuron 2") == [[0.7] * 10]
    threshold = membrane.get_lines()[-1]
    assert list(threshold.get_ydata()) == [1.5, 1.5] and threshold.get_linestyle() == "--"
    assert len({line.get_linestyle() for line in membrane.get_lines()}) == 4
    assert np.array_equal(axes["input"].images[0].get_array(), np.full((3, 4), 2.0))
    assert figure.get_suptitle() == "label 7, predicted 1" and spikes.get_xlabel() == "time step"


def test_a_neuron_without_a_threshold_gets_no_line():
    _, ax = activity.example([activity.Layer("fc", *make_activity(5), None)], "").axes
    assert [line.get_label() for line in ax.get_lines()] == ["neuron 2", "neuron 4", "neuron 1"]


def test_events_are_drawn_as_a_raster_and_time_in_milliseconds():
    events = np.zeros((10, 700))
    events[[2, 9], [3, 699]] = 1, 2
    given, spikes, membrane = activity.example(
        [activity.Layer("fc", *make_activity(5), 1.5)], "", events=events, dt_ms=4.0).axes
    assert given.collections[0].get_offsets().tolist() == [[8, 3], [36, 699]] and given.get_title() == "input: 3 events"
    assert (4, 2) in sum(spikes_in(spikes).values(), []) and membrane.get_lines()[0].get_xdata()[-1] == 36
    assert {ax.get_xlabel() for ax in (given, spikes, membrane)} == {"time (ms)"}
    assert {ax.get_xlim() for ax in (given, spikes, membrane)} == {(-2, 38)}


def test_example_samples_large_layers_and_says_so():
    spikes = np.ones((2, 1000))
    membrane = spikes.copy()
    membrane[:, [1, 2, 3]] = 2
    raster, _ = activity.example([activity.Layer("conv1", spikes, membrane, 1.0)], "").axes
    drawn = {neuron for _, neuron in sum(spikes_in(raster).values(), [])}
    assert raster.get_title() == "conv1: spikes of 203 of 1000 neurons"  # 200, and the three beside them
    assert len(drawn) == 203 and {0, 1, 2, 3, 999} <= drawn


def test_the_most_active_neuron_is_in_the_raster_though_it_is_alone():
    spikes = np.zeros((2, 1000))
    spikes[1, 2] = 1
    raster, membrane = activity.example([activity.Layer("conv1", spikes, spikes, 0.5)], "").axes
    assert spikes_in(raster) == {to_rgba(membrane.get_lines()[0].get_color()): [(1, 2)]}


def test_of_equally_active_neurons_the_highest_membrane_is_drawn_first():
    spikes, membrane = make_activity(5)
    _, ax = activity.example([activity.Layer("fc", 0 * spikes, membrane, 1.0)], "").axes
    assert [line.get_label() for line in ax.get_lines()][:2] == ["neuron 0", "neuron 2"]
    assert ax.get_title() == "fc: the 3 highest membranes (no neuron spikes)"


def test_a_figure_says_what_its_data_are():
    figure = style.name_data(lambda: activity.firing_rates(make_result(0.5)), "digits, a stand-in")
    assert figure.get_suptitle() == "digits, a stand-in; over the test set"
    bare = style.name_data(lambda: style.panels([["a"]], (2, 2))[0], "MNIST")
    assert bare.get_suptitle() == "MNIST"


def test_raster_takes_what_snntorchs_takes():
    torch = pytest.importorskip("torch")
    ax = activity.example([activity.Layer("fc", *make_activity(5), 1.5)], "").add_subplot()
    points = style.raster(torch.eye(3), ax, s=1.5, c="black")
    assert points.get_offsets().tolist() == [[0, 0], [1, 1], [2, 2]]
