"""The settings that a directory's conf.py and some arguments make."""

import runpy
from types import SimpleNamespace

from helpers.place import ROOT

from common.running import command

DIRECTORIES = ["mnist", "fashion_mnist", "dvs_gesture", "shd", "temporal_coding"]


def conf_of(directory):
    """The directory's conf.py, as run.py imports it."""
    path = ROOT / directory / "conf.py"
    return SimpleNamespace(**runpy.run_path(str(path)) | {"__file__": str(path)})


def settings_of(directory, *arguments):
    return command.new_settings(conf_of(directory), arguments)


def resolved(directory, **overrides):
    """What the directory's conf.py as it stands makes of these."""
    return settings_of(directory, *(f"{key}={value}" for key, value in overrides.items()))
