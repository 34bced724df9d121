"""Temporal coding: what to run. Edit here, or override a key: python run.py case=float seed=3"""

config = {
    # The question. Each answer brings its own rows of `conditional`.
    "case": "annealed",             # float | binarized | wide_threshold | annealed | tuned | all: one after the other
    "net": "tha_mlp",               # the fully connected net of threshold annealing
    # The budget and the task, whatever the answer.
    "exp_name": "temporal_coding",  # part of the run directory's name
    "num_trials": 1,                # trial k runs with seed + k, which draws its input and its weights
    "seed": 0,
    "num_iterations": 1000,         # of training, each on the one input
    "num_steps": 100,
    "num_inputs": 100,              # Bernoulli spike trains, drawn once per trial
    "spike_time": 75,               # the step at which the output is to spike
    "hidden_sizes": [1000],         # neurons of each hidden layer
    "dropout": [0.0, 0.0],          # of each layer's current
    "reset": "subtract",            # of the membrane by a spike: subtract the threshold | zero
    "readout": "membrane",          # what the loss sees of the output neuron
    "loss": "mse_membrane_loss",    # against a ramp that peaks when the output is to spike
    "optimizer": "sgd",             # sgd | adam
    "num_frames": 200,              # of each animation; 0: no animations
    "device": "cpu",                # cpu: the fastest for one small sample | auto: cuda if there is one | cuda | cuda:1
}

# (condition, values): a row applies when all that its condition names holds, here or in an earlier row.
conditional = [
    # The four cases of the paper: snn-tha@f9c0b51, its spike-timing notebook.
    ({"case": "float"}, {
        "binarize": False,          # weights in {-1, +1}
        "lr": 1e-3,
        "lr_schedule": "none",      # none | cosine
        "beta": 0.6,                # decay of the membrane per step
        "surrogate": "fast_sigmoid",                    # ds/du: fast_sigmoid | atan | rectangle
        "on_target": 1.05,          # the ramp's peak
        "thresholds": [1.0, 1.0],   # at the start, one a layer
        "threshold_schedule": "none",                   # towards thresholds_final: exponential | linear | none
    }),
    ({"case": "binarized"}, {
        "binarize": True, "lr": 1e-3, "lr_schedule": "none", "beta": 0.15, "surrogate": "fast_sigmoid",
        "on_target": 1.05, "thresholds": [1.0, 1.0], "threshold_schedule": "none",
    }),
    ({"case": "wide_threshold"}, {
        "binarize": True, "lr": 1e-3, "lr_schedule": "none", "beta": 0.15, "surrogate": "fast_sigmoid",
        "on_target": 55.0, "thresholds": [50.0, 50.0], "threshold_schedule": "none",
    }),
    ({"case": "annealed"}, {
        "binarize": True, "lr": 1e-3, "lr_schedule": "none", "beta": 0.15, "surrogate": "fast_sigmoid",
        "on_target": 55.0, "thresholds": [5.0, 5.0], "threshold_schedule": "exponential",
    }),
    ({"surrogate": "fast_sigmoid"}, {"slope": 5.0}),
    ({"surrogate": "atan"}, {"alpha": 2.0}),            # steepness; as PLIF
    ({"surrogate": "rectangle"}, {"width": 0.5}),       # half of it; as STBP
    ({"threshold_schedule": "exponential"}, {
        "thresholds_final": [50.0, 50.0],
        "anneal_rates": [5e-3, 5e-3],                   # per iteration, share of what is left
    }),
    ({"threshold_schedule": "linear"}, {
        "thresholds_final": [50.0, 50.0],
        "anneal_rates": [1e-3, 1e-3],                   # per iteration, share of the whole way; ours
    }),
    ({"optimizer": "sgd"}, {"momentum": 0.9}),
    ({"lr_schedule": "cosine"}, {
        "cosine_iterations": 1000,  # half a period, after which the rate rises again
    }),
]
