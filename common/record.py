"""A run's directory: its settings and provenance, metrics and results, and the lock on it."""

import contextlib
import csv
import hashlib
import io
import json
import platform
import shlex
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import filelock
import torch

from common.checkpoint import write
from common.config import UserError

PACKAGES = ("torch", "numpy", "numba", "snntorch", "tonic", "h5py")


def create(parent, settings):
    """A new directory PARENT/<time>-<exp_name>-<hash of the settings>; its path."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:6]
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{settings['exp_name']}-{digest}"
    for path in (Path(parent) / (name + suffix) for suffix in ("", *(f"-{i}" for i in range(2, 100)))):
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError:
            continue
        except OSError as error:
            raise OSError(f"cannot make the run directory {path}: {error.strerror}") from error
    raise OSError(f"cannot make the run directory {parent}/{name}: a hundred are there")


@contextlib.contextmanager
def locked(path):
    """Hold the run directory for this process; ValueError if another one holds it."""
    lock = filelock.FileLock(path / "lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise UserError(f"{path} is in use by another process") from None
    try:
        yield
    finally:
        lock.release()


def provenance(device):
    """Where numbers come from: command, code, versions and machine."""
    threads = torch.get_num_threads()
    return {
        "command": shlex.join(["python", *sys.argv]),
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "git_commit": _git("rev-parse", "HEAD") or None,
        "git_dirty": bool(_git("status", "--porcelain")),
        "versions": _versions(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu, {threads} thread(s)",
        "threads": threads,
        "platform": platform.platform(),
    }


def _versions():
    installed = {package.name for package in metadata.distributions()}
    return {"python": platform.python_version(),
            **{name: metadata.version(name) for name in PACKAGES if name in installed}}  # fmt: skip


def _git(*arguments):
    try:
        git = subprocess.run(["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return git.stdout.strip() if git.returncode == 0 else ""


def write_config(path, settings, data, device):
    """config.json; a resumed run keeps the provenance of its start, and lists that of each resumption.

    UserError if the run was made from other data.
    """
    origin = provenance(device)
    content = {"settings": settings, "directory": directory(path), **origin}
    content["data"] = {"name": data.name, "stand_in": data.stand_in, "num_train": len(data.train),
                       "num_val": len(data.val), "num_test": len(data.test), "hashes": data.hashes}  # fmt: skip
    if (path / "config.json").exists():
        check_data(path, data)
        first = read_config(path)
        if other := [key for key in ("git_commit", "versions", "threads", "platform") if first.get(key) != origin[key]]:
            print(f"warning: the run began with other {', '.join(other)}; last bits may differ", file=sys.stderr)
        content = first | {"settings": settings, "resumed": [*first.get("resumed", []), origin]}
    write_json(path / "config.json", content)


def directory(path):
    """The data set's directory, whose runs/ holds the run at `path`."""
    parts = Path(path).absolute().parts
    return parts[-2 - parts[::-1].index("runs")]


def read_config(path):
    """The config.json of a run, or of several cases; UserError if it is missing or damaged."""
    content = read_json(path / "config.json")
    if isinstance(content, dict) and isinstance(content.get("cases"), dict):
        return content
    if not isinstance(content, dict) or not all(isinstance(content.get(key), dict) for key in ("settings", "data")):
        raise UserError(f"{path / 'config.json'} is damaged: it lacks settings or data")
    return content


def check_data(path, data):
    """UserError if the run was made from other data."""
    then = read_config(path)["data"]
    if then["hashes"] != data.hashes or then["num_train"] != len(data.train):
        raise UserError(f"{path} was trained on {then['name']} ({then['num_train']} samples), and this is {data.name} "
                        f"({len(data.train)} samples) or has other hashes; see config.json and data_dir")  # fmt: skip


def write_json(path, content):
    write(path, (json.dumps(content, indent=2) + "\n").encode())


def read_json(path):
    """UserError if the file is missing or not JSON."""
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error


def write_metrics(path, rows):
    """metrics.csv: one line per trial and epoch, the columns being the keys of the rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write(path, text.getvalue().encode())


def mean_std(name, values):
    """{name_mean, name_std}: over trials; the deviation with n - 1. None where there are too few values."""
    return {f"{name}_mean": statistics.mean(values) if values else None,
            f"{name}_std": statistics.stdev(values) if len(values) > 1 else None}  # fmt: skip


@contextlib.contextmanager
def tensorboard(path, num_epochs):
    """A function that writes an epoch's metrics as TensorBoard scalars; earlier ones past `num_epochs` are void.

    Without torch's SummaryWriter, whose thread would fail on its own when the disk is full.
    """
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # slow to import
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    path.mkdir(parents=True, exist_ok=True)
    with open(path / f"events.out.tfevents.{time.time_ns()}", "wb", buffering=0) as file:
        writer = RecordWriter(file)

        def write_event(**content):
            try:
                writer.write(Event(wall_time=time.time(), **content).SerializeToString())
            except OSError as error:
                raise OSError(f"cannot write {file.name}: {error.strerror}") from error

        def write_row(row):
            values = [Summary.Value(tag=key, simple_value=row[key]) for key in row if key not in ("trial", "epoch")]
            write_event(step=row["epoch"], summary=Summary(value=values))

        write_event(file_version="brain.Event:2")
        write_event(step=num_epochs + 1, session_log=SessionLog(status=SessionLog.START))
        yield write_row
