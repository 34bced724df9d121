"""Metrics as TensorBoard shows them."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from common.running import tensorboard


def scalars(path):
    """{tag: [(step, value)]}."""
    found = EventAccumulator(str(path)).Reload()
    return {tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_of_iterations_written_twice_the_later_count(tmp_path):
    for stands, rows in ((0, [(10, 3.0), (20, 2.0)]), (10, [(20, 1.5), (30, 1.0)])):
        with tensorboard.writing(tmp_path, stands) as (write, write_loss):
            for iteration, loss in rows:
                write_loss(iteration - 5, loss + 1)
                write({"trial": 0, "epoch": iteration // 10, "iteration": iteration, "train_loss": loss})
    found = scalars(tmp_path)
    assert found["loss/train"] == [(10, 3.0), (20, 1.5), (30, 1.0)]
    assert found["loss/batch"] == [(5, 4.0), (15, 2.5), (25, 2.0)]
    assert found["training/epoch"] == [(10, 1), (20, 2), (30, 3)]


@pytest.mark.parametrize("key, tag", [
    ("train_accuracy", "accuracy/train"), ("val_accuracy", "accuracy/val"), ("train_loss", "loss/train"),
    ("threshold_conv1", "threshold/conv1"), ("firing_rate_block2_conv1", "firing_rate/block2_conv1"),
    ("silent_share_fc", "silent_share/fc"), ("saturated_share_fc", "saturated_share/fc"),
    ("tau_mean_fc1", "tau_mean/fc1"), ("lr", "training/lr"), ("epoch_seconds", "training/epoch_seconds"),
    ("hit_share", "accuracy/in_time"), ("mse", "loss/mse_over_squared_peak")])
def test_a_column_lies_in_its_group(key, tag):
    assert tensorboard.tag_of(key) == tag


def test_the_held_out_set_has_its_name_and_accuracy_comes_first():
    assert tensorboard.tag_of("val_accuracy", "test") == "accuracy/test"
    groups = {tensorboard.tag_of(key).partition("/")[0] for key in (
        "train_accuracy", "hit_share", "train_loss", "lr", *(f"{name}_fc" for name in tensorboard.PER_LAYER))}
    assert min(groups) == "accuracy"


@pytest.mark.parametrize("command, name", [
    ("python run.py", "as in conf"), ("python run.py num_trials=1 data_dir=../data device=cpu", "as in conf"),
    ("python run.py net=mlp 'hidden_sizes=[64,64]' case=spsn", "net=mlp hidden_sizes=64,64 case=spsn"),
    (f"python run.py lr={'1' * 300}", f"lr={'1' * 117}")])
def test_a_run_is_named_by_what_its_command_says(command, name):
    assert tensorboard.name_of(command) == name
