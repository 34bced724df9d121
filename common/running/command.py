"""The command line of a data set's run.py."""

import re
import signal
import sys
from pathlib import Path

import torch

from common.errors import UserError, quiet_end_of_reading, replace_unprintable, user_errors
from common.running import allocator, cases, experiment, record
from common.running.signals import Interrupted, raise_interrupted
from common.settings import help, resolution
from common.settings.arguments import parse, show_value
from common.training.loop import Diverged

LENGTHS = ("num_epochs", "num_iterations")
CHANGEABLE = {"evaluate": ("num_frames", "device", "data_dir"),  # keys that may be given with these
              "resume": (*LENGTHS, "num_frames", "device", "data_dir")}


def main(conf, trained):
    """Train, go on, evaluate or print help, as the command line says; an error ends the process with its exit status.

    conf: the module conf.py.  trained: the directory's Experiment.
    """
    replace_unprintable()
    allocator.keep_freed_memory()
    arguments = sys.argv[1:]
    signal.signal(signal.SIGTERM, raise_interrupted)
    if {"--help", "-h"} & set(arguments):
        _help(conf, [argument for argument in arguments if argument not in ("--help", "-h")])
        return
    try:
        command, path, rest = _command(arguments)
        folder = Path(conf.__file__).parent
        settings = _saved_settings(path, folder.name, command, rest) if path else new_settings(conf, rest)
        runner = cases if all(isinstance(values, dict) for values in settings.values()) else experiment
        if command == "evaluate":
            runner.evaluate(trained, settings, path)
        else:
            runner.run(trained, settings, parent=folder / "runs", path=path)
    except (UserError, OSError) as error:
        _stop(error, 2)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, (MemoryError, torch.OutOfMemoryError)) and "CPUAllocator" not in str(error):
            raise
        what = re.search(r"(tried|unable) to allocate [\d.]+ \w+", str(error), re.IGNORECASE)
        what = f": {what[0]}" if what else ""
        _stop(f"out of memory{what}; a smaller batch_size or net, or checkpoint_steps, needs less", 1)
    except Diverged as error:
        _stop(f"diverged: {error}; what was saved before, if anything, is in the run directory; a lower lr may help", 1)
    except Interrupted as error:
        _stop(f"stopped by {error}", 128 + error.signum)
    except KeyboardInterrupt:
        _stop("stopped", 130)


def _help(conf, arguments):
    try:
        text = help.help_text(conf, arguments)
    except ValueError as error:
        _stop(error, 2)
    with quiet_end_of_reading():
        print(sys.modules["__main__"].__doc__.strip(), text, sep="\n\n")


def _stop(message, status):
    print(f"run.py: {message}", file=sys.stderr)
    sys.exit(status)


def _command(arguments):
    """("train" | "resume" | "evaluate", run directory or None, the other arguments); UserError for two of them."""
    named = [argument.partition("=")[::2] for argument in arguments if argument.startswith(("resume=", "evaluate="))]
    if not named:
        return "train", None, arguments
    if len(named) > 1:
        raise UserError("resume= and evaluate= take one run directory, once")
    command, path = named[0]
    return command, Path(path), [argument for argument in arguments if argument != f"{command}={path}"]


def new_settings(conf, arguments):
    """The run's settings; with case=all, {case: settings} of every case that conf.py has."""
    with user_errors():
        cases = getattr(conf, "cases", {})
        given = [argument for argument in arguments if argument.startswith("case=")]
        others = [argument for argument in arguments if argument not in given]
        asked = [argument.removeprefix("case=") for argument in given] or [conf.config.get("case")]
        if asked == ["all"] and cases:
            return {name: _resolve_case(conf, name, others) for name in cases}
        if len(asked) == 1 and asked[0] in cases:
            return _resolve_case(conf, asked[0], others)
        if cases and asked != [None]:
            raise ValueError(f"case must be one of {', '.join(cases)} or all, once; got {' '.join(asked)}")
        return resolution.resolve(conf, arguments)


def _resolve_case(conf, name, others):
    try:
        return resolution.resolve(conf, others, name)
    except ValueError as error:
        raise ValueError(f"case {name}: {error}") from error


def _saved_settings(path, directory, command, arguments):
    """The settings of the run at `path`, with those overridden that may change; of several cases, {case: settings}."""
    with user_errors():
        saved = record.read_config(path)
        if saved["directory"] != directory:
            raise ValueError(f"{path} is a run of {saved['directory']}, not of {directory}")
        if "cases" not in saved:
            return _changed(saved["settings"], command, arguments)
        return {name: _changed(_longest(path / name, settings), command, arguments)
                for name, settings in saved["cases"].items()}


def _longest(path, settings):
    """The settings of a case: those of its own run, where that alone has been made longer."""
    own = record.read_config(path)["settings"] if (path / "config.json").exists() else settings
    return max(settings, own, key=record.length)


def _changed(settings, command, arguments):
    """The settings with the arguments' overrides, all checked again; ValueError for a key that may not change."""
    changeable = [key for key in CHANGEABLE[command] if key in settings]
    overrides = parse(arguments, settings)
    if refused := [key for key in overrides if key not in changeable and overrides[key] != settings[key]]:
        value = show_value(overrides[refused[0]])
        raise ValueError(f"{refused[0]}={value}: a run goes on as it began; only {', '.join(changeable)} may change")
    resolution.check(settings | overrides)
    if shorter := [key for key in LENGTHS if key in overrides and overrides[key] < settings[key]]:
        raise ValueError(f"{shorter[0]} can only grow: the run was to have {settings[shorter[0]]}")
    return settings | overrides
