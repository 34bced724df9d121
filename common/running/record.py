"""A run's directory: its settings and provenance, metrics and results, and the lock on it."""

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
CHOSEN = {"val": "", "test": ", best on test", "last": ", last epoch"}  # what is said of select_on beside an accuracy


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


def locked(path):
    """Lock the run directory, for as long as a `with` lasts; UserError if another process holds it."""
    try:
        return filelock.FileLock(path / "lock", timeout=0).acquire()
    except filelock.Timeout:
        raise UserError(f"{path} is in use by another process") from None


def provenance(device):
    """For config.json: the command, the code's commit, the packages' versions and the machine that made a run."""
    threads = torch.get_num_threads()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device}, {threads} thread(s)"
    installed = {package.name for package in metadata.distributions()}
    return {
        "command": shlex.join(["python", *sys.argv]),
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "git_commit": git("rev-parse", "HEAD") or None,
        "git_dirty": bool(git("status", "--porcelain")),
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in PACKAGES if name in installed},
        "device": name,
        "threads": threads,
        "platform": platform.platform(),
    }


def git(*arguments):
    """What git says of this code's repository; "" if there is no git or no repository."""
    try:
        git = subprocess.run(["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return git.stdout.strip() if git.returncode == 0 else ""


def write_config(path, settings, data, device):
    """Write config.json; a resumed run keeps the provenance of its start, and lists that of each resumption.

    UserError if the run was made from other data.
    """
    origin = provenance(device)
    if not (path / "config.json").exists():
        content = {"settings": settings, "directory": directory(path), **origin}
        content["data"] = {"name": data.name, "stand_in": data.stand_in, "num_train": len(data.train),
                           "num_val": len(data.val), "num_test": len(data.test), "hashes": data.hashes}
    else:
        check_data(path, data)
        first = read_config(path)
        if other := [key for key in ("git_commit", "versions", "threads", "platform") if first.get(key) != origin[key]]:
            print(f"warning: the run began with other {', '.join(other)}; last bits may differ", file=sys.stderr)
        content = first | {"settings": settings, "resumed": [*first.get("resumed", []), origin]}
    write_json(path / "config.json", content)


def directory(path):
    """The name of the data set's directory in which the run at `path` was made.

    Its config.json, or that of the cases it is one of, says so; of a new run it is the directory whose runs/ holds it.
    """
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


def standing_result(path):
    """A run's result.json as it stands; of no trials if there is none yet."""
    return read_result(path) if (path / "result.json").exists() else {"trials": []}


def length(settings):
    """How long each trial is to be: in epochs, or in iterations where the task counts these."""
    return settings.get("num_epochs", settings.get("num_iterations"))


def held_out(settings):
    """The split that is evaluated after every epoch: "val" or, with select_on=test, "test"."""
    return "test" if settings.get("select_on") == "test" else "val"


def is_finished(settings, result):
    """Whether a result.json has all trials of these settings, each of the length that they are to have now."""
    complete = result.get("num_trials", 0) >= settings.get("num_trials", 0)
    return complete and result.get("length", length(settings)) == length(settings)


def trials(path, num_trials):
    """The directories of a run's trials."""
    return [path / f"trial_{k}" for k in range(num_trials)]


def finished_trials(path, settings):
    """The directories of a finished run's trials; ValueError if it is not finished or their weights are gone."""
    result = standing_result(path)
    if not is_finished(settings, result):
        raise ValueError(f"the run is unfinished; resume={path} first")
    places = trials(path, result["num_trials"])
    if lost := [place / "last.pt" for place in places if not (place / "last.pt").exists()]:
        raise ValueError(f"{lost[0]} is missing; resume={path} trains it again")
    return places


def check_data(path, data):
    """UserError if the run was made from other data."""
    then = read_config(path)["data"]
    if then["hashes"] != data.hashes or then["num_train"] != len(data.train):
        raise UserError(f"{path} was trained on {then['name']} ({then['num_train']} samples), and this is {data.name} "
                        f"({len(data.train)} samples) or has other hashes; see config.json and data_dir")


def write_json(path, content):
    write(path, (json.dumps(content, indent=2) + "\n").encode())


def read_json(path, kind=object, **kinds):
    """The content of a JSON file, of type `kind`; UserError if it is missing, damaged or of another type.

    kinds: keys that it must have, and the types of their values, which must not be empty.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if not isinstance(content, kind):
        raise UserError(f"{path} is damaged: it holds no {kind.__name__}")
    for key, its_kind in kinds.items():
        if not isinstance(content.get(key), its_kind) or content[key] in ({}, []):
            raise UserError(f"{path} is damaged: it lacks {key}")
    return content


def with_spread(mean, std, style):
    """The mean as text and, unless it is None, its standard deviation: "0.98 ± 0.01"."""
    return f"{mean:{style}}" + ("" if std is None else f" ± {std:{style}}")


def mean_std(name, values):
    """{name_mean, name_std} of the trials' values, the deviation with n - 1; None where there are too few."""
    return {f"{name}_mean": statistics.mean(values) if values else None,
            f"{name}_std": statistics.stdev(values) if len(values) > 1 else None}
