from dataclasses import replace

import numpy as np
import pytest
from matplotlib.animation import AbstractMovieWriter
from PIL import Image

from common.plots import timing
from common.tasks.recording import Recording

RAMP = [0.0, 1.0, 2.0, 0.0]  # to spike at time step 2


def make_traces(num_iterations=5, scale=1.0):
    """In iteration i, from 1: the membrane is i at every step, one spike at step i % 4, threshold 10 + i, loss i²."""
    i = np.arange(1, num_iterations + 1)
    return Recording(membrane=scale * np.repeat(i[:, None], 4, axis=1).astype(np.float32),
                  spikes=np.arange(4) == i[:, None] % 4, threshold=scale * (10.0 + i), target=scale * np.array(RAMP),
                  loss=scale**2 * i**2.0)


def column(figure, k=0):
    """Panel k of a figure: {label: y values} of the lines that have them, the steps of its spikes, its two titles."""
    num = len(figure.axes) // 2
    upper, lower = figure.axes[k], figure.axes[num + k]
    lines = {line.get_label(): list(line.get_ydata()) for line in upper.get_lines()}
    return lines, list(lower.collections[0].get_offsets()[:, 0]), (upper.get_title("left"), upper.get_title("right"))


class Frames(AbstractMovieWriter):
    """Keeps the pixels and what column() says of each frame."""

    def setup(self, fig, outfile, dpi=None):
        super().setup(fig, outfile, dpi)
        self.frames, self.pixels = [], []

    def grab_frame(self, **kwargs):
        self.frames.append((self.fig.get_suptitle(), *column(self.fig), self.fig.axes[0].get_ylim()))
        self.fig.savefig(self.outfile, format="png", dpi=self.dpi)
        self.pixels.append(np.array(Image.open(self.outfile)))

    def finish(self):
        pass


def drawn(movie, tmp_path):
    writer = Frames()
    movie.save(tmp_path / "frame.png", writer, dpi="figure")
    return writer


def test_four_panels_show_target_and_first_middle_and_last_iteration():
    figure = timing.spike_timing(make_traces(), title="annealed")
    titles = [column(figure, k)[2][0] for k in range(4)]
    assert titles == ["target", "iteration 1", "iteration 3", "iteration 5"] and figure.get_suptitle() == "annealed"
    lines, spikes, _ = column(figure)
    assert lines["target"] == RAMP and lines["membrane"] == [] and spikes == [2]
    lines, spikes, _ = column(figure, 2)
    assert lines["target"] == RAMP and lines["membrane"] == [3] * 4
    assert lines["threshold θ"] == [13, 13] and spikes == [3]
    upper, lower = figure.axes[2], figure.axes[6]
    assert upper.get_xlim() == lower.get_xlim() == (-0.5, 3.5) and lower.get_xlabel() == "time step"
    assert figure.axes[0].get_ylabel() == "membrane potential" and upper.get_ylim() == figure.axes[0].get_ylim()
    styles = {line.get_linestyle() for line in upper.get_lines()}
    assert len(styles) == 4 and upper.get_lines()[-1].get_linestyle() == "--"
    for ax in (upper, lower):
        assert [line.get_xdata()[0] for line in ax.get_lines() if line.get_label() == "time step to spike at"] == [2]


def test_iterations_are_chosen_and_counted_from_one():
    figure = timing.spike_timing(make_traces(), [2, 4])
    assert column(figure, 1)[0]["membrane"] == [2] * 4 and column(figure, 2)[0]["membrane"] == [4] * 4
    for iterations in ([0], [6], [1, -1]):
        with pytest.raises(ValueError, match="iterations must lie in 1 to 5, got"):
            timing.spike_timing(make_traces(), iterations)


def test_a_membrane_that_runs_away_is_cut_off_and_said_to_be():
    traces = make_traces()
    traces.membrane[2] = [-300, 0, 500, 0]
    figure = timing.spike_timing(traces)
    low, high = figure.axes[0].get_ylim()
    assert -20 < low < -15 and 30 < high < 35  # the greatest threshold is 15
    assert [column(figure, k)[2][1] for k in range(4)] == ["", "", "cut off, spans -3e+02 to 5e+02", ""]


def test_what_is_not_finite_is_a_gap_and_counted():
    traces = make_traces()
    traces.membrane[0], traces.membrane[2, 1], traces.loss[1:3] = np.inf, np.nan, (np.nan, 0)
    figure = timing.spike_timing(traces)
    assert np.isfinite(figure.axes[0].get_ylim()).all()
    assert [column(figure, k)[2][1] for k in (1, 2, 3)] == ["not finite at 4 steps", "not finite at 1 steps", ""]
    assert np.array_equal(column(figure, 2)[0]["membrane"], [3, np.nan, 3, 3], equal_nan=True)
    (ax,) = timing.loss_curve(traces).axes
    assert ax.get_title() == "2 values are not finite, or 0, and not drawn"


def test_losses_compare_in_units_of_the_squared_peak():
    figure = timing.compare_losses({"float": make_traces(), "annealed": make_traces(scale=50.0)})
    first, second = figure.axes[0].get_lines()
    assert list(first.get_xdata()) == [1, 2, 3, 4, 5] and figure.axes[0].get_yscale() == "log"
    assert list(first.get_ydata()) == pytest.approx([0.25, 1, 2.25, 4, 6.25])  # of a peak of 2
    assert list(second.get_ydata()) == pytest.approx(list(first.get_ydata()))
    assert first.get_marker() != second.get_marker() and first.get_color() != second.get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["float", "annealed"]
    assert figure.axes[0].get_xlabel() == "training iteration"
    assert not timing.loss_curve(make_traces()).legends


@pytest.mark.parametrize("num_frames, shown", [(3, [1, 3, 5]), (2, [1, 5]), (1, [5]), (200, [1, 2, 3, 4, 5])])
def test_frames_are_spread_from_the_first_iteration_to_the_last(tmp_path, num_frames, shown):
    frames = drawn(timing.animate(make_traces(), num_frames, title="float"), tmp_path).frames
    assert [frame[0] for frame in frames] == [f"training iteration {i} of 5" for i in shown]
    for i, (_, lines, spikes, titles, limits) in zip(shown, frames, strict=True):
        assert lines["membrane"] == [i] * 4 and lines["threshold θ"] == [10 + i] * 2 and lines["target"] == RAMP
        assert spikes == [i % 4] and titles == ("float", "") and limits == frames[0][-1]


def test_window_averages_all_that_is_shown_and_says_so(tmp_path):
    frames = drawn(timing.animate(make_traces(), 5, window=3), tmp_path).frames
    assert [frame[1]["mean membrane"][0] for frame in frames] == [1, 1.5, 2, 3, 4]
    assert [frame[1]["threshold θ"][0] for frame in frames] == [11, 11.5, 12, 13, 14]
    assert frames[4][0] == "mean of training iterations 3 to 5 of 5" and frames[0][0] == "training iteration 1 of 5"
    assert frames[4][2] == [0, 1, 3]  # the spikes of iterations 4, 5 and 3


def test_a_mean_spike_is_the_darker_the_more_iterations_have_it():
    traces = make_traces()
    traces.spikes[2:] = [[0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0]]
    points = timing.compare({"": traces}, window=3).axes[1].collections[0]
    assert points.get_offsets()[:, 0].tolist() == [1, 2]
    assert [color[3] for color in points.get_edgecolor()] == pytest.approx([1 / 3, 1])


def test_a_frame_looks_as_the_still_figure_does(tmp_path):
    cases = {"float": make_traces(), "annealed": make_traces(scale=50.0)}
    cases["float"].membrane[0] *= 4  # so that the limits of both are those of iteration 1
    movie = drawn(timing.animate_cases(cases, 2), tmp_path).pixels
    timing.compare(cases, 1).savefig(tmp_path / "still.png", dpi=100)
    still = np.array(Image.open(tmp_path / "still.png"))
    assert movie[0].shape == still.shape and np.abs(movie[0] - still.astype(int)).mean() < 1
    assert np.abs(movie[1] - still.astype(int)).mean() > 1


def test_cases_stand_side_by_side_in_units_of_their_peaks():
    cases = {"float": make_traces(), "annealed": make_traces(scale=50.0)}
    for iteration, i in ((-1, 5), (2, 2)):
        figure = timing.compare(cases, iteration)
        assert figure.get_suptitle() == f"training iteration {i} of 5"
        for k, case in enumerate(cases):
            lines, _, titles = column(figure, k)
            assert lines["membrane"] == [i / 2] * 4 and lines["threshold θ"] == [(10 + i) / 2] * 2
            assert lines["target"] == [0, 0.5, 1, 0] and titles == (case, "")
    assert figure.axes[0].get_ylabel() == "membrane potential / target's peak"


def test_one_iteration_of_one_step_is_drawn(tmp_path):
    traces = Recording(np.ones((1, 1)), np.ones((1, 1), bool), np.ones(1), np.zeros(1), np.ones(1))
    lines, spikes, _ = column(timing.spike_timing(traces), 1)
    assert lines["membrane"] == [1] and spikes == [0] and timing.loss_curve(traces)
    assert len(drawn(timing.animate(traces), tmp_path).frames) == 1 and timing.compare({"": traces})


@pytest.mark.parametrize("draw, cause", [
    (lambda traces: timing.animate(traces, window=0), "window must be at least 1, got 0"),
    (lambda traces: timing.animate(traces, num_frames=0), "num_frames must be at least 1, got 0"),
    (lambda traces: timing.compare({"float": traces}, 6), "1 to 5, got 6"),
    (lambda traces: timing.compare({"float": traces}, -2), "1 to 5, got -2"),
    (lambda traces: timing.animate_cases({}), "one at least"),
    (lambda traces: timing.compare({"a": traces, "b": make_traces(6)}), r"'a': \(5, 4\), 'b': \(6, 4\)"),
])
def test_errors_name_their_cause(draw, cause):
    with pytest.raises(ValueError, match=cause):
        draw(make_traces())


@pytest.mark.parametrize("draw", [
    timing.spike_timing, timing.loss_curve, timing.animate,
    lambda traces: timing.compare({"": traces}), lambda traces: timing.animate_cases({"": traces}),
])
@pytest.mark.parametrize("name, shape, cause", [
    ("membrane", 4, r"membrane must be .* got \(4,\)"),
    ("membrane", (0, 4), r"membrane must be .* got \(0, 4\)"),
    ("spikes", (4, 5), r"spikes must be \(5, 4\) .* got \(4, 5\)"),
    ("threshold", 4, r"threshold must be \(5,\)"),
    ("target", 5, r"target must be \(4,\)"),
    ("loss", (5, 1), r"loss must be \(5,\)"),
])
def test_shapes_that_do_not_fit_are_named(draw, name, shape, cause):
    with pytest.raises(ValueError, match=cause):
        draw(replace(make_traces(), **{name: np.ones(shape)}))
