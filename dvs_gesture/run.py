"""DVS128 Gesture, hand and arm gestures as events: train, validate and test what conf.py describes.

    python run.py                                  # 16C5-32C5-FC, binarized, thresholds annealed
    python run.py net=plifnet                      # PLIF: a learnt time constant for each layer
    python run.py net=plifnet tau=neuron tau_penalty=0.01   # ... for each neuron, their variance held down
    python run.py case=all                         # the four models of the thesis, and all of them side by side
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

from common.data import encode, gesture
from common.data.gesture.augmentation import GestureAugmentation
from common.data.gesture.frames import Framing
from common.running import command
from common.running.experiment import Experiment
from common.tasks import classification


def load_data(config):
    """Recordings as frames of event counts [T, 2, H, W], with their gestures."""
    options = {key: config.get(key) for key in ("split_by", "dt_ms", "normalization", "downsample")}
    framings = [Framing(num_steps=num_steps, **options)
                for num_steps in (config["num_steps"], config.get("num_steps_test", config["num_steps"]))]
    changes = ("flip_lr", "jitter_pixels", "jitter_ms", "drop", "noise", "shift_pixels")
    augmentation = GestureAugmentation(**{key: config[key] for key in changes}) if config["augment"] else None
    held_out = config.get("val_fraction", 0.0), config.get("val_users", [])
    return gesture.load(config["data_dir"], config["source"], *held_out, config["subset"], *framings, augmentation)


if __name__ == "__main__":
    command.main(__file__, Experiment(load_data, encode.time_first, classification))
