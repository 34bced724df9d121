"""The settings that a directory's conf.py and some arguments make."""

from helpers.place import ROOT

from common.running import command
from common.settings import conf_file

DIRECTORIES = ["mnist", "fashion_mnist", "dvs_gesture", "shd", "temporal_coding"]


def conf_of(directory):
    """The directory's conf.py, as run.py imports it."""
    return conf_file.read(ROOT / directory)


def settings_of(directory, *arguments):
    return command.new_settings(conf_of(directory), arguments)


def resolved(directory, ties=None, **overrides):
    """What the directory's conf.py as it stands makes of these.  ties: as a run may have it where it has no effect."""
    settings = settings_of(directory, *(f"{key}={value}" for key, value in overrides.items()))
    return settings | ({"ties": ties} if ties else {})
