"""{key: Rule} of the settings of a run, a task and the data; the options of parts have theirs in the registries."""

import re

from common.choices import (
    ANY,
    AT_LEAST_ONE,
    AT_LEAST_ZERO,
    BELOW_ONE,
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    SWITCH,
    Rule,
    one_of,
)

RUN = {
    "exp_name": Rule(lambda value: value and "/" not in value, "must be a name without /"),
    "num_trials": AT_LEAST_ONE,
    "seed": NOT_NEGATIVE,
    "device": Rule(lambda value: re.fullmatch(r"auto|cpu|mps|cuda(:(0|[1-9][0-9]?))?", value),
                   "must be auto, cpu, mps, cuda or cuda:NUMBER"),
    "num_threads": AT_LEAST_ONE,
}
TASK = {
    "num_steps": AT_LEAST_ONE, "num_steps_test": AT_LEAST_ONE,
    "num_epochs": AT_LEAST_ONE, "batch_size": AT_LEAST_ONE, "patience": NOT_NEGATIVE,
    "lr": Rule(lambda value: 0 < value <= 1e37, "must lie in (0, 1e37]"),  # beyond, float32 overflows in Adam
    "select_on": one_of("val", "test", "last"), "score": one_of("accuracy", "loss"),
    "ties": one_of("loss", "first", "last"),
    "case": ANY, "num_iterations": AT_LEAST_ONE, "num_inputs": AT_LEAST_ONE, "spike_time": AT_LEAST_ONE,
    "num_frames": NOT_NEGATIVE,
}
DATA = {
    "data_dir": Rule(lambda value: value != "", "must name a folder"),
    "source": one_of("auto", "published", "sample"),
    "subset": NOT_NEGATIVE,
    "val_fraction": BELOW_ONE, "val_split": one_of("random", "users", "speakers"),
    "val_users": NOT_NEGATIVE, "val_speakers": NOT_NEGATIVE,
    "augment": SWITCH,
}
IMAGES = {
    "pixel_mean": FRACTION, "pixel_std": POSITIVE,
    "rotation": Rule(lambda value: 0 <= value <= 180, "must lie in [0, 180] degrees"),
    "shift": BELOW_ONE, "scale": POSITIVE,
    "crop": Rule(lambda value: isinstance(value, int) and 0 <= value < 28, "must be a whole number of pixels, 0..27"),
}
EVENTS = {
    "dt_ms": Rule(lambda value: 0 < value <= 1e9, "must lie in (0, 1e9] ms"), "window_ms": AT_LEAST_ZERO,
    "length": one_of("fixed", "sample", "batch"), "values": one_of("count", "binary"),
    "scale_time": BELOW_ONE, "scale_channels": BELOW_ONE, "scale_together": SWITCH,
}
FRAMES = {
    "split_by": one_of("dt", "number", "time"), "downsample": AT_LEAST_ONE,
    "normalization": one_of("frequency", "max", "norm", "sum", "none"),
    "flip_lr": SWITCH, "shift_pixels": NOT_NEGATIVE, "jitter_pixels": AT_LEAST_ZERO, "jitter_ms": AT_LEAST_ZERO,
    "drop": BELOW_ONE, "noise": NOT_NEGATIVE,
}
ONLY_WITH = {"dt_ms": ("split_by", "dt")}  # {key: (another one, its value)}: without effect where that is other
WITHOUT_EFFECT = {  # {key: settings beside which nothing reads it}
    "ties": {"select_on": "last", "patience": 0}, "score": {"select_on": "last", "patience": 0},
    "tau_penalty_on": {"tau_penalty": 0.0}, "scale_together": {"scale_time": 0.0, "scale_channels": 0.0},
}
KEYS = RUN | TASK | DATA | IMAGES | EVENTS | FRAMES
