"""What is slow to import or to compile waits until it is needed, and is announced."""

import os
import subprocess
import sys

import pytest
from place import ROOT

KERNELS = """
import numpy as np
from numba import njit
from common import compiled

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
                             capture_output=True, check=True, timeout=120)  # fmt: skip
    return process.stderr


@pytest.mark.parametrize("directory", ["mnist", "dvs_gesture", "temporal_coding"])
def test_help_imports_nothing_that_draws_or_compiles_a_graph(directory):
    lines = python("-X", "importtime", "run.py", "--help", folder=ROOT / directory).splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines}
    assert {"torch", "common.command"} <= imported
    assert not imported & {"matplotlib", "pandas", "tonic", "snntorch", "mlxtend", "tensorboard", "torch._dynamo"}


def test_a_compilation_is_announced_once_and_a_kernel_from_the_cache_is_not(tmp_path):
    (tmp_path / "kernels.py").write_text(KERNELS)
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    first, second = (python("kernels.py", folder=tmp_path, **environment) for _ in range(2))
    assert first.count("compiling for this machine") == 1 == first.count("\n")
    assert second == ""
