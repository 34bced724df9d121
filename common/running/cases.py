"""Several runs of one directory, a case each, below one run directory: run in turn, then compared."""

from os.path import relpath

from common.errors import UserError, user_errors
from common.running import experiment, record
from common.running.experiment import hinting
from common.training.loop import Diverged


def run(trained, settings, parent=None, path=None):
    """Run each case of `settings` {case: settings} in a directory of its own, or go on in `path`; then compare them.

    trained: Experiment, whose task has compare(path, {case: run directory}).  A case that diverges does not keep
    the others from theirs; Diverged at the end names it.  Returns the directory of all.
    """
    with user_errors():
        if path is None:
            name = next(iter(settings.values()))["exp_name"] + "-all"
            path = record.create(parent, {"exp_name": name, "cases": settings})
        record.write_json(path / "config.json", {"directory": record.directory(path), "cases": settings})
    print(f"run directory: {relpath(path)}", flush=True)
    diverged = {}
    with hinting("to go on", "resume", path):
        for case, values in settings.items():
            print(f"\ncase {case}", flush=True)
            (path / case).mkdir(exist_ok=True)
            try:
                experiment.run(trained, values, path=path / case, hint=False)
            except Diverged as error:
                diverged[case] = error
                print(f"diverged: {error}")
    _compare(trained, [case for case in settings if case not in diverged], path)
    if diverged:
        raise Diverged("; ".join(f"case {case}: {error}" for case, error in diverged.items()))
    return path


def evaluate(trained, settings, path):
    """Judge and draw each case's finished run again; UserError at the end names those that could not be."""
    refused = {}
    for case, values in settings.items():
        print(f"\ncase {case}", flush=True)
        try:
            experiment.evaluate(trained, values, path / case)
        except UserError as error:
            refused[case] = error
            print(f"not judged: {error}")
    _compare(trained, [case for case in settings if case not in refused], path)
    if refused:
        raise UserError("; ".join(f"case {case}: {error}" for case, error in refused.items()))


def _compare(trained, cases, path):
    print()
    with user_errors(), hinting("to draw its figures", "evaluate", path):
        if cases:
            trained.task.compare(path, {case: path / case for case in cases})
    print(f"all cases: {relpath(path)}")
