"""What surrounds a command and may be broken: folders that cannot be written, streams that are closed, conf.py."""

import os
import shutil
import signal
import subprocess
import sys

import pytest
from helpers.place import ROOT, Place


def started(root, *arguments, directory="mnist", shell="exec \"$@\"", **environment):
    """A process of python run.py ARGUMENTS in a directory of `root`, under bash."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("NUMBA_CACHE_DIR", "SNN_DATA")}
    return subprocess.Popen(["bash", "-c", shell, "bash", sys.executable, "run.py", *arguments], cwd=root / directory,
                            env=inherited | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def test_a_checkout_that_is_read_only_and_no_home_still_give_help(tmp_path):
    shutil.copytree(ROOT / "mnist", tmp_path / "mnist", ignore=shutil.ignore_patterns("runs", "__pycache__"))
    shutil.copytree(ROOT / "common", tmp_path / "common", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [place for place in tmp_path.rglob("*") if place.is_dir()]:
        (folder / "__pycache__").touch()  # root could write to a folder that is read-only
    process = started(tmp_path, "--help", HOME="/dev/null/nobody", XDG_CACHE_HOME="", PYTHONSAFEPATH="1")
    stdout, stderr = process.communicate(timeout=100)
    assert process.returncode == 0 and "  seed=0 " in stdout, stderr
    (line,) = stderr.splitlines()
    assert "no folder can be written to keep compiled kernels in" in line and "NUMBA_CACHE_DIR" in line
    assert not os.path.exists(line.split("they go to ")[1].split()[0])


def test_ctrl_c_while_packages_are_imported_prints_no_traceback(tmp_path):
    (tmp_path / "torch.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    process = started(ROOT, "--help", PYTHONPATH=str(tmp_path))
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == "" and process.returncode == -signal.SIGINT


@pytest.mark.parametrize("closed", ["2>&-", "0<&- 1>&- 2>&-"])
def test_a_run_whose_streams_are_closed_ends_as_ever(tmp_path, closed):
    place = Place(tmp_path)
    process = started(tmp_path, *place.small("num_epochs=1"), shell=f"exec \"$@\" {closed}", OMP_NUM_THREADS="1")
    _, stderr = process.communicate(timeout=300)
    (path,) = (tmp_path / "mnist" / "runs").iterdir()
    assert process.returncode == 0 and (path / "figures" / "example.png").exists(), stderr


CONFS = [  # (what is put for what in conf.py, what the message says)
    ('config = {', 'config = = {', "conf.py, line 6: invalid syntax"),
    ('config = {', 'surely(1)\nconfig = {', "conf.py, line 6: NameError(\"name 'surely' is not defined\")"),
    ('config = {', 'import sys; sys.exit()\nconfig = {', "conf.py, line 6: SystemExit()"),
    ('config = {', 'other = {', "conf.py: config, which names the net"),
    ('    "net"', '    3: 4,\n    "net"', "must be dicts whose keys are text"),
    ('columns = {', 'columns = {"net=mlp": 3,', "must be dicts whose keys are text"),
    ('    "net"', '    "nett"', "config, which names the net"),
]


@pytest.mark.parametrize("old, new, message", CONFS)
@pytest.mark.parametrize("arguments", [["--help"], []])
def test_a_conf_py_that_is_broken_is_told_in_one_line(place, old, new, message, arguments):
    file = place.root / "mnist" / "conf.py"
    content = file.read_text()
    assert content.count(old) == 1
    file.write_text(content.replace(old, new))
    try:
        status, _, stderr = place.call("mnist", *arguments)
    finally:
        file.write_text(content)
    assert status == 2 and stderr.startswith("run.py: ") and message in stderr and stderr.count("\n") == 1, stderr


def test_help_names_a_conf_py_whose_letters_are_not_utf_8(place):
    file = place.root / "mnist" / "conf.py"
    content = file.read_bytes()
    file.write_bytes(content.replace(b"# part of", b"# \xe9 part of", 1))
    try:
        status, _, stderr = place.call("mnist", "--help")
    finally:
        file.write_bytes(content)
    assert status == 2 and f"{file} cannot be read: " in stderr and stderr.count("\n") == 1, stderr


def test_a_conf_py_without_docstring_and_with_computed_keys_has_help(place):
    file = place.root / "mnist" / "conf.py"
    content = file.read_text()
    _, _, rest = content.split('"""', 2)
    rest = rest.replace('    "seed": 0', '    f"{\'se\' + \'ed\'}": 3')
    file.write_text(rest + 'config["a"], other = 1, 2\ndel config["a"]\n')
    try:
        status, stdout, stderr = place.call("mnist", "--help")
    finally:
        file.write_text(content)
    assert status == 0 and "  seed=3 " in stdout and "python run.py resume=" in stdout, stderr
