"""A data set's conf.py, read: data that a user edits."""

import runpy
import traceback
from pathlib import Path
from types import SimpleNamespace

from common.build import REGISTRIES
from common.errors import UserError, first_line


def read(directory):
    """What the conf.py in `directory` sets, as attributes; UserError, naming the line, if it does not run.

    UserError too if `config`, a net's dict or one of `columns` or `cases` is no dict with keys of text.
    """
    path = Path(directory) / "conf.py"
    conf = SimpleNamespace(**names(path))
    groups = [getattr(conf, name, {}) for name in ("columns", "cases")]
    nets = [values for name, values in vars(conf).items() if name in REGISTRIES["net"]]
    sections = [*nets, *groups, *(values for group in groups if isinstance(group, dict) for values in group.values())]
    if not all(map(_is_section, [getattr(conf, "config", None), *sections])) or "net" not in conf.config:
        raise UserError(f"{path}: config, which names the net, the dict of each net, and each of columns and of cases "
                        "must be dicts whose keys are text")
    return conf


def names(path):
    """{name: value} of what the conf.py at `path` sets; UserError, naming the line, if it does not run."""
    try:
        return runpy.run_path(str(path))
    except (Exception, SystemExit) as error:  # whatever a user wrote there
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        told = error.msg if isinstance(error, SyntaxError) else first_line(error)
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        raise UserError(f"{path}{f', line {line}' if line else ''}: {told}") from error


def _is_section(values):
    return isinstance(values, dict) and all(isinstance(key, str) for key in values)
