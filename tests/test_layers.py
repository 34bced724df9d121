"""The import rules of common as a table: a row may import the rows above it, no others; and the sizes of the house."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXPERIMENTS = {"mnist", "fashion_mnist", "dvs_gesture", "shd", "temporal_coding"}
LAYERS = [  # lowest first
    {"rules", "compiled", "precision"},
    {"random_numbers", "event_conv_kernels"},
    {"config", "surrogate", "binary", "annealing", "sequence", "encode", "data"},
    {"recurrence", "event_linear", "event_conv", "losses", "penalties", "checkpoint", "optim",
     "distributed", "active"},
    {"record", "metrics", "monitor", "tensorboard", "translate", "traces", "spike_linear", "wide_kernels",
     "lif_conv_kernels", "tdbn"},
    {"lif_conv", "segments"},
    {"neurons", "wide_layer"},
    {"nets", "training"},
    {"trial", "outcome"},
    {"classification", "spike_timing"},
    {"experiment"},
    {"cases"},
    {"command"},
]
TOOLS = {"plots": {"monitor"}, "animation": set(), "plots_timing": {"plots", "animation"},  # name -> imports allowed;
         "plots_events": {"plots", "plots_timing"}, "plots_tau": {"plots"}, "plots_bench": {"plots"},
         "bench": None, "workloads": None, "report": None, "sweep": None, "peers": None,
         "peers_plif": None, "peers_resnet": None, "replay": None}  # None: any
IMPORTED_BY = {"plots": {"outcome", "spike_timing", "plots_timing", "plots_events", "plots_tau",
                         "plots_bench", "bench"},
               "plots_timing": {"spike_timing", "plots_events"}, "plots_events": set(), "plots_tau": {"outcome"},
               "plots_bench": {"bench"}, "animation": {"spike_timing", "plots_timing"},
               "peers": {"workloads"}, "workloads": {"bench"},
               "peers_plif": {"workloads"}, "peers_resnet": {"workloads"},
               "bench": set(), "report": set(), "sweep": set(), "replay": set()}

MODULES = sorted((ROOT / "common").rglob("*.py"))
SCRIPTS = sorted(path for path in ROOT.glob("*/*.py") if path.parent.name in EXPERIMENTS)
SOURCES = [*MODULES, *SCRIPTS]


def short(path):
    return path.relative_to(ROOT).as_posix()


def part(path):
    """What of common a file belongs to: losses of common/losses.py, data of common/data/images.py."""
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
    if importer == imported:
        return True
    if imported in TOOLS:
        return importer in IMPORTED_BY[imported]
    if importer in TOOLS:
        return TOOLS[importer] is None or imported in TOOLS[importer]
    level = {name: number for number, layer in enumerate(LAYERS) for name in layer} | {"__init__": 0}
    return level[imported] < level[importer]


def wrong_imports(importer, source):
    """Of a source of common.`importer`: what it must not import."""
    for name in imports(source):
        top, *rest = name.split(".")
        if top in EXPERIMENTS | {"conf", "run", "tests"} or top == "common" and not may_import(importer, rest[0]):
            yield name


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_common_imports_downwards_only(path):
    assert not list(wrong_imports(part(path), path.read_text()))


@pytest.mark.parametrize("importer, source, wrong", [
    ("nets", "from common.neurons import LIF\nfrom common import losses\nimport torch", []),
    ("monitor", "from common.neurons import LIF", ["common.neurons"]),
    ("losses", "def f():\n    from common import monitor, config", ["common.monitor"]),
    ("outcome", "from common import plots, monitor\nimport common.peers", ["common.peers"]),
    ("experiment", "from common import plots, trial, spike_timing", ["common.plots"]),
    ("trial", "from common import plots", ["common.plots"]),
    ("plots", "from common import config", ["common.config"]),
    ("workloads", "from common import peers, experiment, plots", ["common.plots"]),
    ("report", "import mnist.conf", ["mnist.conf"]),
    ("data", "from common.data import download\nimport conf", ["conf"]),
])
def test_the_table_tells_right_from_wrong(importer, source, wrong):
    assert list(wrong_imports(importer, source)) == wrong


def test_every_part_of_common_has_one_place_in_the_table():
    places = [name for layer in [*LAYERS, TOOLS] for name in layer]
    assert len(places) == len(set(places)) and set(TOOLS) == set(IMPORTED_BY)
    assert {part(path) for path in MODULES} - {"__init__"} <= set(places)


@pytest.mark.parametrize("path", SCRIPTS, ids=short)
def test_a_script_imports_no_tool_and_no_other_data_set(path):
    tops = [name.split(".") for name in imports(path.read_text())]
    assert not {top for top, *_ in tops} & EXPERIMENTS
    assert not {rest[0] for top, *rest in tops if top == "common"} & set(TOOLS)


def test_only_the_run_scripts_touch_the_import_path():
    users = set()
    for path in [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "notebooks").rglob("*.py")]:
        tree = ast.parse(path.read_text())
        if any(isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path" for node in ast.walk(tree)):
            users.add(short(path))
    assert users == {short(path) for path in SCRIPTS if path.name == "run.py"}


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_a_module_has_200_lines_and_a_function_40_at_most(path):
    source = path.read_text()
    num_lines = len(source.splitlines())
    assert num_lines <= 200
    long = [f"{node.name} has {node.end_lineno - node.lineno + 1}" for node in ast.walk(ast.parse(source))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno >= 40]
    assert not long


@pytest.mark.parametrize("directory", sorted({path.parent for path in SCRIPTS}), ids=short)
def test_a_data_set_s_directory_has_a_conf_and_a_short_run(directory):
    assert {"conf.py", "run.py"} <= {path.name for path in directory.glob("*.py")}
    assert len((directory / "run.py").read_text().splitlines()) <= 60
