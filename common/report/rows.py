"""A row of the report for each finished run, or for several of equal settings that differ in their seeds."""

from typing import NamedTuple

from common.report import accuracy, timing
from common.report.runs import NONE, warn
from common.running.record import is_finished
from common.settings.arguments import meant
from common.settings.resolution import holds
from common.tasks import classification, spike_timing

APART = {"exp_name", "num_trials", "seed", "data_dir", "source", "device", "num_threads", "num_frames"}
DAMAGES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # what a damaged result.json raises


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
            raise ValueError(f"no run has a key {key!r}{meant(key, keys)}")
    return [run for run in runs if all(holds(condition, asked[run.path]) for condition in conditions)]


def merged(runs):
    """The runs; finished ones of equal settings, data and length that differ in their seeds as one, with all trials."""
    groups, alike = [], {}  # [(seeds, runs)]; {what is equal: the groups that have it}
    for run in runs:
        seeds, similar = {str(trial.get("seed")) for trial in run.result["trials"]}, alike.setdefault(_same(run), [])
        group = next((group for group in similar if not group[0] & seeds), None)
        if group is None:
            group = (set(), [])
            groups.append(group)
            similar.append(group)
        group[0].update(seeds)
        group[1].append(run)
    return [run for _, members in groups for run in _joined(members)]


def _same(run):
    """What is equal in runs that can be merged; a run's path if it cannot: it is unfinished, or too damaged to tell."""
    settings = {key: value for key, value in run.settings.items() if key not in APART}
    try:
        if is_finished(run.settings, run.result) and all("seed" in trial for trial in run.result["trials"]):
            return _hashable([run.config["directory"], settings, run.result["data"], run.result.get("length")])
    except DAMAGES:
        pass  # row_of tells
    return run.path


def _hashable(value):
    if isinstance(value, dict):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def _joined(runs):
    """[one Run of several, whose trials are those of all]; the runs if there is one, or if a result is damaged."""
    if len(runs) == 1:
        return runs
    first, trials = runs[0], [trial for run in runs for trial in run.trials]
    lines = [line for run in runs for line in run.result["trials"]]
    task = spike_timing if "case" in first.result else classification
    settings = first.settings | {"num_trials": len(lines)}
    try:
        result = first.result | task.summary(trials, settings) | {"num_trials": len(lines), "trials": lines}
    except DAMAGES:
        return runs
    return [first._replace(settings=settings, result=result, trials=trials, more=tuple(runs[1:]),
                           config=first.config | {"settings": settings})]


def row_of(run, differing):
    """The Row of a run; None, with a warning, if its result is damaged.  differing: see variant."""
    try:
        num_trials, config = len(run.result["trials"]), run.config
        planned, finished = run.settings.get("num_trials", num_trials), is_finished(run.settings, run.result)
        count = str(num_trials) if finished else f"{num_trials if num_trials < planned else 0} of {planned}"
        num_diverged = num_trials - len(run.trials)
        seconds = sum(trial.get("seconds", 0) for trial in run.result["trials"])
        columns, score = (timing if "case" in run.result else accuracy).columns(run, differing)
        return Row({
            "experiment": config["directory"],
            **{title: str(text) for title, text in columns.items()},
            "n": count + (f", {num_diverged} diverged" if num_diverged else ""),
            "time": f"{seconds:,.0f} s, {config.get('device', NONE)}",
            "commit": ", ".join(dict.fromkeys(_commit(each.config) for each in (run, *run.more))),
            "run": _name(run.path) + (f" and {len(run.more)} more" if run.more else ""),
        }, {"accuracy": -score, "time": seconds})
    except DAMAGES as error:
        return warn(f"{run.path / 'result.json'} is damaged: {error!r}")


def _commit(config):
    return (config.get("git_commit") or NONE)[:7] + ("+" if config.get("git_dirty") else "")


def _name(path):
    return path.name if path.parent.name == "runs" else f"{path.parent.name}/{path.name}"
