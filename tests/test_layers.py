"""The rooms of common, top floor first: a room may import those below it, no others; and the sizes of the house."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXPERIMENTS = {"mnist", "fashion_mnist", "dvs_gesture", "shd", "temporal_coding"}
FLOORS = ["bench", "report", "tasks", "running", "settings", "build", "plots", "nets", "training", "neurons",
          "recurrence", "layers", "kernels", "data"]
GROUND = ["sequence", "surrogate", "choices", "atomic", "errors"]  # flat, and used by everybody
ALONE = {"bench", "report"}  # which nobody else imports
MODULES = sorted((ROOT / "common").rglob("*.py"))
SCRIPTS = sorted(path for path in ROOT.glob("*/*.py") if path.parent.name in EXPERIMENTS)
SOURCES = [*MODULES, *SCRIPTS]


def short(path):
    return path.relative_to(ROOT).as_posix()


def room(path):
    """What of common a file belongs to: training of common/training/losses.py, errors of common/errors.py."""
    return path.relative_to(ROOT / "common").parts[0].removesuffix(".py")


def imports(source):
    """The modules a source imports, as dotted names; with `from common import x`, common.x."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute here"
            yield from (f"common.{a.name}" for a in node.names) if node.module == "common" else [node.module]


def may_import(importer, imported):
    """Whether common.`importer` may import common.`imported`."""
    floors = ["__init__", *FLOORS, *GROUND]
    return importer == imported or imported not in ALONE and floors.index(imported) > floors.index(importer)


def wrong_imports(importer, source):
    """Of a source of common.`importer`: what it must not import."""
    for name in imports(source):
        top, *rest = name.split(".")
        if top in EXPERIMENTS | {"conf", "run", "tests"} or top == "common" and not may_import(importer, rest[0]):
            yield name


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_common_imports_downwards_only(path):
    assert not list(wrong_imports(room(path), path.read_text()))


@pytest.mark.parametrize("importer, source, wrong", [
    ("nets", "from common.neurons import LIF\nfrom common.training import losses\nimport torch", []),
    ("training", "from common.nets import mlp", ["common.nets"]),
    ("kernels", "def f():\n    from common.recurrence import lif\n    from common import errors, nets",
     ["common.recurrence", "common.nets"]),
    ("sequence", "from common import surrogate, atomic\nfrom common.data import events", ["common.data"]),
    ("tasks", "from common.plots import curves\nimport common.bench.peers.plain", ["common.bench.peers.plain"]),
    ("report", "import mnist.conf\nfrom common import bench", ["mnist.conf", "common.bench"]),
    ("data", "from common.data import download\nimport conf", ["conf"]),
])
def test_the_floors_tell_right_from_wrong(importer, source, wrong):
    assert list(wrong_imports(importer, source)) == wrong


def test_every_room_has_its_floor_and_nothing_else_lies_flat():
    assert {room(path) for path in MODULES} == {"__init__", *FLOORS, *GROUND}
    assert {path.stem for path in (ROOT / "common").glob("*.py")} == {"__init__", *GROUND}


def test_what_draws_is_imported_when_it_is_needed():
    """matplotlib is slow to import: outside plots, only functions import what imports it."""
    for path in MODULES:
        if room(path) != "plots" and path.name != "plot.py":
            top = [node for node in ast.parse(path.read_text()).body if isinstance(node, (ast.Import, ast.ImportFrom))]
            names = {name for node in top for name in imports(ast.unparse(node))}
            assert not any(name.startswith(("matplotlib", "common.plots")) for name in names), path


@pytest.mark.parametrize("path", SCRIPTS, ids=short)
def test_a_script_imports_no_tool_and_no_other_data_set(path):
    tops = [name.split(".") for name in imports(path.read_text())]
    assert not {top for top, *_ in tops} & EXPERIMENTS
    assert not {rest[0] for top, *rest in tops if top == "common"} & {"bench", "report", "plots"}


def test_only_the_run_scripts_touch_the_import_path():
    users = set()
    for path in [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "notebooks").rglob("*.py")]:
        tree = ast.parse(path.read_text())
        if any(isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path" for node in ast.walk(tree)):
            users.add(short(path))
    assert users == {short(path) for path in SCRIPTS if path.name == "run.py"} | {"tests/helpers/forks.py"}


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_a_module_has_200_lines_and_a_function_40_at_most(path):
    source = path.read_text()
    num_lines = len(source.splitlines())
    assert num_lines <= 200
    long = [f"{node.name} has {node.end_lineno - node.lineno + 1}" for node in ast.walk(ast.parse(source))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno >= 40]
    assert not long


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=short)
def test_a_module_of_tests_has_200_lines_at_most(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 200


@pytest.mark.parametrize("directory", sorted({path.parent for path in SCRIPTS}), ids=short)
def test_a_data_set_s_directory_has_a_conf_and_a_short_run(directory):
    assert {"conf.py", "run.py"} <= {path.name for path in directory.glob("*.py")}
    assert len((directory / "run.py").read_text().splitlines()) <= 60
