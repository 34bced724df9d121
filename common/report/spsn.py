"""The table of the SPSN experiment: neurons against augmentation and regularisation, one for each data set."""

import statistics

from common.report.runs import NONE, read, warn
from common.report.variant import describe

NEURONS = {"lif": "LIF", "spsn_sb": "SPSN-SB", "spsn_gs": "SPSN-GS", "non_spiking": "Non-Spiking"}
CONDITIONS = {  # title: (augment, whether rates are limited)
    "basic": (False, False),
    "+ augmentation": (True, False),
    "+ augmentation + regularisation": (True, True),
    "+ regularisation": (False, True),
}
# (neuron, condition) -> published test accuracy in % after the last epoch on SHD, seconds an epoch: SPSN@c46d169.
# One run each, trained on all training recordings; ours hold a tenth out for validation.
PUBLISHED = {
    ("lif", "basic"): (71.37, 252.2), ("lif", "+ augmentation"): (83.03, 261.7),
    ("spsn_sb", "basic"): (77.16, 5.5), ("spsn_sb", "+ augmentation"): (86.08, 10.7),
    ("spsn_sb", "+ augmentation + regularisation"): (89.70, None),
    ("spsn_gs", "basic"): (75.66, 6.8), ("spsn_gs", "+ augmentation"): (86.08, 12.2),
    ("spsn_gs", "+ augmentation + regularisation"): (89.39, None),
    ("non_spiking", "basic"): (71.82, 1.5), ("non_spiking", "+ augmentation"): (66.07, 6.7),
}  # fmt: skip
ALIKE = "none; its protocol too"
PROTOCOL = {"select_on": "last", "val_fraction": 0.0, "length": "batch"}  # SPSN's
# Their settings, and our validation; not taken from conf.py, which users edit. A run with others has a row naming them.
SETTINGS = {
    "subset": 0, "select_on": "val", "ties": "loss", "val_split": "random", "val_fraction": 0.1, "values": "count",
    "window_ms": 0.0, "dt_ms": 1.0, "num_steps": 2000, "length": "sample", "binarize": False,
    "hidden_sizes": [128, 128, 128], "num_epochs": 200, "batch_size": 64, "patience": 0,
    "loss": "cross_entropy", "reduce": "mean",
    "optimizer": "adamax", "betas": [0.9, 0.999], "weight_decay": 0.0, "lr": 1e-3, "lr_schedule": "none",
    "tau_syn_ms": 20.0, "tau_mem_ms": 20.0, "surrogate": "fast_sigmoid", "slope": 100.0, "eval_repeats": 5,
    "recurrent": False, "recurrent_spike": "spike", "learn_tau": False, "learn_threshold": False, "per_neuron": False,
    "shift": 0.1, "scale_time": 0.3, "scale_channels": 0.3, "scale_together": True,
}  # fmt: skip
RATE_LIMITS = {"spsn_sb": 0.4, "spsn_gs": 0.1}
ELSEWHERE = {"net", "neuron", "augment", "exp_name", "num_trials", "seed", "data_dir", "source", "device",
             "checkpoint_steps"}  # not named


def tables(runs):
    """{title: rows ({column: text})} of the finished runs of net=mlp among `runs`.

    Runs with other settings than the published ones have rows of their own. Of runs with the same settings the one
    with most epochs in all its trials counts, of such the newest.
    """
    found = {}
    for run in runs:
        try:
            settings = read(run / "config.json", settings=dict)["settings"]
            result = read(run / "result.json", data=dict, trials=list)
            if settings.get("net") == "mlp":
                data, kind, entry = _data(result), _kind(settings, result), _entry(result)
                _keep_longest(found.setdefault(data, {}), kind, entry)
        except (OSError, ValueError, LookupError, TypeError) as error:
            warn(f"{run}: {error!r}")
    return {_title(*data): _rows(entries, published=data == ("SHD", False)) for data, entries in found.items()}


def _data(result):
    return result["data"]["name"], result["data"]["stand_in"]


def _keep_longest(entries, kind, entry):
    if kind not in entries or entry["epochs"] >= entries[kind]["epochs"]:
        entries[kind] = entry


def _kind(settings, result):
    """(neuron, how its settings differ from the published ones, condition) of a run."""
    neuron, limit = settings["neuron"], settings.get("rate_limit", 0.0)
    described = {key: value for key, value in settings.items() if key not in ELSEWHERE}
    described["num_epochs"] = result.get("length", settings["num_epochs"])  # of a run being made longer, those it had
    alike = all(settings.get(key) == value for key, value in PROTOCOL.items())
    described |= {key: SETTINGS[key] for key in [*PROTOCOL, "ties"] if alike}  # told apart below
    unlike = describe(described, SETTINGS | {"rate_limit": RATE_LIMITS.get(neuron, 0.0) if limit else 0.0})
    unlike = f"{unlike or 'none'}; its protocol too" if alike else unlike
    condition = next(title for title, answer in CONDITIONS.items() if answer == (settings["augment"], limit > 0))
    return neuron, unlike, condition


def _entry(result):
    """What the table tells of a run, and the number of epochs in all its trials."""
    trials = result["trials"]
    tests = [100 * trial["test"] for trial in trials]
    spread = f" ± {statistics.stdev(tests):.2f}" if len(tests) > 1 else ""
    rates = [statistics.fmean(trial["firing_rates"][name] for trial in trials) for name in trials[0]["firing_rates"]]
    return {
        "epochs": sum(trial["num_epochs"] for trial in trials),
        "accuracy": f"{statistics.fmean(tests):.2f}{spread} (n = {len(tests)})",
        "seconds": f"{statistics.fmean(trial['seconds'] / trial['num_epochs'] for trial in trials):.1f}",
        "rates": " / ".join(f"{rate:.3f}" for rate in rates) or NONE,
    }


def _title(name, stand_in):
    return f"{name}{', a stand-in: no published figure compares' if stand_in else ''}"


def _rows(entries, published):
    """A row for each neuron and difference; `published`: beside the published figures, of which none is left out."""
    wanted = {condition for *_, condition in [*entries, *(PUBLISHED if published else ())]}
    conditions = [condition for condition in CONDITIONS if condition in wanted]
    kinds = {kind[:2] for kind in entries} | ({(neuron, "") for neuron in NEURONS} if published else set())
    order = [*NEURONS, *sorted({neuron for neuron, _ in kinds} - NEURONS.keys())]
    kinds = sorted(kinds, key=lambda kind: (order.index(kind[0]), kind[1]))
    return [_row(*kind, conditions, entries, published) for kind in kinds]


def _row(neuron, unlike, conditions, entries, published):
    row = {"neuron": NEURONS.get(neuron, neuron), "unlike SPSN's": unlike or NONE}
    empty = {"accuracy": NONE, "seconds": NONE, "rates": NONE}
    for condition in conditions:
        entry = entries.get((neuron, unlike, condition), empty)
        row[f"{condition} (%)"] = entry["accuracy"]
        if published:
            row[f"published, {condition} (%)"] = _published(neuron, condition) if unlike in ("", ALIKE) else NONE
        row[f"{condition}, s/epoch"] = entry["seconds"]
    return row | {"firing rates, basic": entries.get((neuron, unlike, "basic"), empty)["rates"]}


def _published(neuron, condition):
    accuracy, seconds = PUBLISHED.get((neuron, condition), (None, None))
    if accuracy is None:
        return NONE
    return f"{accuracy:.2f}" + (f"; {seconds} s/epoch" if seconds else "")
