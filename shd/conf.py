"""SHD: what to run. Edit here, or set a key: python run.py net=mlp neuron=spsn spike=sb seed=3

`config` and the dict of its net are the run. `columns` are overrides: values that apply where their condition holds.
"""

config = {
    "net": "tha_mlp",               # tha_mlp: 700-3000-20, threshold annealing | mlp: 700-128-128-128-20, any neuron
    "exp_name": "shd",              # part of the run directory's name
    "num_trials": 5,                # trial k runs with seed + k
    "seed": 0,                      # of trial 0; for further independent trials, begin at seed + num_trials
    "data_dir": "~/data",           # holds SHD/, or is that folder
    "source": "auto",               # auto: published, else sample | published: or an error | sample: the stand-in
    "subset": 0,                    # train on this many recordings only (validation and test stay whole); 0: on all
    "val_split": "random",          # validate on random recordings | speakers: on speakers whom training never hears
    "val_fraction": 0.1,            # fraction of the training set held out for validation; the test set is read once
    "select_on": "val",             # test the epoch best on val | on test, as some papers do; marked so | the last
    "ties": "loss",                 # the best of equal scores: of the lower loss | first | last
    "values": "count",              # one channel's events in one step: count, they add up | binary, they count once
    "window_ms": 0.0,               # where to stop reading a recording; 0: at its end.  snn-tha read 333 ms only
    "augment": False,               # shift and scale each recording's events at random while training
    "device": "auto",               # auto: cuda if there is one | cpu | cuda | cuda:1 | mps
}

# Threshold annealing, binarized: snn-tha@f9c0b51, shd/conf.py (arXiv 2201.11915).
tha_mlp = {
    "binarize": True,               # weights in {-1, +1}; False: see columns
    "dt_ms": 3.0,
    "num_steps": 333,
    "length": "fixed",              # every recording has num_steps steps
    "hidden_sizes": [3000],
    "dropout": [0.186, 0.0176],     # fraction of each layer's current that is dropped
    "beta": 0.95,                   # decay of the membrane per step
    "reset": "subtract",            # how a spike resets the membrane: subtract the threshold | zero
    "surrogate": "fast_sigmoid",    # ds/du: fast_sigmoid | atan | rectangle
    "slope": 0.257,
    "thresholds": [13.504, 11.20],                  # at the start, one a layer
    "threshold_schedule": "exponential",            # towards thresholds_final while training | linear | none
    "thresholds_final": [45.271, 51.12],            # its code's thr_final is the increment
    "anneal_rates": [2.78e-5, 1.36e-5],             # per iteration, fraction of what is left
    "readout": "spikes",            # spikes | membrane: what the loss sees of the last layer
    "loss": "mse_count_loss",       # mse_count_loss | mse_rate_loss | cross_entropy
    "optimizer": "adam",            # adam | adamax | sgd
    "lr": 6.54e-4,
    "lr_schedule": "cosine",        # cosine | step | none
    "cosine_iterations": 2604,      # half a period, after which the rate rises again
    "clip_grad_norm": 1.0,          # largest norm of all gradients together; 0: no limit
    "clamp_weights": True,          # clamp weights into [-1, 1] after each step
    "num_epochs": 500,
    "batch_size": 32,
    "patience": 100,                # epochs without a better accuracy before a trial ends; 0: never
}

# SPSN@c46d169 and ParaLIF@f08c418: the same net of other neurons.
mlp = {
    "neuron": "spsn",               # lif | spsn | paralif | non_spiking: linear layers and ReLU
    "spike": "sb",                  # spsn's: sb | gs; paralif's also trb | d | sd | td | trd | t | st | tt | trt
    "binarize": False,
    "hidden_sizes": [128, 128, 128],
    "tau_syn_ms": 20.0,             # time constant of the synapse
    "tau_mem_ms": 20.0,             # ... and of the membrane
    "rate_limit": 0.0,              # mean hidden firing rate above which the loss has a penalty; 0: none.  SPSN: .4, .1
    "dt_ms": 1.0,
    "num_steps": 2000,              # at most; what comes later is cut
    "length": "sample",             # as the recording, to its last event | fixed: num_steps | batch: as its longest
    "loss": "cross_entropy",
    "reduce": "mean",               # what the loss sees of the read-out over a recording's steps: mean | max | last
    "optimizer": "adamax",
    "lr": 1e-3,
    "lr_schedule": "none",
    "num_epochs": 200,
    "batch_size": 64,
    "patience": 0,
}

columns = {
    # The paper has no float results. The binarized net's values, but thresholds of 1 and the time step that its code
    # names; also turns annealing off.
    "net=tha_mlp binarize=False": {
        "dt_ms": 2.0, "num_steps": 500, "thresholds": [1.0, 1.0], "threshold_schedule": "none",
    },
    "net=tha_mlp binarize=False threshold_schedule=exponential|linear": {     # ours, untuned
        "thresholds_final": [2.0, 2.0],
    },
    "net=tha_mlp threshold_schedule=linear": {"anneal_rates": [1e-5, 1e-5]},        # ours
    "net=tha_mlp readout=membrane": {"loss": "cross_entropy"},
    "net=mlp neuron=lif": {"surrogate": "fast_sigmoid", "slope": 100.0},
    "net=mlp neuron=paralif": {"spike": "d"},
    "net=mlp lr_schedule=cosine": {"cosine_iterations": 2604},                      # ours
    "augment=True": {
        "shift": 0.1,               # channels up or down, at most so large a fraction of them.  ParaLIF: .05
        "scale_time": 0.3,          # factor from 1 - .3 to 1 + .3.  ParaLIF: .15
        "scale_channels": 0.3,
        "scale_together": True,     # both by the same factor, as SPSN's code did
    },
    "val_split=speakers": {"val_speakers": [0, 1], "val_fraction": 0.0},
    "select_on=test": {"val_split": "random", "val_fraction": 0.0},
}

# Short for several keys: the originals' own protocols and defaults.
cases = {
    # SPSN@c46d169: trained on all recordings, tested after the last epoch.  Also: case=spsn neuron=lif, ...
    "spsn": {"net": "mlp", "neuron": "spsn", "select_on": "last", "val_fraction": 0.0, "length": "batch"},
    # ParaLIF@f08c418: its examples learn the threshold and halve the rate every 25 epochs ...
    "paralif": {"net": "mlp", "neuron": "paralif", "select_on": "last", "val_fraction": 0.0, "length": "batch",
                "learn_threshold": True, "lr_schedule": "step", "lr_step_epochs": 25, "lr_step_factor": 0.5},
    # ... its recurrent net has one layer of 256.
    "paralif_recurrent": {"net": "mlp", "neuron": "paralif", "select_on": "last", "val_fraction": 0.0,
                          "length": "batch", "hidden_sizes": [256], "recurrent": True, "learn_threshold": True,
                          "lr_schedule": "step", "lr_step_epochs": 25, "lr_step_factor": 0.5},
}

tables = {  # python -m common.report --table NAME; what the keys mean: common/report/pivot.py
    "spsn": {
        "title": "neurons against augmentation and regularisation", "source": "SPSN@c46d169",
        "net": "mlp", "data": "SHD", "row_title": "neuron", "unlike_title": "unlike SPSN's", "whole": True,
        "rows": {"LIF": {"neuron": "lif"}, "SPSN-SB": {"neuron": "spsn", "spike": "sb"},
                 "SPSN-GS": {"neuron": "spsn", "spike": "gs"}, "Non-Spiking": {"neuron": "non_spiking"},
                 "ParaLIF-{spike}": {"neuron": "paralif"}, "{neuron}": {}},
        "conditions": {"basic": {"augment": False, "rate_limit": (0.0, None)},
                       "+ augmentation": {"augment": True, "rate_limit": (0.0, None)},
                       "+ augmentation + regularisation": {"augment": True}, "+ regularisation": {"augment": False}},
        "columns": {"{} (%)": "test", "published, {} (%)": "published", "{}, s/epoch": "seconds"},
        "last_columns": {"firing rates, basic": ("basic", "firing_rates")},
        "published": {  # test accuracy in % after the last epoch of one run, and its time
            "LIF": ["71.37; 252.2 s/epoch", "83.03; 261.7 s/epoch"],
            "SPSN-SB": ["77.16; 5.5 s/epoch", "86.08; 10.7 s/epoch", "89.70"],
            "SPSN-GS": ["75.66; 6.8 s/epoch", "86.08; 12.2 s/epoch", "89.39"],
            "Non-Spiking": ["71.82; 1.5 s/epoch", "66.07; 6.7 s/epoch"],
        },
        # SPSN's settings, whatever is edited above, but its protocol: it trained on all recordings.
        "protocol": {"select_on": "last", "val_fraction": 0.0, "length": "batch", "ties": ("loss", "first", "last")},
        "settings": [({}, {
            "subset": 0, "select_on": "val", "ties": "loss", "val_split": "random", "val_fraction": 0.1,
            "values": "count", "window_ms": 0.0, "dt_ms": 1.0, "num_steps": 2000, "length": "sample", "binarize": False,
            "hidden_sizes": [128, 128, 128], "num_epochs": 200, "batch_size": 64, "patience": 0,
            "loss": "cross_entropy", "reduce": "mean", "optimizer": "adamax", "betas": [0.9, 0.999],
            "weight_decay": 0.0, "lr": 1e-3, "lr_schedule": "none", "tau_syn_ms": 20.0, "tau_mem_ms": 20.0,
            "surrogate": "fast_sigmoid", "slope": 100.0, "eval_repeats": 5, "rate_limit": 0.0, "recurrent": False,
            "recurrent_spike": "spike", "learn_tau": False, "learn_threshold": False, "per_neuron": False,
            "shift": 0.1, "scale_time": 0.3, "scale_channels": 0.3, "scale_together": True,
        }), ({"spike": "sb"}, {"rate_limit": (0.0, 0.4)}), ({"spike": "gs"}, {"rate_limit": (0.0, 0.1)})],
        "ignored": ["neuron", "spike", "augment", "checkpoint_steps"],
    },
}
