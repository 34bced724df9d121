"""For notebooks: find the runs to draw, make those that are missing, and load what they trained."""

import os
import subprocess
import sys
from pathlib import Path

from common import build
from common.running import command, origin, record, trial
from common.settings import conf_file

IMMATERIAL = {"exp_name", "device", "num_frames"}  # no number depends on them, but for a GPU's last bits


def run_of(directory, *arguments):
    """The newest finished run of `python run.py ARGUMENTS` in a data set's directory; if there is none, it is made.

    arguments: "key=value", with case= one case at most.  A run counts if every setting that its numbers depend on is
    what conf.py and the arguments say now; the commit that made it is printed, not compared.
    Its output is shown while it is made; ValueError, with the last line of it, if that fails.
    """
    directory = Path(directory)
    conf = conf_file.read(directory)
    arguments = _reduced(conf, arguments)
    wanted = _material(command.new_settings(conf, arguments))
    runs = directory / "runs"
    made = (path for path in sorted([*runs.glob("*"), *runs.glob("*/*")], reverse=True) if _has(path, wanted))
    if path := next(made, None):
        commit = record.read_config(path).get("git_commit")
        print(f"found {path.relative_to(directory.parent)}, made with commit {commit}")
    return path or _make(directory, arguments)


def _reduced(conf, arguments):
    """The arguments, their numbers limited to those in the variable SNN_REDUCED, as "num_epochs=2 subset=200"."""
    settings = command.new_settings(conf, arguments)
    limits = [limit.split("=") for limit in os.environ.get("SNN_REDUCED", "").split()]
    smaller = [f"{key}={limit}" for key, limit in limits if settings.get(key, 0) > int(limit)]
    if not smaller:
        return arguments
    replaced = {argument.partition("=")[0] for argument in smaller}
    return [*(argument for argument in arguments if argument.partition("=")[0] not in replaced), *smaller]


def load(script, path):
    """(settings, data, network) of the finished run at `path`; the network is that of its first trial's best epoch.

    First of those that did not diverge.

    script: the module run.py of the run's data set.  UserError if the run was made from other data, or if a file of it
    is missing or damaged.
    """
    settings = record.read_config(path)["settings"]
    data = script.load_data(settings)
    record.check_data(path, data)
    net = build.net(settings, data.in_shape, data.num_classes)
    place = path / f"trial_{min(record.survivors(record.read_result(path)))}"
    origin.kept_rows(place, settings, data)
    trial.load_net(net, place / "best.pt")
    return settings, data, net


def _material(settings):
    return {key: value for key, value in settings.items() if key not in IMMATERIAL}


def _has(path, wanted):
    """Whether the run at `path` has these settings, and is finished."""
    try:
        settings, result = record.read_config(path)["settings"], record.read_result(path)
        same = _material(settings) == wanted
        return same and record.is_finished(settings, result) and bool(record.survivors(result))
    except (ValueError, KeyError, TypeError):
        return False


def _make(directory, arguments):
    """Train in a process of its own, whose output is shown; the run's directory."""
    words, lines = ["run.py", *arguments], []
    process = subprocess.Popen([sys.executable, *words], cwd=directory, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    if process.wait():
        raise ValueError(f"python {' '.join(words)} in {directory} failed: {''.join(lines[-1:]).strip()}")
    return directory / next(line for line in lines if line.startswith("run directory: ")).split(": ", 1)[1].strip()
