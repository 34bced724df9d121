"""Fashion-MNIST: train, validate and test what conf.py describes.

    python run.py                                  # conf.py as it stands
    python run.py binarize=False num_trials=1      # some keys overridden
    python run.py net=plifnet tau=neuron           # PLIF: a learnt time constant for each neuron
    python run.py net=resnet19                     # STBP with threshold-dependent batch norm: 19 layers
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

from common import build
from common.data import encode, images
from common.running import command
from common.running.experiment import Experiment
from common.tasks import classification


def load_data(config):
    """Training, validation and test images [1, 28, 28] with their classes."""
    scaling = config.get("pixel_mean", 0.0), config.get("pixel_std", 1.0)
    return images.load("fashion_mnist", config["data_dir"], config["source"], config["val_fraction"], config["subset"],
                       *scaling, build.image_augmentation(config))


if __name__ == "__main__":
    command.main(__file__, Experiment(load_data, encode.constant_current, classification))
