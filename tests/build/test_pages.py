"""The Python on the pages for who writes a script of his own runs as it stands."""

import re

from helpers.place import ROOT

PAGE = (ROOT / "common/README.md").read_text(encoding="utf-8")
NEURON, RUN = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_a_neuron_is_used_alone():
    names = {}
    exec(NEURON, names)
    assert names["current"].grad.abs().sum() > 0 and names["membrane"].shape == (100, 32, 64)


def test_a_run_is_loaded_and_drawn_as_pdf(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(RUN.replace("mnist/runs/<name>", (ROOT / "tests/old_runs/convnet").as_posix()), names)
    assert sum(parameter.numel() for parameter in names["net"].parameters()) > 100
    assert (tmp_path / "curves.pdf").read_bytes().startswith(b"%PDF")
