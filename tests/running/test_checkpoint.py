import errno
import itertools
import math
import os
import subprocess

import pytest
import torch

from common import atomic
from common.running import checkpoint

POINTS = list(itertools.product((1, 2, 3), ("before", "after")))  # of a rename, at which a save is killed


class Killed(BaseException):
    """What no handler expects, as a SIGKILL."""


def state(number, size=10):
    return {"net": {"weight": torch.full((size,), float(number))}, "epoch": number}


def number_in(path):
    """The number that made the state at `path`, after a look at its tensor."""
    loaded = checkpoint.load(path)
    assert (loaded["net"]["weight"] == loaded["epoch"]).all()
    return loaded["epoch"]


@pytest.fixture
def kill_at(monkeypatch):
    """kill_at(n, when): the n-th rename from now on raises Killed, "before" or "after" it is done."""
    replace = os.replace

    def set_point(number, when):
        countdown = iter(range(number - 1, -1000, -1))

        def dying_replace(*arguments):
            last = next(countdown) == 0
            if last and when == "before":
                raise Killed
            replace(*arguments)
            if last:
                raise Killed

        monkeypatch.setattr(os, "replace", dying_replace)

    return set_point


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 1 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool])
@pytest.mark.parametrize("shape", [(), (0,), (3, 4)])
def test_a_tensor_comes_back_to_the_bit(tmp_path, dtype, shape):
    tensor = (torch.randn(shape) * 100).abs().to(dtype)
    checkpoint.save(tmp_path / "a.pt", {"tensor": tensor, "turned": tensor.T if tensor.ndim == 2 else tensor})
    loaded = checkpoint.load(tmp_path / "a.pt")
    assert loaded["tensor"].dtype == dtype and torch.equal(loaded["tensor"], tensor)
    assert torch.equal(loaded["turned"], tensor.T if tensor.ndim == 2 else tensor)


def test_numbers_text_lists_and_dicts_come_back(tmp_path):
    plain = {"int": -3, "big": 10**15, "float": 0.1, "inf": -math.inf, "none": None, "yes": True, "text": "θ → ∞",
             "empty": [{}, [], ""], "rows": [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 1e-300}], 7: "int key"}
    checkpoint.save(tmp_path / "a.pt", plain | {"nan": math.nan})
    loaded = checkpoint.load(tmp_path / "a.pt")
    assert math.isnan(loaded.pop("nan")) and loaded == plain


def test_an_optimizer_and_the_generator_go_on_as_before(tmp_path):
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([weight], lr=0.1)
    weight.sum().backward()
    optimizer.step()
    checkpoint.save(tmp_path / "a.pt", {"optimizer": optimizer.state_dict(), "generator": torch.get_rng_state()})
    expected = torch.rand(5)
    loaded = checkpoint.load(tmp_path / "a.pt")
    torch.set_rng_state(loaded["generator"])
    assert torch.equal(torch.rand(5), expected)
    moments = loaded["optimizer"]["state"][0]
    assert torch.equal(moments["exp_avg"], optimizer.state[weight]["exp_avg"]) and moments["step"] == 1


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "flipped": flip,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
    "no digest": lambda path: checkpoint.digest_path(path).unlink(),
    "empty digest": lambda path: checkpoint.digest_path(path).write_text(""),
    "digest that is no text": lambda path: checkpoint.digest_path(path).write_bytes(b"\xff\xfe"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_one_clear_error(tmp_path, damage):
    path = tmp_path / "last.pt"
    checkpoint.save(path, state(1))
    DAMAGES[damage](path)
    with pytest.raises(ValueError, match="no checkpoint" if damage in ("missing", "no digest") else "damaged") as error:
        checkpoint.load(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_damaged_checkpoint_can_be_written_anew(tmp_path):
    checkpoint.save(tmp_path / "last.pt", state(1))
    flip(tmp_path / "last.pt")
    checkpoint.save(tmp_path / "last.pt", state(2))
    assert number_in(tmp_path / "last.pt") == 2


@pytest.mark.parametrize("first", POINTS)
@pytest.mark.parametrize("second", POINTS)
def test_kills_while_saving_leave_the_old_state_or_the_new(tmp_path, kill_at, first, second):
    path, held = tmp_path / "last.pt", 1
    checkpoint.save(path, state(1))
    for number, point in ((2, first), (3, second)):
        kill_at(*point)
        try:
            checkpoint.save(path, state(number))
        except Killed:
            assert number_in(path) in (held, number)
        else:
            assert number_in(path) == number
        held = number_in(path)
    kill_at(1000, "never")
    checkpoint.save(path, state(4))
    assert number_in(path) == 4


@pytest.mark.parametrize("call", ["replace", "fsync"])
@pytest.mark.parametrize("existing", [False, True])
def test_a_failed_write_leaves_nothing_half_done(tmp_path, monkeypatch, call, existing):
    path = tmp_path / "config.json"
    if existing:
        atomic.write(path, b"old")

    def fail(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left") as error:
        atomic.write(path, b"new")
    assert str(path) in str(error.value)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == ({path.name: b"old"} if existing else {})


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(OSError, match="No such file") as error:
        atomic.write(tmp_path / "gone" / "a.json", b"new")
    assert str(tmp_path / "gone" / "a.json") in str(error.value)


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_full_disk_keeps_the_old_checkpoint(small_disk, attempts):
    path = small_disk / "last.pt"
    checkpoint.save(path, state(1, 75_000))  # 300 kB
    for number in range(2, 2 + attempts):
        with pytest.raises(OSError, match="No space left") as error:
            checkpoint.save(path, state(number, 200_000))  # 800 kB
        assert str(path) in str(error.value)
    assert sorted(file.name for file in small_disk.iterdir()) == ["last.pt", "last.pt.sha256"]
    assert number_in(path) == 1
    checkpoint.save(path, state(9))
    assert number_in(path) == 9
