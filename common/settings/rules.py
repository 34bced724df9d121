"""What each key of a conf.py may be."""

import math
import re
from collections.abc import Callable
from typing import NamedTuple


class Choice(NamedTuple):
    """What an answer to a key stands for.

    needs, takes: keys of the settings that `make` has as arguments, the former always, the latter if they are set.
    """

    make: Callable
    needs: tuple = ()
    takes: tuple = ()

    def options(self, settings):
        """{argument: value}; KeyError for one that is needed and not set."""
        return {key: settings[key] for key in (*self.needs, *(key for key in self.takes if key in settings))}


ANY = (lambda value: True, "")
POSITIVE = (lambda value: 0 < value < math.inf, "must exceed 0 and be finite")
TIME_CONSTANT = (lambda value: 0 < value <= 1e5, "must lie in (0, 100000] (ms)")  # beyond, float32 has no decay
AT_LEAST_ZERO = (lambda value: 0 <= value < math.inf, "must be 0 or more and finite")
NOT_NEGATIVE = (lambda value: isinstance(value, int) and 0 <= value < 2**63, "must be a whole number, 0 or more")
AT_LEAST_ONE = (lambda value: isinstance(value, int) and 1 <= value < 2**63, "must be a whole number, 1 or more")
SHARE = (lambda value: 0 <= value <= 1, "must lie in [0, 1]")
SHARE_BELOW_ONE = (lambda value: 0 <= value < 1, "must lie in [0, 1)")


def one_of(*choices):
    return (lambda value: value in choices, f"must be one of {', '.join(map(repr, choices))}")


# Every key that code reads -> (test, rule); of a list, each item is tested.  Those of registries: common/build.py.
RULES = {
    "num_trials": AT_LEAST_ONE, "num_epochs": AT_LEAST_ONE, "batch_size": AT_LEAST_ONE, "num_steps": AT_LEAST_ONE,
    "channels": AT_LEAST_ONE, "cosine_iterations": AT_LEAST_ONE, "lr_step_epochs": AT_LEAST_ONE,
    "num_iterations": AT_LEAST_ONE, "num_inputs": AT_LEAST_ONE, "hidden_sizes": AT_LEAST_ONE,
    "spike_time": AT_LEAST_ONE, "eval_repeats": AT_LEAST_ONE, "num_steps_test": AT_LEAST_ONE,
    "num_layers": AT_LEAST_ONE, "hidden_size": AT_LEAST_ONE, "downsample": AT_LEAST_ONE, "cosine_epochs": AT_LEAST_ONE,
    "net": ANY, "case": ANY, "binarize": ANY, "neuron": ANY, "augment": ANY, "val_split": ANY, "scale_together": ANY,
    "learn_tau": ANY, "learn_threshold": ANY, "per_neuron": ANY, "recurrent": ANY, "clamp_weights": ANY,
    "stem": AT_LEAST_ONE, "batch_norm": ANY, "tau": ANY, "learn_surrogate": ANY, "detach_reset": ANY, "flip_lr": ANY,
    "seed": NOT_NEGATIVE, "patience": NOT_NEGATIVE, "subset": NOT_NEGATIVE,
    "num_frames": NOT_NEGATIVE, "num_threads": AT_LEAST_ONE, "val_speakers": NOT_NEGATIVE, "val_users": NOT_NEGATIVE,
    "crop": (lambda value: isinstance(value, int) and 0 <= value < 28, "must be a whole number of pixels, 0..27"),
    "checkpoint_steps": NOT_NEGATIVE,
    "dt_ms": POSITIVE, "tau_syn_ms": TIME_CONSTANT, "tau_mem_ms": TIME_CONSTANT,
    "clip_grad_norm": AT_LEAST_ZERO, "weight_decay": AT_LEAST_ZERO, "eta_min": AT_LEAST_ZERO,
    "betas": SHARE_BELOW_ONE,
    "jitter_pixels": AT_LEAST_ZERO, "jitter_ms": AT_LEAST_ZERO, "drop": SHARE_BELOW_ONE, "noise": NOT_NEGATIVE,
    "shift_pixels": NOT_NEGATIVE,
    "window_ms": AT_LEAST_ZERO, "tau_std": AT_LEAST_ZERO, "tau_penalty": AT_LEAST_ZERO,
    "init_tau": (lambda value: 1 < value < math.inf, "must exceed 1 step and be finite"),
    "pixel_mean": SHARE, "pixel_std": POSITIVE, "scale": POSITIVE,
    "rotation": (lambda value: 0 <= value <= 180, "must lie in [0, 180] degrees"),
    "slope": POSITIVE, "alpha": POSITIVE, "width": POSITIVE, "thresholds": POSITIVE, "thresholds_final": POSITIVE,
    "threshold": POSITIVE, "lr_step_factor": POSITIVE, "on_target": POSITIVE,
    "rate_limit": SHARE, "anneal_rates": SHARE, "correct_rate": SHARE, "incorrect_rate": SHARE,
    "shift": SHARE_BELOW_ONE, "scale_time": SHARE_BELOW_ONE, "scale_channels": SHARE_BELOW_ONE,
    "dropout": SHARE_BELOW_ONE, "val_fraction": SHARE_BELOW_ONE, "momentum": SHARE_BELOW_ONE,
    "lr": (lambda value: 0 < value <= 1e37, "must lie in (0, 1e37]"),  # beyond, float32 overflows in Adam
    "beta": (lambda value: 0 < value < 1, "must lie in (0, 1)"),
    "split_by": one_of("dt", "number", "time"),
    "normalization": one_of("frequency", "max", "norm", "sum", "none"),
    "tau_penalty_on": one_of("tau", "w"),
    "pool": one_of("max", "average"),
    "reduce": one_of("mean", "max", "last"),
    "length": one_of("fixed", "sample", "batch"),
    "values": one_of("count", "binary"),
    "recurrent_spike": one_of("spike", "relu"),
    "readout": one_of("spikes", "membrane"),
    "surrogate_center": one_of("threshold", "zero"),
    "score": one_of("accuracy", "loss"),
    "precision": one_of("float32", "bf16"),
    "reset": one_of("subtract", "zero"),
    "source": one_of("auto", "published", "sample"),
    "select_on": one_of("val", "test", "last"),
    "ties": one_of("loss", "first", "last"),
    "device": (lambda value: re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value),
               "must be auto, cpu, mps, cuda or cuda:NUMBER"),
    "data_dir": (lambda value: value != "", "must name a folder"),
    "exp_name": (lambda value: value and "/" not in value, "must be a name without /"),
}
