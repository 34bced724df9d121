"""A row of the report for each finished run, or for several of equal settings that differ in their seeds."""

import difflib
from typing import NamedTuple

from common.report import accuracy, timing
from common.report.runs import NONE, warn
from common.running.record import is_finished
from common.settings.resolution import holds
from common.tasks import classification, spike_timing

APART = {"exp_name", "num_trials", "seed", "data_dir", "source", "device", "num_threads", "num_frames"}


class Row(NamedTuple):
    """{column: text}, and {what rows can be sorted by: number, the lowest first}."""

    cells: dict
    sort_keys: dict


def selected(runs, conditions):
    """The runs whose settings hold all conditions "key=value|value"; `experiment` and `data` are keys as well.

    ValueError for what has another form, or for a key that no run has.
    """
    asked = {run.path: {"experiment": run.config["directory"], "data": run.result["data"].get("name"), **run.settings}
             for run in runs}
    keys = {key for settings in asked.values() for key in settings}
    for condition in conditions:
        key, separator, _ = condition.partition("=")
        if not separator or " " in condition:
            raise ValueError(f"--where takes key=value or key=value|value, got {condition!r}")
        if runs and key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            raise ValueError(f"no run has a key {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    return [run for run in runs if all(holds(condition, asked[run.path]) for condition in conditions)]


def merged(runs):
    """The runs; finished ones of equal settings, data and length that differ in their seeds as one, with all trials."""
    groups = []  # [(what is equal, seeds, runs)]
    for run in runs:
        same, seeds = _same(run), {trial.get("seed") for trial in run.trials if isinstance(trial, dict)}
        alone = None in seeds or not is_finished(run.settings, run.result)
        for equal, there, members in () if alone else groups:
            if equal == same and not seeds & there:
                there |= seeds
                members.append(run)
                break
        else:
            groups.append((None if alone else same, seeds, [run]))
    return [members[0] if len(members) == 1 else _joined(members) for _, _, members in groups]


def _same(run):
    """What is equal in runs that can be merged."""
    settings = {key: value for key, value in run.settings.items() if key not in APART}
    return run.config["directory"], settings, run.result["data"], run.result.get("length")


def _joined(runs):
    """One Run of several, whose trials are those of all."""
    first, trials = runs[0], [trial for run in runs for trial in run.trials]
    task = spike_timing if "case" in first.result else classification
    settings = first.settings | {"num_trials": len(trials)}
    result = first.result | task.summary(trials, settings) | {"num_trials": len(trials), "trials": trials}
    return first._replace(settings=settings, result=result, trials=trials, more=tuple(runs[1:]),
                          config=first.config | {"settings": settings})


def row_of(run, configs):
    """The Row of a run; None, with a warning, if its result is damaged. configs: those of all runs of the table."""
    try:
        num_trials, config = len(run.trials), run.config
        planned, finished = run.settings.get("num_trials", num_trials), is_finished(run.settings, run.result)
        seconds = sum(trial.get("seconds", 0) for trial in run.trials)
        columns, score = (timing if "case" in run.result else accuracy).columns(run, configs)
        return Row({
            "experiment": config["directory"],
            **columns,
            "n": str(num_trials) if finished else f"{num_trials if num_trials < planned else 0} of {planned}",
            "time": f"{seconds:,.0f} s, {config.get('device', NONE)}",
            "commit": ", ".join(dict.fromkeys(_commit(each.config) for each in (run, *run.more))),
            "run": _name(run.path) + (f" and {len(run.more)} more" if run.more else ""),
        }, {"accuracy": -score, "time": seconds})
    except (AttributeError, KeyError, TypeError) as error:
        return warn(f"{run.path / 'result.json'} is damaged: {error!r}")


def _commit(config):
    return (config.get("git_commit") or NONE)[:7] + ("+" if config.get("git_dirty") else "")


def _name(path):
    return path.name if path.parent.name == "runs" else f"{path.parent.name}/{path.name}"
