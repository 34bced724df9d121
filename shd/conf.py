"""SHD: what to run. Edit here, or override a key: python run.py net=mlp neuron=spsn_sb seed=3"""

config = {
    # The question. Each answer brings its own rows of `conditional`.
    "net": "tha_mlp",               # tha_mlp: 700-3000-20, threshold annealing | mlp: 700-128-128-128-20, any neuron
    # The budget and the data, whatever the answer.
    "exp_name": "shd",              # part of the run directory's name
    "num_trials": 5,                # trial k runs with seed + k
    "seed": 0,
    "data_dir": "~/data",           # holds SHD/, or is that folder
    "source": "auto",               # auto: data_dir, else download, else stand-in | published: or an error | sample
    "subset": 0,                    # train on so many recordings only (validation and test stay whole); 0: on all
    "select_on": "val",             # test the epoch best on val | on test, as some papers, marked so | the last
    "ties": "loss",                 # of equal scores: the epoch of the lower loss | first | last
    "weight_decay": 0.0,
    "values": "count",              # of one channel's events in one step: count, they add up | binary, they count once
    "window_ms": 0.0,               # where to stop reading a recording; 0: at its end.  snn-tha read 333 ms only
    "augment": False,               # shift and scale each recording's events at random while training
    "device": "auto",               # auto: cuda if there is one | cpu | cuda | cuda:1
}

# (condition, values): a row applies when all that its condition names holds, here or in an earlier row.
conditional = [
    ({"select_on": ("val", "last")}, {
        "val_split": "random",      # random | speakers: validate on speakers that training never hears
    }),
    ({"select_on": "test"}, {"val_fraction": 0.0}),
    ({"val_split": "random"}, {"val_fraction": 0.1}),   # share of the training set; the test set is read once
    ({"val_split": "speakers"}, {"val_speakers": [0, 1]}),
    ({"augment": True}, {
        "shift": 0.1,               # channels up or down, at most so large a share of them.  ParaLIF: .05
        "scale_time": 0.3,          # factor from 1 - .3 to 1 + .3.  ParaLIF: .15
        "scale_channels": 0.3,
        "scale_together": True,     # both by the same factor, as SPSN's code did
    }),
    # Threshold annealing: snn-tha@f9c0b51, shd/conf.py; its thr_final is the increment.
    ({"net": "tha_mlp"}, {
        "binarize": True,           # weights in {-1, +1}
        "hidden_sizes": [3000],
        "length": "fixed",          # every recording has num_steps steps
        "num_epochs": 500,
        "batch_size": 32,
        "patience": 100,            # epochs without a better accuracy before a trial ends; 0: never
        "beta": 0.95,               # decay of the membrane per step
        "reset": "subtract",        # of the membrane by a spike: subtract the threshold | zero
        "surrogate": "fast_sigmoid",                    # ds/du: fast_sigmoid | atan | rectangle
        "dropout": [0.186, 0.0176],                     # of each layer's current
        "readout": "spikes",        # spikes | membrane: what the loss sees of the last layer
        "optimizer": "adam",        # adam | adamax | sgd
        "lr": 6.54e-4,
        "lr_schedule": "cosine",    # cosine | step | none
        "clip_grad_norm": 1.0,      # of all gradients together, at most; 0: no limit
        "clamp_weights": True,      # into [-1, 1], after each step
    }),
    ({"net": "tha_mlp", "readout": "membrane"}, {"loss": "cross_entropy"}),
    ({"net": "tha_mlp", "readout": "spikes"}, {
        "loss": "mse_count_loss",   # mse_count_loss | mse_rate_loss | cross_entropy
        "checkpoint_steps": 0,      # train by so many steps at a time, in less memory: near √num_steps | 0: all at once
    }),
    ({"net": "tha_mlp", "surrogate": "fast_sigmoid"}, {"slope": 0.257}),
    ({"net": "tha_mlp", "binarize": True}, {
        "dt_ms": 3.0,
        "num_steps": 333,
        "thresholds": [13.504, 11.20],                  # at the start, one a layer
        "threshold_schedule": "exponential",            # towards thresholds_final while training | linear | none
    }),
    # There is no published float column: the binarized one with constant thresholds of 1, at the step its code names.
    ({"net": "tha_mlp", "binarize": False}, {
        "dt_ms": 2.0,
        "num_steps": 500,           # the same second
        "thresholds": [1.0, 1.0],
        "threshold_schedule": "none",
    }),
    ({"net": "tha_mlp", "binarize": True, "threshold_schedule": ("exponential", "linear")}, {
        "thresholds_final": [45.271, 51.12],
    }),
    ({"net": "tha_mlp", "binarize": False, "threshold_schedule": ("exponential", "linear")}, {
        "thresholds_final": [2.0, 2.0],                 # ours, untuned
    }),
    ({"net": "tha_mlp", "threshold_schedule": "exponential"}, {
        "anneal_rates": [2.78e-5, 1.36e-5],             # per iteration, share of what is left
    }),
    ({"net": "tha_mlp", "threshold_schedule": "linear"}, {
        "anneal_rates": [1e-5, 1e-5],                   # per iteration, share of the whole way; ours
    }),
    # SPSN@c46d169 and ParaLIF@f08c418: the same net of other neurons.
    ({"net": "mlp"}, {
        "neuron": "spsn_sb",        # lif | spsn_sb | spsn_gs | non_spiking | paralif_gs, _sb, _trb, _d, _sd, _td, _trd,
        "binarize": False,          #       _t, _st, _tt, _trt: normalisation and generation of its spikes
        "hidden_sizes": [128, 128, 128],
        "dt_ms": 1.0,
        "num_steps": 2000,          # at most; what comes later is cut
        "length": "sample",         # of a recording, to its last event | fixed: num_steps | batch: of its longest
        "num_epochs": 200,
        "batch_size": 64,
        "patience": 0,
        "loss": "cross_entropy",
        "optimizer": "adamax",
        "lr": 1e-3,
        "lr_schedule": "none",
    }),
    ({"neuron": "non_spiking"}, {}),                    # linear layers and ReLU: nothing to set
    ({"neuron": ("lif", "spsn_sb", "spsn_gs", "paralif_gs", "paralif_sb", "paralif_trb", "paralif_d", "paralif_sd",
                 "paralif_td", "paralif_trd", "paralif_t", "paralif_st", "paralif_tt", "paralif_trt")}, {
        "tau_syn_ms": 20.0,         # time constants of synapse and membrane
        "tau_mem_ms": 20.0,
        "rate_limit": 0.0,          # penalty on hidden firing rates that exceed it on average; 0: none.  SPSN: .4, .1
    }),
    ({"net": "mlp", "neuron": "lif"}, {"surrogate": "fast_sigmoid"}),
    ({"net": "mlp", "neuron": "lif", "rate_limit": 0.0}, {"checkpoint_steps": 0}),  # a rate is over all steps
    ({"net": "mlp", "neuron": "lif", "surrogate": "fast_sigmoid"}, {"slope": 100.0}),
    ({"neuron": ("spsn_sb", "spsn_gs", "paralif_gs", "paralif_sb", "paralif_trb")}, {
        "eval_repeats": 5,          # times that the test set is read, each with other random spikes; the mean counts
    }),
    ({"neuron": ("paralif_gs", "paralif_sb", "paralif_trb", "paralif_d", "paralif_sd", "paralif_td", "paralif_trd",
                 "paralif_t", "paralif_st", "paralif_tt", "paralif_trt")}, {
        "learn_tau": False,         # learn the two time constants of each hidden layer
    }),
    ({"binarize": False, "neuron": ("paralif_gs", "paralif_sb", "paralif_trb", "paralif_d", "paralif_sd", "paralif_td",
                                    "paralif_trd", "paralif_t", "paralif_st", "paralif_tt", "paralif_trt")}, {
        "recurrent": False,         # hidden neurons see each other's spikes of the step before, by float weights
    }),
    ({"neuron": ("paralif_d", "paralif_sd", "paralif_td", "paralif_trd", "paralif_t", "paralif_st", "paralif_tt",
                 "paralif_trt")}, {
        "learn_threshold": False,
    }),
    ({"learn_tau": True}, {"per_neuron": False}),       # learn one value for each neuron, not for each layer
    ({"learn_tau": False, "learn_threshold": True}, {"per_neuron": False}),
    ({"recurrent": True}, {"recurrent_spike": "spike"}),                # spike | relu: of the membrane without it
    ({"loss": "mse_count_loss"}, {
        "correct_rate": 0.8,        # share of steps at which the right output is to spike
        "incorrect_rate": 0.2,      # ... and each wrong one
    }),
    ({"loss": "cross_entropy"}, {
        "reduce": "mean",           # of the read-out over a recording's steps: mean | max | last
    }),
    ({"surrogate": "atan"}, {"alpha": 2.0}),            # steepness; as PLIF
    ({"surrogate": "rectangle"}, {"width": 0.5}),       # half of it; as STBP
    ({"optimizer": "sgd"}, {"momentum": 0.9}),
    ({"lr_schedule": "cosine"}, {
        "cosine_iterations": 2604,  # half a period, after which the rate rises again
        "eta_min": 0.0,             # where the half period ends
    }),
    ({"optimizer": ("adam", "adamax")}, {
        "betas": [0.9, 0.999],      # decay of its means of the gradient and of the square, per iteration
    }),
    ({"lr_schedule": "step"}, {
        "lr_step_epochs": 10,       # epochs from one cut to the next
        "lr_step_factor": 0.1,
    }),
]

# Short for several keys: the originals' own protocols and defaults.
cases = {
    # SPSN@c46d169: trained on all recordings, tested after the last epoch.  Also: case=spsn neuron=lif, ...
    "spsn": {"net": "mlp", "neuron": "spsn_sb", "select_on": "last", "val_fraction": 0.0, "length": "batch"},
    # ParaLIF@f08c418: its examples learn the threshold and halve the rate every 25 epochs ...
    "paralif": {"net": "mlp", "neuron": "paralif_d", "select_on": "last", "val_fraction": 0.0, "length": "batch",
                "learn_threshold": True, "lr_schedule": "step", "lr_step_epochs": 25, "lr_step_factor": 0.5},
    # ... its recurrent net has one layer of 256.
    "paralif_recurrent": {"net": "mlp", "neuron": "paralif_d", "select_on": "last", "val_fraction": 0.0,
                          "length": "batch", "hidden_sizes": [256], "recurrent": True, "learn_threshold": True,
                          "lr_schedule": "step", "lr_step_epochs": 25, "lr_step_factor": 0.5},
}

tables = {  # python -m common.report --table NAME; what the keys mean: common/report/pivot.py
    "spsn": {
        "title": "neurons against augmentation and regularisation", "source": "SPSN@c46d169",
        "net": "mlp", "data": "SHD", "row_title": "neuron", "unlike_title": "unlike SPSN's", "whole": True,
        "rows": {"LIF": {"neuron": "lif"}, "SPSN-SB": {"neuron": "spsn_sb"}, "SPSN-GS": {"neuron": "spsn_gs"},
                 "Non-Spiking": {"neuron": "non_spiking"}, "{neuron}": {}},
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
        }), ({"neuron": "spsn_sb"}, {"rate_limit": (0.0, 0.4)}), ({"neuron": "spsn_gs"}, {"rate_limit": (0.0, 0.1)})],
        "ignored": ["neuron", "augment", "checkpoint_steps"],
    },
}
