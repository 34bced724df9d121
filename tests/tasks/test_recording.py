"""The recording of the spike-timing task's output, and its metrics worked by hand."""

import numpy as np
import pytest

from common.tasks.recording import Recording

TARGET = np.array([0.0, 2.0, 4.0, 0.0])


def made(rows, thresholds):
    return Recording.of(np.array(rows, np.float32), np.array(thresholds, np.float32), TARGET)


def test_spikes_are_where_the_membrane_exceeds_that_iteration_s_threshold():
    found = made([[0, 2, 3, 0], [0, 2, 3, 0]], [2.5, 1.5])
    assert found.spikes.tolist() == [[False, False, True, False], [False, True, True, False]]
    assert found.loss.tolist() == [0.25, 0.25]


def test_errors_are_over_the_square_of_the_peak():
    found = made([[0, 2, 4, 4], [0, 2, 4, 0], [4, 2, 4, 0], [0, 2, 0, 0]], [3] * 4).metrics()
    assert (found["final_mse"], found["best_mse"]) == (0.25, 0.0)  # 16 / 4 steps / 16; the second is exact
    assert found["mse_last50"] == pytest.approx((0.25 + 0 + 0.25 + 0.25) / 4)
    assert found["smoothed_mse"] == pytest.approx((1 + 0 + 1 + 1) / 4 / 16)  # the mean membrane is 1 2 3 1


def test_only_the_last_iterations_count():
    rows = [[4, 4, 4, 4]] * 60 + [[0, 2, 4, 0]] * 50
    found = made(rows, [3] * 110).metrics()
    assert found["mse_last50"] == found["smoothed_mse"] == found["final_mse"] == 0
    found = made(rows[::-1], [3] * 110).metrics()
    assert found["best_mse"] == 0 and found["mse_last50"] == found["smoothed_mse"] == pytest.approx((16 + 4 + 16) / 64)


def test_the_first_spikes_of_the_last_100_iterations():
    rows = [[9, 9, 9, 9]] * 50 + [[0, 0, 0, 0]] * 40 + [[0, 9, 9, 0]] * 29 + [[0, 0, 9, 9]] * 31
    found = made(rows, [3] * 150).metrics()
    assert (found["spike_share"], found["first_spike_time"]) == (0.6, 2)


def test_an_output_that_never_spikes_has_no_time():
    found = made([[0, 1, 2, 0]], [3]).metrics()
    assert (found["spike_share"], found["first_spike_time"]) == (0, None)


def test_they_come_back_from_disk(tmp_path):
    found = made([[0, 2, 3, 0], [0, 2, 5, 0]], [2.5, 1.5])
    found.save(tmp_path / "traces.npz")
    again = Recording.read(tmp_path / "traces.npz")
    for name, array in vars(found).items():
        assert np.array_equal(array, getattr(again, name)) and array.dtype == getattr(again, name).dtype, name


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "traces.npz").write_bytes(content)
    with pytest.raises(ValueError, match="traces.npz is damaged or missing"):
        Recording.read(tmp_path / "traces.npz")
