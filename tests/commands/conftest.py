"""What the tests of commands start from."""

import runpy
import sys

import pytest
from helpers.moving_bars import write_recordings
from helpers.place import Place


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def gesture_place(tmp_path_factory):
    """A place with recordings of gestures."""
    place = Place(tmp_path_factory.mktemp("place"))
    write_recordings(place.data / "DVSGesture")
    return place


@pytest.fixture
def main(place, monkeypatch, capsys):
    """main(arguments): (exit status, stderr) of mnist/run.py in this process, for what ends before a run."""
    folder = place.root / "mnist"
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(folder)

    def call(arguments):
        monkeypatch.setattr(sys, "argv", [str(folder / "run.py"), *arguments])
        with pytest.raises(SystemExit) as end:
            runpy.run_path("run.py", run_name="__main__")
        sys.modules.pop("conf", None)
        return end.value.code, capsys.readouterr().err

    return call
