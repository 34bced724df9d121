"""The table of time constants per layer and per neuron, on event frames, one for each data set and protocol."""

import statistics

from common.report.accuracy import CHOSEN
from common.report.runs import NONE, read, read_metrics, warn
from common.report.variant import describe

MODELS = {  # (tau, penalty on its variance) -> title
    ("fixed", 0.0): "fixed", ("layer", 0.0): "per layer", ("neuron", 0.0): "per neuron",
    ("neuron", 0.01): "per neuron, λ = 0.01", ("neuron", 0.1): "per neuron, λ = 0.1",
}  # fmt: skip
# (tau, penalty) -> test and validation accuracy in %, each the highest of one run with one seed, on DVS128 Gesture:
# Anananas42/tu-delft-bsc-thesis-computer-science@f7b139b
PUBLISHED = {("layer", 0.0): (95.5, 100.0), ("neuron", 0.0): (95.1, 99.2), ("neuron", 0.01): (95.8, 99.2),
             ("neuron", 0.1): (96.2, 100.0)}  # fmt: skip

# Their settings; not taken from conf.py, which users edit. A run with others has a row that names them.
SETTINGS = {
    "subset": 0, "binarize": False, "augment": False, "split_by": "number", "num_steps": 20, "normalization": "none",
    "downsample": 1, "num_layers": 5, "channels": 128, "hidden_size": 512, "pool": "max", "dropout": 0.5,
    "init_tau": 2.0, "tau_std": 0.1, "detach_reset": True, "surrogate": "atan", "alpha": 2.0,
    "learn_surrogate": False, "num_epochs": 1256, "patience": 0, "loss": "mse_rate_loss",
    "optimizer": "adam", "betas": [0.9, 0.999], "weight_decay": 0.0, "lr": 1e-3, "lr_schedule": "cosine",
    "cosine_epochs": 64, "eta_min": 0.0, "val_split": "random",
    "precision": "float32",
}  # fmt: skip
ELSEWHERE = {"net", "tau", "tau_penalty", "tau_penalty_on", "exp_name", "num_trials", "seed", "data_dir", "source",
             "device", "case", "select_on", "ties", "val_fraction"}  # not named  # fmt: skip


def tables(runs):
    """{title: rows ({column: text})} of the finished runs of net=plifnet in dvs_gesture among `runs`.

    Runs with other settings than the published ones have rows of their own. Of runs with the same settings the one
    with most epochs in all its trials counts, of such the newest.
    """
    found = {}
    for run in runs:
        try:
            config = read(run / "config.json", settings=dict, directory=str)
            result = read(run / "result.json", data=dict, trials=list)
            settings = config["settings"]
            if settings.get("net") == "plifnet" and config["directory"] == "dvs_gesture":
                data = result["data"]["name"], result["data"]["stand_in"], settings["select_on"]
                rows, kind = found.setdefault(data, {}), _kind(settings, result)
                entry = sum(trial["num_epochs"] for trial in result["trials"]), _row(run, kind, result, data[2])
                if kind not in rows or entry[0] >= rows[kind][0]:
                    rows[kind] = entry
        except (OSError, ValueError, KeyError, TypeError, statistics.StatisticsError) as error:
            warn(f"{run}: {error!r}")
    return {_title(*data): _rows(rows, published=data[:2] == ("DVS128 Gesture", False))
            for data, rows in found.items()}  # fmt: skip


def _kind(settings, result):
    """((tau, penalty), how the other settings differ from the published ones, what the penalty is on) of a run.

    The thesis has the penalty on the variance of tau, its code on that of w.
    """
    described = {key: value for key, value in settings.items() if key not in ELSEWHERE}
    described["num_epochs"] = result.get("length", settings["num_epochs"])  # of a run being made longer, those it had
    model = settings["tau"], settings.get("tau_penalty", 0.0)
    published = SETTINGS | {"batch_size": 32 if settings["tau"] == "neuron" else 16}
    return model, describe(described, published), settings["tau_penalty_on"] if model[1] else ""


def _title(name, stand_in, select_on):
    return name + ", a stand-in: no published figure compares" * stand_in + CHOSEN.get(select_on, "")


def _rows(rows, published):
    kinds = sorted(rows, key=lambda kind: (kind[1], [*MODELS, kind[0]].index(kind[0])))
    return [rows[kind][1] | (_published(*kind) if published else {}) for kind in kinds]


def _published(model, unlike, _):
    test, val = (f"{figure:.1f}" for figure in PUBLISHED[model]) if model in PUBLISHED and not unlike else (NONE, NONE)
    return {"published, highest test (%)": test, "published, highest validation (%)": val}


def _row(run, kind, result, select_on):
    trials = result["trials"]
    tests = [100 * trial["test"] for trial in trials]
    vals = [100 * trial["val"] for trial in trials if trial["val"] is not None and select_on != "test"]
    (tau, penalty), unlike, on = kind
    means, stds = _taus(run)
    return {
        "tau": MODELS.get((tau, penalty), f"per {tau}, λ = {penalty:g}") + ", on w" * (on == "w"),
        "unlike the thesis's": unlike or NONE,
        "test accuracy (%)": f"{_mean_std(tests)} (n = {len(tests)})",
        "validation (%)": _mean_std(vals) if vals else NONE,
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
