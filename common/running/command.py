"""The command line of a data set's run.py."""

import signal
import sys
from pathlib import Path

from common.errors import UserError, ending, open_streams, quiet_end_of_reading, user_errors
from common.running import allocator, cases, experiment, record, translate
from common.running.signals import Interrupted, raise_interrupted
from common.settings import conf_file, help, resolution
from common.settings.arguments import parse, show_value, typed
from common.training.loop import Diverged

CHANGEABLE = {"evaluate": record.HARMLESS, "resume": record.CHANGEABLE}  # keys that may be given with these


def main(script, trained):
    """Train, go on, evaluate or print help, as the command line says; an error ends the process with its exit status.

    script: the path of the directory's run.py.  trained: the directory's Experiment.
    """
    open_streams()
    allocator.keep_freed_memory()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, raise_interrupted)
    try:
        _do(Path(script).resolve().parent, trained, sys.argv[1:])
    except Diverged as error:
        _stop(f"diverged: {error}; what was saved before, if anything, is in the run directory", 1)
    except Interrupted as error:
        _stop(f"stopped by {error}", 128 + error.signum)
    except KeyboardInterrupt:
        _stop("stopped", 130)
    except Exception as error:
        if (end := ending(error)) is None:
            raise
        _stop(*end)


def _do(folder, trained, arguments):
    """What the arguments ask for, in a data set's directory."""
    conf = conf_file.read(folder)
    if {"--help", "-h"} & set(arguments):
        with user_errors():
            text = _help(conf, [argument for argument in arguments if argument not in ("--help", "-h")])
        with quiet_end_of_reading():
            print((sys.modules["__main__"].__doc__ or "").strip(), text, sep="\n\n")
        return
    command, path, rest = _command(arguments)
    settings = _saved_settings(path, conf, command, rest) if path else new_settings(conf, rest)
    runner = cases if _several(settings) else experiment
    if command == "evaluate":
        runner.evaluate(trained, settings, path)
    else:
        runner.run(trained, settings, parent=folder / "runs", path=path)


def _help(conf, arguments):
    """What --help prints of the run that the arguments describe; of case=all, of what the cases have in common."""
    settings = new_settings(conf, arguments)
    if _several(settings):
        settings = resolution.resolve(conf, [argument for argument in arguments if argument != "case=all"])
    return help.help_text(conf, arguments, settings)


def _several(settings):
    """Whether these are {case: settings}."""
    return all(isinstance(values, dict) for values in settings.values())


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


def _saved_settings(path, conf, command, arguments):
    """The settings of the run at `path`, with those overridden that may change; of several cases, {case: settings}."""
    with user_errors():
        saved, directory = record.read_config(path), Path(conf.__file__).parent.name
        if saved["directory"] != directory:
            raise ValueError(f"{path} is a run of {saved['directory']}, not of {directory}")
        if "cases" not in saved:
            return _changed(saved["settings"], conf, command, arguments)
        return {name: _changed(_longest(path / name, settings), conf, command, arguments)
                for name, settings in saved["cases"].items()}


def _longest(path, settings):
    """The settings of a case: those of its own run, where that alone has been made longer."""
    own = record.read_config(path)["settings"] if (path / "config.json").exists() else settings
    return max(settings, own, key=lambda those: record.length(those) or 0)


def _of_any_number(example):
    """A value of today's conf.py, where 1 may stand for 1.0; which numbers have to be whole is for resolution.check."""
    if isinstance(example, list):
        return [_of_any_number(item) for item in example]
    return float(example) if type(example) is int else example


def _changed(settings, conf, command, arguments):
    """The settings with the arguments' overrides, all checked again; ValueError for a key that may not change."""
    examples = resolution.known(conf) | getattr(conf, settings["net"], {}) | conf.config
    for key in settings.keys() & {key for key, example in examples.items() if example is not None}:
        if isinstance(settings[key], str) != isinstance(examples[key], str):
            raise ValueError(f"{key} is a {type(examples[key]).__name__}, got {settings[key]!r}")
        typed(key, show_value(settings[key]), _of_any_number(examples[key]))
    changeable = [key for key in CHANGEABLE[command] if key in settings]
    overrides = parse(arguments, settings)
    if refused := [key for key in overrides if key not in changeable and overrides[key] != settings[key]]:
        value = show_value(overrides[refused[0]])
        raise ValueError(f"{refused[0]}={value}: a run goes on as it began; only {', '.join(changeable)} may change")
    resolution.check(settings | overrides)
    if shorter := [key for key in record.LENGTHS if key in overrides and overrides[key] < settings[key]]:
        raise ValueError(f"{shorter[0]} can only grow: the run was to have {settings[shorter[0]]}")
    return translate.Saved(settings | overrides)
