"""A run's directory: its settings and provenance, metrics and results, and the lock on it."""

import contextlib
import hashlib
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

from common.atomic import write
from common.errors import UserError
from common.running import translate

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
    if not (path / "config.json").exists():
        content = {"settings": settings, "directory": directory(path), **origin}
        content["data"] = {"name": data.name, "stand_in": data.stand_in, "num_train": len(data.train),
                           "num_val": len(data.val), "num_test": len(data.test), "hashes": data.hashes}  # fmt: skip
    else:
        check_data(path, data)
        first = read_config(path)
        if other := [key for key in ("git_commit", "versions", "threads", "platform") if first.get(key) != origin[key]]:
            print(f"warning: the run began with other {', '.join(other)}; last bits may differ", file=sys.stderr)
        content = first | {"settings": settings, "resumed": [*first.get("resumed", []), origin]}
    write_json(path / "config.json", content)


def directory(path):
    """The data set's directory, whose runs/ holds the run at `path`, or held it, or the cases of which it is one."""
    for place in (path, path.parent):
        if (place / "config.json").exists():
            return read_json(place / "config.json", dict, directory=str)["directory"]
    parts = Path(path).absolute().parts
    return parts[-2 - parts[::-1].index("runs")]


def read_config(path):
    """The config.json of a run, or of several cases; UserError if it is missing or damaged."""
    content = read_json(path / "config.json", dict, directory=str)
    if "cases" in content:
        cases = read_json(path / "config.json", dict, cases=dict)["cases"]
        return content | {"cases": {name: translate.settings(settings) for name, settings in cases.items()}}
    content = read_json(path / "config.json", dict, settings=dict, data=dict)
    if not isinstance(content["data"].get("hashes"), dict):
        raise UserError(f"{path / 'config.json'} is damaged: its data have no hashes")
    return content | {"settings": translate.settings(content["settings"])}


def read_result(path):
    """A run's result.json; UserError if it is missing or damaged."""
    return read_json(path / "result.json", dict, data=dict, num_trials=int, trials=list)


def length(settings):
    """How long each trial is to be: in epochs, or in iterations where a task counts these."""
    return settings["num_epochs"] if "num_epochs" in settings else settings.get("num_iterations")


def held_out(settings):
    """The split that is watched while training: "val" or "test"."""
    return "test" if settings.get("select_on") == "test" else "val"


def is_finished(settings, result):
    """Whether a result is that of these settings: of all trials, and no shorter than they are to be now."""
    whole = result.get("num_trials", 0) >= settings.get("num_trials", 0)
    return whole and result.get("length", length(settings)) == length(settings)


def check_data(path, data):
    """UserError if the run was made from other data."""
    then = read_config(path)["data"]
    if then["hashes"] != data.hashes or then["num_train"] != len(data.train):
        raise UserError(f"{path} was trained on {then['name']} ({then['num_train']} samples), and this is {data.name} "
                        f"({len(data.train)} samples) or has other hashes; see config.json and data_dir")  # fmt: skip


def write_json(path, content):
    write(path, (json.dumps(content, indent=2) + "\n").encode())


def read_json(path, kind=object, **kinds):
    """The content of a JSON file; UserError if it is missing, not JSON, no `kind` or lacks a key of `kinds`."""
    try:
        content = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if not isinstance(content, kind):
        raise UserError(f"{path} is damaged: it holds no {kind.__name__}")
    for key, its_kind in kinds.items():
        if not isinstance(content.get(key), its_kind) or content[key] in ({}, []):
            raise UserError(f"{path} is damaged: it lacks {key}")
    return content


def mean_std(name, values):
    """{name_mean, name_std}: over trials; the deviation with n - 1. None where there are too few values."""
    return {f"{name}_mean": statistics.mean(values) if values else None,
            f"{name}_std": statistics.stdev(values) if len(values) > 1 else None}  # fmt: skip
