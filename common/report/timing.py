"""The columns of a run that learns to spike in time."""

import math

from common.report.runs import NONE
from common.running.record import with_spread

MERITS = {  # key of result.json -> column, format
    "mse_last50": ("mse, last 50 iterations", ".4f"),
    "final_mse": ("final", ".4f"),
    "best_mse": ("best", ".4f"),
    "smoothed_mse": ("smoothed", ".4f"),
    "hidden_silent_share": ("silent hidden neurons", ".0%"),
    "hidden_firing_rate": ("hidden firing rate", ".3f"),
    "spike_share": ("iterations with a spike", ".0%"),
    "first_spike_time": ("first spike at step", ".1f"),
}


def columns(run, _differing):
    """({column: text}, minus the mean squared error) of a finished run."""
    lengths = sorted({trial["num_iterations"] for trial in run.result["trials"]})
    return {
        "case": run.result["case"],
        "weights": {True: "binarized", False: "float"}[run.settings["binarize"]],
        "iterations": "–".join(f"{count:,}" for count in lengths),
        **{title: _mean_std(run.result, key, style) for key, (title, style) in MERITS.items()},
    }, -run.result["mse_last50_mean"] if run.trials else -math.inf


def _mean_std(result, key, style):
    mean, std = result[f"{key}_mean"], result[f"{key}_std"]
    return NONE if mean is None else with_spread(mean, std, style)
