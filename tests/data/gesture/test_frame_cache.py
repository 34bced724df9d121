import errno
import io
import multiprocessing
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers.frame_folder import FRAMING, cached, files, made, read
from helpers.gesture_set import recording, slowly

from common import atomic
from common.data.gesture import frame_cache, tonic_folder
from common.data.gesture.augmentation import GestureAugmentation
from common.data.gesture.frames import Framing


@pytest.fixture
def folder(tmp_path):
    return made(tmp_path / "set")


def expected(label, num_events):
    size = num_events // 5
    ends = [0, size, 2 * size, 3 * size, 4 * size, num_events]
    return slowly([recording(num_events, label)[a:b] for a, b in zip(ends, ends[1:], strict=False)], 32)


def test_frames_are_written_once_and_mapped_from_the_disk(folder, monkeypatch, capsys):
    first = cached(folder)
    assert "frames: writing 1 MB (more if a count exceeds 255) to" in capsys.readouterr().err
    for label, num_events in ((0, 100), (2, 33)):
        assert (first.counts[label] == expected(label, num_events)).all()
    assert not first.counts[1].any() and first.counts.dtype == np.uint8
    monkeypatch.setattr(tonic_folder, "events", None)
    again = cached(folder)
    assert isinstance(again.counts, np.memmap) and not again.counts.flags.writeable
    counts, durations, labels = again.read(np.array([2, 0]), torch.tensor([7, 8]))
    assert (counts == first.counts[[2, 0]]).all() and (durations == first.durations[[2, 0]]).all()
    assert labels.tolist() == [7, 8] and capsys.readouterr().err == ""
    assert len(files(folder)) == 1


def test_every_parameter_and_the_content_have_a_file_of_their_own(folder):
    framings = [FRAMING, Framing("number", 6, downsample=4), Framing("time", 5, downsample=4), Framing("number", 5),
                Framing("dt", 5, 2.0, downsample=4), Framing("dt", 5, 2.5, downsample=4)]
    for number, framing in enumerate(framings, 1):
        assert cached(folder, framing).counts.shape == (3, *framing.shape)
        assert len(files(folder)) == number
    same = Framing("number", 5, normalization="max", downsample=4)
    assert (cached(folder, same).counts == cached(folder).counts).all() and len(files(folder)) == 6
    place = folder / "user01_a" / "2.npy"
    np.save(place, np.load(place) * [1, 1, 0, 1])
    assert cached(folder).counts[2, :, 1].sum() == 0 and len(files(folder)) == 7


def test_counts_beyond_255_are_kept(folder):
    for num_events, kind in ((255, np.uint8), (256, np.uint16), (70000, np.uint32)):
        np.save(folder / "user01_a" / "2.npy", np.tile([[9, 5, 1, 0]], (num_events, 1)))
        found = cached(folder, Framing("time", 2))
        assert found.counts.dtype == kind and found.counts[2, 1, 1, 5, 9] == num_events
        assert found.read(np.array([2]), None)[0][0, 1, 1, 5, 9] == num_events
        assert len(files(folder)) == 1 and not shutil.rmtree(folder.parent / "frames")


def wrong_event(folder):
    path = folder / "user01_a" / "2.npy"
    events = np.load(path)
    events[11, 0] = 128
    np.save(path, events)
    return path


def test_an_event_off_the_sensor_is_named_and_leaves_nothing(folder):
    message = r"event 11 is off the sensor: x, y and polarity must lie in 0..127, 0..127 and 0..1, found \[128,"
    with pytest.raises(ValueError, match=f"{wrong_event(folder)} {message}"):
        cached(folder)
    assert files(folder) == []


def write_together(folder, barrier):
    for num_steps in range(1, 20):
        barrier.wait(60)
        assert cached(folder, Framing("number", num_steps)).counts[0].sum() == 100


def test_two_processes_may_write_at_once(folder):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    processes = [context.Process(target=write_together, args=(folder, barrier)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert len(files(folder)) == 19 and (cached(folder).counts[0] == expected(0, 100)).all()


def part_of(path, process=None):
    return path.with_name(f"{path.name}.{atomic.MACHINE}.{process or os.getpid()}.part")


def test_a_full_disk_is_one_error_and_leaves_nothing(folder):
    path = folder.parent / "frames" / f"{read(folder).digest[:32]}-number-5-4-2.npy"
    path.parent.mkdir()
    part_of(path).symlink_to("/dev/full")  # what is written there meets a full disk
    with pytest.raises(OSError, match=f"the disk is full: cannot write {path}; make room") as error:
        cached(folder)
    assert "\n" not in str(error.value) and files(folder) == []
    assert (cached(folder).counts[0] == expected(0, 100)).all()


def test_what_dead_processes_left_is_removed_and_of_living_ones_kept(folder):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    path = folder.parent / "frames" / "other.npy"
    path.parent.mkdir()
    part_of(path, dead.pid).write_text("")
    part_of(path.with_name("folder"), dead.pid).mkdir()
    part_of(path, os.getppid()).write_text("")
    path.with_name("x.elsewhere.1.part").write_text("")
    cached(folder)
    assert {name for name in files(folder) if not name.startswith(read(folder).digest[:32])} == {
        part_of(path, os.getppid()).name, "x.elsewhere.1.part"}


def test_augmented_frames_are_drawn_from_torch_s_generator(folder):
    store = frame_cache.Augmented(read(folder), FRAMING, GestureAugmentation(drop=0.9, flip_lr=True))
    torch.manual_seed(3)
    state = np.random.get_state()[1].tolist()
    first, second = (store.read(np.array([0, 1, 2]), torch.tensor([3, 4, 5])) for _ in range(2))
    torch.manual_seed(3)
    again = store.read(np.array([0, 1, 2]), torch.tensor([3, 4, 5]))
    assert (first[0] == again[0]).all() and first[2].equal(again[2]) and (first[0] != second[0]).any()
    assert 10 < first[0][0].sum() <= 100 and not first[0][1].any()
    assert np.random.get_state()[1].tolist() == state


def test_without_a_change_augmented_frames_are_the_cached(folder):
    store = frame_cache.Augmented(read(folder), FRAMING, GestureAugmentation())
    counts, durations, labels = store.read(np.array([2, 0]), torch.tensor([3, 4]))
    known = cached(folder).read(np.array([2, 0]), torch.tensor([3, 4]))
    assert (counts == known[0]).all() and (durations == known[1]).all() and labels.equal(known[2])


@pytest.mark.parametrize("room", [0, 100, 5000])
def test_a_disk_that_fills_up_is_one_error_wherever_it_does(folder, monkeypatch, room):
    """A file that takes `room` bytes and then, as a full disk, no more."""

    class Small(io.FileIO):
        def write(self, data):
            size = min(memoryview(data).nbytes, room - self.tell())
            if not size:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(memoryview(data).cast("B")[:size])

    monkeypatch.setattr(frame_cache, "open", lambda path, mode: io.BufferedWriter(Small(path, mode)), raising=False)
    with pytest.raises(OSError, match="the disk is full: cannot write .*number-5-4-2.npy; make room there"):
        cached(folder)
    assert files(folder) == []
