"""Temporal coding: teach a spiking net to spike at step 75, as conf.py describes.

    python run.py                                  # conf.py as it stands: binarized, thresholds annealed
    python run.py case=float seed=3                # another case, some keys overridden
    python run.py case=all                         # every case, and all of them side by side
    python run.py resume=runs/<name>               # go on exactly where a stopped run was
    python run.py evaluate=runs/<name>             # judge and draw a finished run again
    python run.py --help                           # every key of a run, its value and what it may be
"""

import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]  # the repository root, where `common` lives
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while packages are imported ends at once

from common.data import encode, synthetic
from common.running import command
from common.running.experiment import Experiment
from common.tasks import spike_timing


def load_data(config):
    """One input for each trial, drawn from its seed, with the step to spike at."""
    seeds = range(config["seed"], config["seed"] + config["num_trials"])
    return synthetic.spike_timing(config["num_steps"], config["num_inputs"], config["spike_time"], seeds)


if __name__ == "__main__":
    command.main(__file__, Experiment(load_data, encode.time_first, spike_timing))
