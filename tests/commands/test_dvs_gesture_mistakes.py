"""Mistakes that dvs_gesture/run.py tells in one line, in this process."""

import runpy
import sys

import pytest

from common.data import download


@pytest.fixture
def main(gesture_place, monkeypatch, capsys):
    """main(arguments): (exit status, stderr) of run.py in this process, for what ends before a run."""
    place, folder = gesture_place, gesture_place.root / "dvs_gesture"
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(place.root / "cache"))
    monkeypatch.delenv("SNN_DATA", raising=False)
    monkeypatch.setattr(download, "fetch", offline)

    def call(arguments):
        where = [] if any(argument.startswith("data_dir=") for argument in arguments) else [f"data_dir={place.data}"]
        monkeypatch.setattr(sys, "argv", [str(folder / "run.py"), *where, *arguments])
        with pytest.raises(SystemExit) as end:
            runpy.run_path("run.py", run_name="__main__")
        return end.value.code, capsys.readouterr().err

    return call


def offline(*_):
    raise download.DownloadError("no network")


@pytest.mark.parametrize("arguments, message", [
    (["case=izhikevich"], "case must be one of layer, neuron, neuron_0.01, neuron_0.1 or all, once; got izhikevich"),
    (["case=all", "tau=layer", "tau_std=0.1"], "case layer: tau_std has no effect here"),
    (["case=all", "case=layer"], "case must be one of"),
    (["net=plifnet", "tau=synapse"], "tau must be one of 'layer', 'neuron', 'fixed', got 'synapse'"),
    (["net=plifnet", "tau_penalty=0.1"], "tau_penalty has no effect here; it needs net=plifnet tau=neuron"),
    (["net=plifnet", "num_steps_test=10"], "num_steps_test has no effect here; it needs net=convnet"),
    (["net=plifnet", "channels=[4,4]"], "channels is a whole number"), (["channels=4"], "channels is a list of whole"),
    (["split_by=number", "dt_ms=5.0"], "dt_ms has no effect here; it needs split_by=dt"),
    (["net=plifnet", "init_tau=1.0"], "init_tau must exceed 1 step"), (["downsample=3"], "downsample"),
    (["net=plifnet", "num_layers=9"], "num_layers=9"), (["split_by=event"], "split_by must be one of 'dt', 'number'"),
    (["val_split=users", "val_users=[77]"], "77"), (["augment=True", "flip_lr=True"], "flip_lr"),
    (["source=published", "data_dir=/nowhere"], "ibmGestureTrain.tar.gz"),
])
def test_a_mistake_is_told_in_one_line(main, arguments, message):
    status, stderr = main(arguments)
    assert status == 2 and message in stderr and "run.py: " in stderr, stderr
