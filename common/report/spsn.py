"""The table of the SPSN experiment: neurons against augmentation and regularisation, one for each data set."""

import statistics

from common.report.runs import NONE, read, warn

NEURONS = {"lif": "LIF", "spsn_sb": "SPSN-SB", "spsn_gs": "SPSN-GS", "non_spiking": "Non-Spiking"}
CONDITIONS = {  # title: (augment, whether rates are limited)
    "basic": (False, False),
    "+ augmentation": (True, False),
    "+ augmentation + regularisation": (True, True),
}
# (neuron, condition) -> published test accuracy in % after the last epoch on SHD, seconds an epoch: SPSN@c46d169
PUBLISHED = {
    ("lif", "basic"): (71.37, 252.2), ("lif", "+ augmentation"): (83.03, 261.7),
    ("spsn_sb", "basic"): (77.16, 5.5), ("spsn_sb", "+ augmentation"): (86.08, 10.7),
    ("spsn_sb", "+ augmentation + regularisation"): (89.70, None),
    ("spsn_gs", "basic"): (75.66, 6.8), ("spsn_gs", "+ augmentation"): (86.08, 12.2),
    ("spsn_gs", "+ augmentation + regularisation"): (89.39, None),
    ("non_spiking", "basic"): (71.82, 1.5), ("non_spiking", "+ augmentation"): (66.07, 6.7),
}  # fmt: skip


def tables(runs):
    """{title: rows ({column: text})} of the finished runs of net=mlp among `runs`, the newest of each kind.

    Not of those that chose their epoch on the test set.
    """
    found = {}
    for run in runs:
        try:
            config = read(run / "config.json", settings=dict, directory=str)
            result = read(run / "result.json", data=dict, trials=list)
            if config["settings"].get("net") == "mlp" and config["settings"].get("select_on") != "test":
                data = result["data"]["name"], result["data"]["stand_in"]
                found.setdefault(data, {})[_kind(config["settings"])] = result
        except (OSError, ValueError, KeyError) as error:
            warn(error)
    return {_title(*data): _rows(results, published=data == ("SHD", False)) for data, results in found.items()}


def _kind(settings):
    answer = settings["augment"], settings["rate_limit"] > 0
    conditions = [title for title, values in CONDITIONS.items() if values == answer]
    return settings["neuron"], *(conditions or ["regularisation alone"])


def _title(name, stand_in):
    return f"{name}{', a stand-in: no published figure compares' if stand_in else ''}"


def _rows(results, published):
    neurons = dict.fromkeys([*NEURONS, *(neuron for neuron, _ in results)])
    rows = []
    for neuron in neurons:
        row = {"neuron": NEURONS.get(neuron, neuron)}
        for condition in CONDITIONS:
            result = results.get((neuron, condition))
            row[f"{condition} (%)"] = _accuracy(result)
            if published:
                row[f"published, {condition} (%)"] = _published(neuron, condition)
            row[f"{condition}, s/epoch"] = _seconds(result)
        basic = results.get((neuron, "basic"))
        row["firing rates, basic"] = " / ".join(f"{rate:.3f}" for rate in _rates(basic)) if basic else NONE
        rows.append(row)
    return rows


def _accuracy(result):
    if result is None:
        return NONE
    tests = [100 * trial["test"] for trial in result["trials"]]
    spread = f" ± {statistics.stdev(tests):.2f}" if len(tests) > 1 else ""
    return f"{statistics.fmean(tests):.2f}{spread} (n = {len(tests)})"


def _seconds(result):
    if result is None:
        return NONE
    return f"{statistics.fmean(trial['seconds'] / trial['num_epochs'] for trial in result['trials']):.1f}"


def _published(neuron, condition):
    accuracy, seconds = PUBLISHED.get((neuron, condition), (None, None))
    if accuracy is None:
        return NONE
    return f"{accuracy:.2f}" + (f"; {seconds} s/epoch" if seconds else "")


def _rates(result):
    layers = result["trials"][0]["firing_rates"]
    return [statistics.fmean(trial["firing_rates"][name] for trial in result["trials"]) for name in layers]
