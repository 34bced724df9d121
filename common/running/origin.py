"""What the numbers of a trial come from: its checkpoints tell, and nothing else is to go on from them."""

import functools
import sys

from common.errors import UserError, foreign
from common.running import checkpoint, record, translate


def origin_of(path, settings, data):
    """What the numbers of the trial at `path` come from: its number, its data, and the settings that may not change."""
    fixed = {key: value for key, value in settings.items() if key not in record.CHANGEABLE}
    return {"trial": int(path.name.removeprefix("trial_")), "data": data.hashes} | fixed


def kept_rows(path, settings, data):
    """The metrics of the epochs that the last checkpoint of the trial at `path` has completed; [] without one.

    UserError if that, or the one of its best epoch, is damaged, has another origin or has gone further than the
    settings say: to go on, to be tested and to be drawn, a trial needs both.
    """
    kept = {file: checkpoint.load(file) for file in (path / "best.pt", path / "last.pt") if file.exists()}
    rows, count = [], "iteration" if "num_iterations" in settings else "epoch"
    for file, saved in kept.items():
        with foreign(f"{file} is no checkpoint of a run"):
            _check(file, saved.get("origin"), origin_of(path, settings, data))
            if file.name == "best.pt" and not {"epoch", "val_accuracy"} <= saved.keys():
                raise UserError(f"{file} is no checkpoint of a best epoch; to train this trial again, delete {path} "
                                "and resume the run")
            if file.name == "last.pt":
                rows = [dict(row) for row in saved["progress"]["rows"]]
                if saved["progress"][count] > settings[f"num_{count}s"]:
                    raise UserError(f"{file} has gone on for {saved['progress'][count]} {count}s, more than config.json"
                                    f" says; set num_{count}s back")
    return rows


def _check(file, then, now):
    """UserError if a checkpoint tells another origin than the one it has now; of an older commit's, a warning."""
    if then is None:
        _tell_unsaid(file.parents[1])
        return
    then = translate.settings(then)
    if other := [key for key in sorted(now.keys() | then.keys()) if now.get(key) != then.get(key)]:
        told = ", ".join("other data" if key == "data" else f"{key}={then.get(key)}" for key in other)
        raise UserError(f"{file} was made with {told}: config.json was changed since, or the file is another trial's")


@functools.cache
def _tell_unsaid(run):
    print(f"warning: {run} was made before checkpoints told their settings: its config.json is believed",
          file=sys.stderr)
