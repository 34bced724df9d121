"""The notebooks as they are kept; that they run from top to bottom is tested by pytest, which collects them too."""

import ast

import nbformat
import pytest
from helpers.place import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path):
    nbformat.validate(nbformat.read(path, as_version=4))
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code(path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_draws_runs_and_defines_no_network_and_no_training(path):
    source = "\n".join(line for cell in code(path) for line in cell.source.splitlines() if not line.startswith("%"))
    tree = ast.parse(source)
    assert not [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert "replay.run_of(" in source and "backward" not in source and "import torch" not in source


def test_every_notebook_is_collected(request):
    names = ["plif_time_constants", "spike_timing", "spoken_digits", "threshold_annealing"]
    assert [path.stem for path in NOTEBOOKS] == names
    assert request.config.getoption("nbmake") and "notebooks" in request.config.getini("testpaths")
