"""What result.json says of a run and of each of its trials."""

import sys

from common.running import record


def content(task, settings, data, lines):
    """The content of result.json, of the trials' lines: the task sums up those that did not diverge."""
    survivors = record.survivors({"trials": lines})
    return {
        "data": {"name": data.name, "stand_in": data.stand_in, "num_train": len(data.train)},
        "num_trials": len(lines),
        "length": record.length(settings),
        **task.summary(list(survivors.values()), settings),
        "trials": lines,
    }


def diverged(current, error):
    """The line of a trial that has diverged, which is told."""
    progress = current.progress
    line = {"seed": current.seed, "diverged": f"{error}, in epoch {progress.epoch + 1}", "num_epochs": progress.epoch,
            "num_iterations": progress.iteration, "seconds": progress.seconds}
    advice = ("a lower lr may help" if progress.iteration else
              "not for its lr, since no step was taken: look for large numbers among the settings and in the data")
    print(f"warning: trial {current.number} diverged: {line['diverged']}; {advice}", file=sys.stderr)
    return line


def tell_differences(lines, recorded):
    """Warn of trials that now reach another result than the recorded one; their times are not compared."""
    for k, (line, before) in enumerate(zip(lines, recorded, strict=True)):
        keys = [key for key in before if key != "seconds" and key in line and line[key] != before[key]]
        numbers = [f"{key} {line[key]:.4f}, was {before[key]:.4f}" for key in keys
                   if isinstance(line[key], float) and isinstance(before[key], float)]
        if keys:
            print(f"warning: trial {k} differs from result.json in {'; '.join(numbers or keys)}", file=sys.stderr)
