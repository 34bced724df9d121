"""What is slow to import or to compile waits until it is needed, and is announced."""

import ast
import os
import subprocess
import sys

import pytest
from helpers.place import ROOT

KERNELS = """
import numpy as np
from numba import njit
from common.kernels import compiled

@njit(cache=True)
def add(x):
    x += 1

@njit(cache=True)
def double(x):
    x *= 2

x = np.zeros(3)
compiled.run(add, x), compiled.run(double, x)
assert x.tolist() == [2, 2, 2]
"""

def python(*arguments, folder=ROOT, **environment):
    """The standard error of a Python process."""
    process = subprocess.run([sys.executable, *arguments], cwd=folder, env=os.environ | environment, text=True,
                             capture_output=True, check=True, timeout=120)
    return process.stderr


@pytest.mark.parametrize("directory", ["mnist", "dvs_gesture", "temporal_coding"])
def test_help_imports_nothing_that_draws_or_compiles_a_graph(directory):
    lines = python("-X", "importtime", "run.py", "--help", folder=ROOT / directory).splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines}
    assert {"torch", "common.running.command"} <= imported
    assert not imported & {"matplotlib", "pandas", "tonic", "snntorch", "mlxtend", "tensorboard", "torch._dynamo"}


def test_a_compilation_is_announced_once_and_a_kernel_from_the_cache_is_not(tmp_path):
    (tmp_path / "kernels.py").write_text(KERNELS)
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    first, second = (python("kernels.py", folder=tmp_path, **environment) for _ in range(2))
    assert first.count("compiling for this machine") == 1 == first.count("\n")
    assert second == ""


def test_every_kernel_that_python_names_lies_in_numba_s_cache():
    """One without cache=True is compiled anew at every start, unless kernels alone call it: then it is in theirs."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "common").rglob("*.py")]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    kernels = [function for function in functions if "njit" in ast.unparse(function.decorator_list)]
    cached = [function for function in kernels if "cache=True" in ast.unparse(function.decorator_list)]
    plain = [function for function in functions if function not in kernels]
    uncached = {function.name for function in kernels} - {function.name for function in [*cached, *plain]}
    assert len(kernels) > 50 and len(uncached) > 30
    for function in plain:
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        called = [node for call in calls for node in (call.func, *call.args[:1])]  # as in run(kernel, ...)
        assert not {getattr(node, "attr", getattr(node, "id", None)) for node in called} & uncached, function.name
