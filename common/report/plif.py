"""The table of time constants per layer and per neuron, on event frames, one for each data set and protocol."""

import statistics

from common.report.runs import NONE, read, read_metrics, warn

MODELS = {  # (tau, penalty on its variance) -> title
    ("fixed", 0.0): "fixed", ("layer", 0.0): "per layer", ("neuron", 0.0): "per neuron",
    ("neuron", 0.01): "per neuron, λ = 0.01", ("neuron", 0.1): "per neuron, λ = 0.1",
}  # fmt: skip
# (tau, penalty) -> test and validation accuracy in %, each the highest of one run with one seed, on DVS128 Gesture:
# Anananas42/tu-delft-bsc-thesis-computer-science@f7b139b
PUBLISHED = {("layer", 0.0): (95.5, 100.0), ("neuron", 0.0): (95.1, 99.2), ("neuron", 0.01): (95.8, 99.2),
             ("neuron", 0.1): (96.2, 100.0)}  # fmt: skip


def tables(runs):
    """{title: rows ({column: text})} of the finished runs of net=plifnet in dvs_gesture among `runs`, newest of each.

    Runs of other sizes have rows of their own.
    """
    found = {}
    for run in runs:
        try:
            config = read(run / "config.json", settings=dict, directory=str)
            result = read(run / "result.json", data=dict, trials=list)
            settings = config["settings"]
            if settings.get("net") == "plifnet" and config["directory"] == "dvs_gesture":
                data = result["data"]["name"], result["data"]["stand_in"], settings["select_on"]
                found.setdefault(data, {})[_kind(settings)] = _row(run, settings, result)
        except (OSError, ValueError, KeyError, TypeError, statistics.StatisticsError) as error:
            warn(f"{run}: {error!r}")
    return {_title(*data): _rows(rows, published=data[:2] == ("DVS128 Gesture", False))
            for data, rows in found.items()}  # fmt: skip


def _kind(settings):
    return settings["tau"], settings.get("tau_penalty", 0.0), settings["channels"], settings["num_layers"]


def _title(name, stand_in, select_on):
    marks = ", a stand-in: no published figure compares" * stand_in + ", best on test" * (select_on == "test")
    return name + marks


def _rows(rows, published):
    kinds = sorted(rows, key=lambda kind: (kind[2:], [*MODELS].index(kind[:2]) if kind[:2] in MODELS else len(MODELS)))
    return [_with_published(kind, rows[kind]) if published else rows[kind] for kind in kinds]


def _with_published(kind, row):
    model, *size = kind[:2], *kind[2:]
    figures = PUBLISHED.get(model) if size == [128, 5] else None
    test, val = (f"{figure:.1f}" for figure in figures) if figures else (NONE, NONE)
    columns = {"published, highest test (%)": test, "published, highest validation (%)": val}
    return row | columns


def _row(run, settings, result):
    trials = result["trials"]
    tests, vals = ([100 * trial[key] for trial in trials] for key in ("test", "val"))
    tau, penalty, channels, num_layers = _kind(settings)
    on = ", on w" * (penalty > 0 and settings["tau_penalty_on"] == "w")
    means, stds = _taus(run)
    return {
        "tau": MODELS.get((tau, penalty), f"per {tau}, λ = {penalty:g}") + on,
        "channels × layers": f"{channels} × {num_layers}",
        "epochs": "–".join(map(str, sorted({trial["num_epochs"] for trial in trials}))),
        "test accuracy (%)": f"{_mean_std(tests)} (n = {len(tests)})",
        "validation (%)": _mean_std(vals),
        "τ mean, per layer": means,
        "τ std, per layer": stds,
    }


def _mean_std(values):
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.2f}{spread}"


def _taus(run):
    """The means and the spreads of each layer's time constants after the last epoch, averaged over trials, as text."""
    last = list({row["trial"]: row for row in read_metrics(run)}.values())
    return (" / ".join(f"{statistics.fmean(float(row[key]) for row in last):.3f}" for key in (last or [{}])[0]
                       if key.startswith(start)) or NONE for start in ("tau_mean_", "tau_std_"))  # fmt: skip
