"""Several cases of a run, each in a subdirectory of one common run directory, and their comparison."""

import functools
from os.path import relpath

from common.errors import UserError, told, user_errors
from common.running import drawing, experiment, log, record
from common.running.signals import hinting
from common.training.loop import Diverged


def run(trained, settings, parent=None, path=None):
    """Run each case in a new directory under `parent`, or go on in `path`; then compare them.

    trained: Experiment.  settings: {case: settings}.  Returns the common directory.
    A case whose every trial diverges does not stop the others; Diverged at the end names it.
    """
    first, *_ = settings
    prepared = {first: experiment.prepare(trained, settings[first])}  # fails before a directory is made

    def run_case(values, path):
        experiment.run(trained, values, path=path, hint=False, prepared=prepared.pop(path.name, None))

    with user_errors():
        if path is None:
            name = next(iter(settings.values()))["exp_name"] + "-all"
            path = record.create(parent, {"exp_name": name, "cases": settings})
        record.write_json(path / "config.json", {"directory": record.directory(path), "cases": settings})
    print(f"run directory: {relpath(path)}", flush=True)
    with log.kept(path):
        with hinting("to go on", "resume", path):
            failed = _each(run_case, settings, path, Diverged)
        _compare(trained, settings, path, failed)
    return path


def evaluate(trained, settings, path):
    """Test and draw each case's finished run again; UserError or Diverged at the end names those that could not be."""
    with log.kept(path):
        failed = _each(functools.partial(experiment.evaluate, trained), settings, path, (UserError, Diverged))
        _compare(trained, settings, path, failed, anew=True)


def _each(function, settings, path, failures):
    """Call function(settings, path=directory) for each case; {case: error} of those that raised one of `failures`."""
    failed = {}
    for case, values in settings.items():
        print(f"\ncase {case}", flush=True)
        try:
            function(values, path=path / case)
        except failures as error:
            failed[case] = error
            print(f"failed: {error}")
    return failed


def _compare(trained, cases, path, failed, anew=False):
    """Let the task compare the cases that did not fail; then raise UserError or Diverged if any did."""
    print()
    with hinting("to draw its figures", "evaluate", path), told("the cases are not compared"):
        if runs := {case: path / case for case in cases if case not in failed}:
            trained.task.compare(runs)
            shown = [cases, [record.read_result(run) for run in runs.values()]]
            drawing.once(path, shown, functools.partial(trained.task.draw_cases, path, runs), anew)
    print(f"all cases: {relpath(path)}")
    if failed:
        kind = UserError if any(isinstance(error, UserError) for error in failed.values()) else Diverged
        raise kind("; ".join(f"case {case}: {error}" for case, error in failed.items()))
