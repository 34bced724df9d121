"""Several runs of one directory, a case each, below one run directory: run in turn, then compared."""

from os.path import relpath
from pathlib import Path

from common import experiment, record
from common.config import user_errors


def run(trained, settings, parent=None, path=None):
    """Run each case of `settings` {case: settings} in a directory of its own, or go on in `path`; then compare them.

    trained: Experiment, whose task has compare(path, {case: run directory}).  Returns the directory of all.
    """
    with user_errors():
        if path is None:
            path = record.create(parent, {"exp_name": _name(settings), "cases": settings})
            record.write_json(path / "config.json", {"directory": record.directory(path), "cases": settings})
    print(f"run directory: {relpath(path)}", flush=True)
    for case, values in settings.items():
        print(f"\ncase {case}")
        (path / case).mkdir(exist_ok=True)
        experiment.run(trained, values, path=path / case, whole=path)
    _compare(trained, settings, path)
    return path


def evaluate(trained, settings, path):
    """Test and draw each case's finished run again."""
    for case, values in settings.items():
        print(f"\ncase {case}")
        experiment.evaluate(trained, values, path / case)
    _compare(trained, settings, path)


def _name(settings):
    return next(iter(settings.values()))["exp_name"] + "-all"


def _compare(trained, settings, path):
    print()
    trained.task.compare(path, {case: Path(path) / case for case in settings})
    print(f"all cases: {relpath(path)}")
