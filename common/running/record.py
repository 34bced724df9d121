"""A run's directory: its settings and results, and the lock on it."""

import hashlib
import json
import statistics
import sys
import time
from pathlib import Path

import filelock

from common.atomic import write
from common.errors import UserError, foreign
from common.running import translate
from common.running.provenance import provenance

LENGTHS = ("num_epochs", "num_iterations")  # keys that may grow when a run goes on, of which it has one
HARMLESS = ("num_frames", "device", "data_dir")  # keys that no number depends on, but for a GPU's last bits
CHANGEABLE = (*LENGTHS, *HARMLESS)
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
        with foreign(f"{path / 'config.json'} is damaged"):
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
    file = path / "config.json"
    content = read_json(file, dict, directory=str)
    with foreign(f"{file} is damaged"):
        if "cases" in content:
            require(content, file, cases=dict)
            return content | {"cases": {name: translate.settings(own) for name, own in content["cases"].items()}}
        require(content, file, settings=dict, data=dict)
        require(content["data"], file, name=str, num_train=int)
        if not isinstance(content["data"].get("hashes"), dict):
            raise UserError(f"{file} is damaged: its data have no hashes")
        return content | {"settings": translate.settings(content["settings"])}


def read_result(path, **kinds):
    """A run's result.json; UserError if it is missing or damaged.  kinds: what else it must have; see read_json."""
    result = read_json(path / "result.json", dict, data=dict, trials=list, **kinds)
    if not all(isinstance(line, dict) for line in result["trials"]):
        raise UserError(f"{path / 'result.json'} is damaged: its trials are no dicts")
    return result


def standing_result(path):
    """A run's result.json as it stands; of no trials if there is none yet."""
    return read_result(path, num_trials=int) if (path / "result.json").exists() else {"trials": []}


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


def survivors(result):
    """{number: line} of the trials in a result.json that did not diverge."""
    return {k: line for k, line in enumerate(result["trials"]) if "diverged" not in line}


def numbers(result, settings):
    """The numbers of the trials whose lines are in a result: trial k has the seed of the settings + k."""
    return [line["seed"] - settings["seed"] for line in result["trials"]]


def finished_trials(path, settings):
    """The directories of a finished run's trials; ValueError if it is not finished or their weights are gone."""
    result = standing_result(path)
    if not is_finished(settings, result):
        raise ValueError(f"the run is unfinished; resume={path} first")
    places = trials(path, result["num_trials"])
    if lost := [places[k] / "last.pt" for k in survivors(result) if not (places[k] / "last.pt").exists()]:
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

    kinds: see require.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))  # some editors put a mark before it
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if not isinstance(content, kind):
        raise UserError(f"{path} is damaged: it holds no {kind.__name__}")
    require(content, path, **kinds)
    return content


def require(content, path, **kinds):
    """UserError if `content`, a dict of the file at `path`, lacks a key, its value is not of its kind, or is empty."""
    for key, kind in kinds.items():
        if not isinstance(content.get(key), kind) or content[key] in ({}, []):
            raise UserError(f"{path} is damaged: it lacks {key}")


def with_spread(mean, std, style):
    """The mean as text and, unless it is None, its standard deviation: "0.98 ± 0.01"."""
    return f"{mean:{style}}" + ("" if std is None else f" ± {std:{style}}")


def mean_std(name, values):
    """{name_mean, name_std} of the trials' values, the deviation with n - 1; None where there are too few."""
    return {f"{name}_mean": statistics.mean(values) if values else None,
            f"{name}_std": statistics.stdev(values) if len(values) > 1 else None}
