"""The columns of a run that learns classes."""

import statistics

from common.report.runs import NONE, read_metrics
from common.report.variant import variant

# Published test accuracies in %: (directory, data set, the settings it is for, figure, source)
PLIF = {"net": "plifnet", "tau": "layer", "channels": 128}
RESNET19 = {"net": "resnet19", "channels": 128, "hidden_size": 256, "num_steps": 2, "num_epochs": 11,
            "surrogate": "rectangle"}  # any stem, read-out and centre: its code has others than the paper  # fmt: skip
PUBLISHED = [
    ("mnist", "MNIST", RESNET19 | {"select_on": "val"}, 98.85, "direct-training-snn@eef1f9e, last epoch"),
    ("mnist", "MNIST", RESNET19 | {"select_on": "last"}, 98.85, "direct-training-snn@eef1f9e, last epoch"),
    ("mnist", "MNIST", PLIF | {"select_on": "val"}, 99.63, "Fang 2021"),
    ("mnist", "MNIST", PLIF | {"select_on": "test"}, 99.72, "Fang 2021"),
    ("fashion_mnist", "Fashion-MNIST", PLIF | {"select_on": "val"}, 93.85, "Fang 2021"),
    ("fashion_mnist", "Fashion-MNIST", PLIF | {"select_on": "test"}, 94.38, "Fang 2021"),
    ("dvs_gesture", "DVS128 Gesture", PLIF | {"select_on": "val"}, 96.53, "Fang 2021"),
    ("dvs_gesture", "DVS128 Gesture", PLIF | {"select_on": "test"}, 97.57, "Fang 2021"),
]
CHOSEN = {"test": ", best on test", "last": ", last epoch"}
FOR_ALL = {"binarize": False, "subset": 0}  # settings of every one of them: float weights, the whole training set


def columns(run, config, result, configs):
    """({column: text}, mean test accuracy in %) of a finished run; configs: those of the table's runs."""
    settings, trials = config["settings"], result["trials"]
    tests = [100 * trial["test"] for trial in trials if trial.get("test") is not None]
    return {
        "net": settings.get("net", NONE),
        "variant": variant(config, configs) or NONE,
        "weights": {True: "binarized", False: "float"}.get(settings.get("binarize"), NONE),
        "schedule": settings.get("threshold_schedule", NONE),
        "epochs (best / run)": _epochs(run, trials),
        "data": _data(result["data"]),
        "test accuracy (%)": _accuracy(tests, settings),
        "published (%)": _published(config["directory"], settings, result["data"]),
        "firing rate": _firing_rate(trials),
        "operations per sample": _operations(trials),
    }, statistics.fmean(tests) if tests else 0


def _epochs(run, trials):
    best = [trial["best_epoch"] for trial in trials if "best_epoch" in trial]
    last = {row["trial"]: row["epoch"] for row in read_metrics(run)}.values()
    return f"{_span(best)} / {_span(last)}"


def _span(values):
    return "–".join(map(str, sorted({min(values), max(values)}))) if values else NONE


def _data(data):
    return f"{'**stand-in** ' if data['stand_in'] else ''}{data['name']}, {data['num_train']:,} train"


def _accuracy(tests, settings):
    if not tests:
        return NONE
    spread = f" ± {statistics.stdev(tests):.2f}" if len(tests) > 1 else ""
    return f"{statistics.fmean(tests):.2f}{spread}" + CHOSEN.get(settings.get("select_on"), "")


def _published(directory, settings, data):
    """The figure of PUBLISHED for exactly this; none for a stand-in, whatever its name."""
    for where, name, values, figure, source in PUBLISHED:
        same = all(settings.get(key) == value for key, value in (values | FOR_ALL).items())
        if same and (where, name, False) == (directory, data["name"], data["stand_in"]):
            return f"{figure:.2f} ({source})"
    return NONE


def _firing_rate(trials):
    """Spikes per neuron and step, averaged over layers, then over trials."""
    rates = [statistics.fmean(trial["firing_rates"].values()) for trial in trials if trial.get("firing_rates")]
    return f"{statistics.fmean(rates):.4f}" if rates else NONE


def _operations(trials):
    """Effective synaptic operations of one sample, averaged over trials."""
    counts = [trial["synaptic_operations"] for trial in trials if trial.get("synaptic_operations")]
    if not counts:
        return NONE
    macs, acs = (statistics.fmean(count[kind] for count in counts) for kind in ("effective_macs", "effective_acs"))
    return f"{macs:,.0f} MAC + {acs:,.0f} AC"
