"""SHD, spoken digits as spikes: train, validate and test what conf.py describes.

    python run.py                                  # 700-3000-20, binarized, thresholds annealed
    python run.py net=mlp neuron=spsn spike=sb     # 700-128-128-128-20 of one kind of neuron: lif | spsn | paralif
    python run.py net=mlp neuron=lif augment=True  # some keys overridden
    python run.py resume=runs/<name>               # go on exactly where a stopped run was
    python run.py evaluate=runs/<name>             # test and draw a finished run again
    python run.py --help                           # every key of a run, its value and what it may be
"""

import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]  # the repository root, where `common` lives
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while packages are imported ends at once

from common.data import encode, shd
from common.data.events import Binning
from common.data.shd.augmentation import SpokenDigitsAugmentation
from common.running import command
from common.running.experiment import Experiment
from common.tasks import classification


def load_data(config):
    """Recordings as events of 700 channels, with their digits."""
    binning = Binning(**{key: config[key] for key in ("dt_ms", "num_steps", "length", "values", "window_ms")})
    scales = ("shift", "scale_time", "scale_channels", "scale_together")
    augmentation = SpokenDigitsAugmentation(**{key: config[key] for key in scales}) if config["augment"] else None
    held_out = config.get("val_fraction", 0.0), config.get("val_speakers", [])
    return shd.load(config["data_dir"], config["source"], *held_out, config["subset"], binning, augmentation)


if __name__ == "__main__":
    command.main(__file__, Experiment(load_data, encode.events, classification))
