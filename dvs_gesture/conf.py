"""DVS128 Gesture: what to run. Edit here, or set a key: python run.py net=plifnet tau=neuron seed=3

`config` and the dict of its net are the run. `columns` are overrides: values that apply where their condition holds.
"""

config = {
    "net": "convnet",               # convnet: threshold annealing | plifnet: learnt time constants
    "exp_name": "dvs_gesture",      # part of the run directory's name
    "num_trials": 5,                # trial k runs with seed + k
    "seed": 0,                      # of trial 0; for further independent trials, begin at seed + num_trials
    "data_dir": "~/data",           # holds DVSGesture/, or is that folder
    "source": "auto",               # auto: published, else sample | published: or an error | sample: the stand-in
    "subset": 0,                    # train on this many recordings only (validation and test stay whole); 0: on all
    "val_split": "random",          # validate on recordings drawn at random | on users whom training never sees: users
    "val_fraction": 0.15,           # fraction of each class held out for validation; the test set is read once
    "select_on": "val",             # test the epoch best on val | on test, as some papers do; marked so | the last
    "ties": "loss",                 # the best of equal scores: of the lower loss | first | last, as PLIF's thesis
    "normalization": "none",        # how a frame's counts are scaled: frequency | max | norm | sum | none
    "augment": False,               # change each recording's events at random while training
    "device": "auto",               # auto: cuda if there is one | cpu | cuda | cuda:1 | mps
}

# Threshold annealing, binarized: snn-tha@f9c0b51, dvs/conf.py (arXiv 2201.11915).
convnet = {
    "binarize": True,               # weights in {-1, +1}; False: see columns
    "split_by": "dt",               # events into frames of dt_ms | num_steps parts of equal time | or of equal number
    "dt_ms": 5.0,                   # a frame's duration
    "num_steps": 100,               # frames, in training and validation
    "num_steps_test": 360,          # ... and in the test: 1.8 s.  200 suffice for recordings of one second
    "downsample": 4,                # this many pixels a side make one
    "channels": [16, 32],           # output channels of the two convolutions
    "batch_norm": False,            # after each of them
    "dropout": 0.43,                # fraction of the read-out's current that is dropped
    "beta": 0.9297,                 # decay of the membrane per step
    "reset": "subtract",            # how a spike resets the membrane: subtract the threshold | zero
    "surrogate": "fast_sigmoid",    # ds/du: fast_sigmoid | atan | rectangle
    "slope": 0.24,
    "thresholds": [10.4, 16.62, 6.81],              # at the start, one a layer
    "threshold_schedule": "exponential",            # towards thresholds_final while training | linear | none
    "thresholds_final": [12.1565, 19.077, 16.465],  # its code's thr_final is the increment
    "anneal_rates": [0.00333, 0.0061, 0.173],       # per iteration, fraction of what is left
    "loss": "mse_count_loss",
    "optimizer": "adam",            # adam | adamax | sgd
    "lr": 1.765e-3,
    "lr_schedule": "cosine",        # cosine | step | none
    "cosine_iterations": 735,       # half a period, after which the rate rises again
    "clip_grad_norm": 1.0,          # largest norm of all gradients together; 0: no limit
    "num_epochs": 500,
    "batch_size": 8,
    "patience": 100,                # epochs without a better accuracy before a trial ends; 0: never
}

# PLIF: Fang et al. 2021; one tau per neuron: Anananas42/tu-delft-bsc-thesis-computer-science@f7b139b.
plifnet = {
    "binarize": False,
    "tau": "layer",                 # time constants: one learnt for each layer | for each neuron | fixed
    "init_tau": 2.0,                # steps; of neurons the mean
    "split_by": "number",           # events into num_steps parts of equal number | of equal time | frames of dt_ms
    "num_steps": 20,                # frames
    "downsample": 1,                # this many pixels a side make one
    "num_layers": 5,                # blocks of convolution, batch norm, neurons and pool
    "channels": 128,                # output channels of each convolution
    "hidden_size": 512,             # neurons between the convolutions and the read-out
    "pool": "max",                  # max | average
    "dropout": 0.5,                 # fraction of both linear layers' inputs dropped, one mask for all steps of a sample
    "detach_reset": True,           # hide the spike's gradient at the reset
    "surrogate": "atan",            # ds/du: atan | fast_sigmoid | rectangle
    "alpha": 2.0,                   # steepness
    "loss": "mse_rate_loss",        # squared distance of the outputs' mean rates from one-hot classes
    "optimizer": "adam",
    "lr": 1e-3,
    "lr_schedule": "cosine",
    "cosine_epochs": 64,            # half a period
    "num_epochs": 1256,
    "batch_size": 16,
    "patience": 0,
}

columns = {
    # The paper has no float results. Values of QSNNs@0859da1 (same author, same net, no annealing); also turns
    # annealing off.
    "net=convnet binarize=False": {
        "batch_size": 16, "lr": 2.634e-3, "beta": 0.614, "slope": 4.413, "dropout": 0.203,
        "thresholds": [0.427, 0.427, 0.427], "threshold_schedule": "none", "clamp_weights": True,
    },
    "net=convnet binarize=False threshold_schedule=exponential|linear": {           # ours, untuned
        "thresholds_final": [0.854, 0.854, 0.854], "anneal_rates": [0.001, 0.001, 0.001],
    },
    "net=convnet binarize=True threshold_schedule=linear": {"anneal_rates": [0.0015, 0.003, 0.08]},     # ours
    "net=plifnet tau=neuron": {"batch_size": 32},
    "net=plifnet split_by=dt": {"dt_ms": 5.0},
    "augment=True": {               # nothing of it is kept: the events are read anew in each epoch
        "flip_lr": False,           # mirror every other recording and name it after the mirrored gesture
        "shift_pixels": 8,          # how far the whole recording is moved along x and along y, at most
        "jitter_pixels": 1.0,       # standard deviation of each event's move
        "jitter_ms": 0.0,
        "drop": 0.1,                # fraction of a recording's events that is left out, at most
        "noise": 0,                 # events added to each recording
    },
    "val_split=users": {"val_users": [20, 21, 22, 23], "val_fraction": 0.0},
    "select_on=test": {"val_split": "random", "val_fraction": 0.0},
}

# What case=all runs, one after the other: the four models of the thesis's table, with its seed.
cases = {
    "layer": {"net": "plifnet", "tau": "layer", "seed": 2020},
    "neuron": {"net": "plifnet", "tau": "neuron", "seed": 2020},
    "neuron_0.01": {"net": "plifnet", "tau": "neuron", "tau_penalty": 0.01, "seed": 2020},
    "neuron_0.1": {"net": "plifnet", "tau": "neuron", "tau_penalty": 0.1, "seed": 2020},
}

tables = {  # python -m common.report --table NAME; what the keys mean: common/report/pivot.py
    # Test accuracies in %, by how the epoch was chosen, and what they are for: float weights, the whole training set.
    "published": [
        {"source": "Fang 2021", "data": "DVS128 Gesture", "accuracy": {"val": 96.53, "test": 97.57},
         "settings": {"net": "plifnet", "tau": "layer", "channels": 128, "binarize": False, "subset": 0}},
    ],
    "plif": {
        "title": "time constants per layer and per neuron",
        "source": "Anananas42/tu-delft-bsc-thesis-computer-science@f7b139b",
        "net": "plifnet", "data": "DVS128 Gesture", "row_title": "tau", "unlike_title": "unlike the thesis's",
        "rows": {
            "fixed": {"tau": "fixed"},
            "per layer": {"tau": "layer"},
            "per neuron": {"tau": "neuron", "tau_penalty": (0.0, None)},
            # The thesis has the penalty on the variance of tau, its code on that of w.
            "per neuron, λ = {tau_penalty:g}": {"tau": "neuron", "tau_penalty_on": "tau"},
            "per neuron, λ = {tau_penalty:g}, on w": {"tau": "neuron", "tau_penalty_on": "w"},
        },
        "columns": {"test accuracy (%)": "test", "validation (%)": "validation", "τ mean, per layer": "tau_mean",
                    "τ std, per layer": "tau_std", "published, highest test (%)": "published",
                    "published, highest validation (%)": "published"},
        "published": {  # figures of one run with one seed
            "per layer": ["95.5", "100.0"], "per neuron": ["95.1", "99.2"],
            "per neuron, λ = 0.01": ["95.8", "99.2"], "per neuron, λ = 0.01, on w": ["95.8", "99.2"],
            "per neuron, λ = 0.1": ["96.2", "100.0"], "per neuron, λ = 0.1, on w": ["96.2", "100.0"],
        },
        "settings": [({}, {  # the thesis's, whatever is edited above
            "subset": 0, "binarize": False, "augment": False, "split_by": "number", "num_steps": 20,
            "normalization": "none", "downsample": 1, "num_layers": 5, "channels": 128, "hidden_size": 512,
            "pool": "max", "dropout": 0.5, "init_tau": 2.0, "tau_std": 0.1, "detach_reset": True,
            "surrogate": "atan", "alpha": 2.0, "learn_surrogate": False, "num_epochs": 1256, "batch_size": 16,
            "patience": 0, "loss": "mse_rate_loss", "optimizer": "adam", "betas": [0.9, 0.999], "weight_decay": 0.0,
            "lr": 1e-3, "lr_schedule": "cosine", "cosine_epochs": 64, "eta_min": 0.0, "val_split": "random",
            "precision": "float32",
        }), ({"tau": "neuron"}, {"batch_size": 32})],
        "ignored": ["tau", "tau_penalty", "tau_penalty_on", "case", "select_on", "ties", "val_fraction"],
    },
}
