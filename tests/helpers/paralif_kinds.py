"""The kinds of ParaLIF as published: time constants, thresholds, and what each makes of the membrane."""

import numpy as np
import torch

TIMES = {"tau_syn": 0.02, "tau_mem": 0.01, "dt": 0.001}
TENTH = torch.tensor(0.1).item()  # as a buffer in float32 has it
THRESHOLDS = {"D": TENTH, "SD": TENTH, "TD": TENTH, "TRD": TENTH, "T": 1.0, "ST": 0.5, "TT": 0.5, "TRT": 0.5}
DRAWN = ["GS", "SB", "TRB"]
MODES = [*DRAWN, *THRESHOLDS]


def normalised(spike, v):
    """What is compared with the threshold or drawn from, of the membrane v (a numpy array)."""
    if spike in ("SB", "SD", "ST"):
        return 1 / (1 + np.exp(-v))
    v = np.tanh(v) if spike[0] == "T" and spike != "T" else v
    return np.maximum(v, 0) if spike.startswith("TR") else v
