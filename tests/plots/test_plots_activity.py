"""Figures of firing rates, and of a sample's spikes and membranes."""

import numpy as np
import pytest
from helpers.drawn_lines import lines

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


def test_example_draws_spikes_membranes_and_threshold():
    image = np.ones((2, 3, 4))
    figure = activity.example([activity.Layer("fc", *make_activity(5), 1.5)], 7, image)
    axes = {ax.get_title(): ax for ax in figure.axes}
    spikes, membrane = axes["fc: spikes of 5 neurons"], axes["fc: the 3 most active neurons"]
    assert sorted(map(tuple, spikes.collections[0].get_offsets())) == [(1, 2), (2, 4), (3, 2), (4, 4), (5, 2), (6, 1)]
    assert [line.get_label() for line in membrane.get_lines()] == ["neuron 2", "neuron 4", "neuron 1", "threshold θ"]
    assert lines(membrane, "neuron 2") == [[0.7] * 10]
    threshold = membrane.get_lines()[-1]
    assert list(threshold.get_ydata()) == [1.5, 1.5] and threshold.get_linestyle() == "--"
    assert len({line.get_linestyle() for line in membrane.get_lines()}) == 4
    assert np.array_equal(axes["input"].images[0].get_array(), np.full((3, 4), 2.0))
    assert figure.get_suptitle() == "Label: 7"


def test_example_samples_large_layers_and_says_so():
    spikes = np.ones((2, 1000))
    raster, _ = activity.example([activity.Layer("conv1", spikes, spikes, 1.0)], 7).axes
    offsets = raster.collections[0].get_offsets()
    assert raster.get_title() == "conv1: spikes of 200 of 1000 neurons"
    assert len(offsets) == 2 * 200 and {0, 999} <= set(offsets[:, 1])


def test_of_equally_active_neurons_the_highest_membrane_is_drawn_first():
    spikes, membrane = make_activity(5)
    _, ax = activity.example([activity.Layer("fc", 0 * spikes, membrane, 1.0)], 7).axes
    assert [line.get_label() for line in ax.get_lines()][:2] == ["neuron 0", "neuron 2"]


def test_raster_takes_what_snntorchs_takes():
    torch = pytest.importorskip("torch")
    ax = activity.example([activity.Layer("fc", *make_activity(5), 1.5)], 7).add_subplot()
    points = style.raster(torch.eye(3), ax, s=1.5, c="black")
    assert points.get_offsets().tolist() == [[0, 0], [1, 1], [2, 2]]
