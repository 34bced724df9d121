"""For notebooks: find the runs to draw, make those that are missing, and load what they trained."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from common import build
from common.running import command, record, trial

IMMATERIAL = {"exp_name", "device", "num_frames"}  # no number depends on them, but for a GPU's last bits


def run_of(directory, *arguments):
    """The newest finished run of `python run.py ARGUMENTS` in a data set's directory; if there is none, it is made.

    arguments: "key=value", with case= one case at most.  A run counts if every setting that its numbers depend on is
    what conf.py and the arguments say now; the commit that made it is printed, not compared.
    Its output is shown while it is made; ValueError, with the last line of it, if that fails.
    """
    directory = Path(directory)
    conf = SimpleNamespace(**runpy.run_path(str(directory / "conf.py")))
    arguments = _reduced(conf, arguments)
    wanted = _material(command.new_settings(conf, arguments))
    runs = directory / "runs"
    made = (path for path in sorted([*runs.glob("*"), *runs.glob("*/*")], reverse=True) if _has(path, wanted))
    if path := next(made, None):
        print(f"found {path.relative_to(directory.parent)}, made with commit {record.read_config(path)['git_commit']}")
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

    script: the module run.py of the run's data set.  UserError if the run was made from other data, or if a file of it
    is missing or damaged.
    """
    settings = record.read_config(path)["settings"]
    data = script.load_data(settings)
    record.check_data(path, data)
    net = build.net(settings, data.in_shape, data.num_classes)
    trial.load_net(net, path / "trial_0" / "best.pt")
    return settings, data, net


def _material(settings):
    return {key: value for key, value in settings.items() if key not in IMMATERIAL}


def _has(path, wanted):
    """Whether the run at `path` has these settings, and is finished."""
    try:
        settings = record.read_config(path)["settings"]
        return _material(settings) == wanted and record.is_finished(settings, record.read_result(path))
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
