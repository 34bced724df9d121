"""Temporal coding: what to run. Edit here, or set a key: python run.py case=float seed=3

`config` and the dict of its net are the run. `columns` are overrides: values that apply where their condition holds.
"""

config = {
    "net": "tha_mlp",               # the fully connected net of threshold annealing
    "case": "annealed",             # float | binarized | wide_threshold | annealed | tuned | all: one after the other
    "exp_name": "temporal_coding",  # part of the run directory's name
    "num_trials": 1,                # trial k runs with seed + k, which draws its input and its weights
    "seed": 0,
    "num_iterations": 1000,         # training steps, each on the one input
    "num_steps": 100,
    "num_inputs": 100,              # Bernoulli spike trains, drawn once per trial
    "spike_time": 75,               # the step at which the output is to spike
    "num_frames": 200,              # frames of each video, and half as many of the page; 0: neither
    "num_threads": 1,               # CPU threads; with layers this small more gain nothing, and lose on a busy machine
    "device": "cpu",                # cpu: the fastest for one small sample | auto: cuda if there is one | cuda | cuda:1
}

# The annealed case of snn-tha@f9c0b51, its spike-timing notebook.
tha_mlp = {
    "binarize": True,               # weights in {-1, +1}; False: see cases
    "hidden_sizes": [1000],         # neurons of each hidden layer
    "dropout": [0.0, 0.0],          # fraction of each layer's current that is dropped
    "beta": 0.15,                   # decay of the membrane per step
    "reset": "subtract",            # how a spike resets the membrane: subtract the threshold | zero
    "surrogate": "fast_sigmoid",    # ds/du: fast_sigmoid | atan | rectangle
    "slope": 5.0,
    "thresholds": [5.0, 5.0],       # at the start, one a layer
    "threshold_schedule": "exponential",            # towards thresholds_final: exponential | linear | none
    "thresholds_final": [50.0, 50.0],
    "anneal_rates": [5e-3, 5e-3],   # per iteration, fraction of what is left
    "readout": "membrane",          # what the loss sees of the output neuron
    "loss": "mse_membrane_loss",    # against a ramp that peaks when the output is to spike
    "on_target": 55.0,              # the ramp's peak
    "optimizer": "sgd",             # sgd | adam | adamax
    "momentum": 0.9,
    "lr": 1e-3,
    "lr_schedule": "none",          # none | cosine | step
}

columns = {
    "case=tuned threshold_schedule=exponential|linear": {"thresholds_final": [15.0, 175.0]},
    "threshold_schedule=linear": {"anneal_rates": [1e-3, 1e-3]},                    # ours
    "lr_schedule=cosine": {"cosine_iterations": 1000},
}

# What case= brings, and case=all runs, one after the other: the paper's four, and ours.
cases = {
    "float": {
        "binarize": False, "beta": 0.6, "thresholds": [1.0, 1.0], "threshold_schedule": "none", "on_target": 1.05,
    },
    "binarized": {"thresholds": [1.0, 1.0], "threshold_schedule": "none", "on_target": 1.05},
    "wide_threshold": {"thresholds": [50.0, 50.0], "threshold_schedule": "none"},
    "annealed": {},
    # The best of about 280 settings by the error of the last 50 iterations, on seeds 100 to 105. With a threshold for
    # each layer, constant ones did better than any annealed ones.
    "tuned": {
        "beta": 0.1, "slope": 0.24, "thresholds": [7.5, 175.0], "threshold_schedule": "none", "on_target": 178.5,
        "optimizer": "adam", "lr": 1.5e-4, "lr_schedule": "cosine",
    },
}
