"""The columns of a run that learns classes."""

import statistics

from common.report.runs import NONE, read_metrics, tables_of
from common.report.variant import variant
from common.running.record import CHOSEN, with_spread
from common.settings.resolution import holds


def columns(run, differing):
    """({column: text}, mean test accuracy in %) of a finished run; differing: see variant."""
    settings, trials = run.settings, run.trials
    tests = [100 * trial["test"] for trial in trials if trial.get("test") is not None]
    return {
        "net": settings.get("net", NONE),
        "variant": variant(run.config, differing) or NONE,
        "weights": {True: "binarized", False: "float"}.get(settings.get("binarize"), NONE),
        "schedule": settings.get("threshold_schedule", NONE),
        "epochs (best / run)": _epochs(run),
        "data": _data(run.result["data"]),
        "test accuracy (%)": mean_std(tests) + CHOSEN.get(settings.get("select_on"), "") if tests else NONE,
        "published (%)": _published(run),
        "firing rate": _firing_rate(trials),
        "operations per sample": _operations(trials),
    }, statistics.fmean(tests) if tests else 0


def mean_std(values):
    """The mean of one value at least and, of several, their standard deviation (n - 1), as text."""
    return with_spread(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, ".2f")


def _epochs(run):
    best = [trial["best_epoch"] for trial in run.trials if "best_epoch" in trial]
    last = {row["trial"]: row["epoch"] for row in read_metrics(run.path)}.values()
    return f"{_span(best)} / {_span(last)}"


def _span(values):
    return "–".join(map(str, sorted({min(values), max(values)}))) if values else NONE


def _data(data):
    return f"{'**stand-in** ' if data['stand_in'] else ''}{data['name']}, {data['num_train']:,} train"


def _published(run):
    """The figure in conf.py's tables for exactly this; none for a stand-in, whatever its name."""
    data, select_on = run.result["data"], run.settings.get("select_on")
    for entry in tables_of(run).get("published", []):
        same = holds(entry["settings"], run.settings) and (entry["data"], False) == (data["name"], data["stand_in"])
        if same and select_on in entry["accuracy"]:
            return f"{entry['accuracy'][select_on]:.2f} ({entry['source']})"
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
