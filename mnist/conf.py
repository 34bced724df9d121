"""MNIST: what to run. Edit here, or set a key: python run.py binarize=False seed=3

`config` and the dict of its net are the run. `columns` are overrides: values that apply where their condition holds.
"""

config = {
    "net": "convnet",               # convnet: threshold annealing | plifnet: learnt time constants | resnet19: tdBN
    "exp_name": "mnist",            # part of the run directory's name
    "num_trials": 5,                # trial k runs with seed + k
    "seed": 0,                      # of trial 0; for further independent trials, begin at seed + num_trials
    "data_dir": "~/data",           # holds mnist/, or is that folder
    "source": "auto",               # auto: published, else sample | published: or an error | sample: the stand-in
    "subset": 0,                    # train on this many samples only (validation and test stay whole); 0: on all
    "val_fraction": 0.1,            # fraction of the training set held out for validation; 0 will do for select_on=last
    "select_on": "val",             # test the epoch best on val | on test, as some papers do; marked so | the last
    "ties": "loss",                 # the best of equal scores: of the lower loss | first | last, as PLIF and tdBN
    "device": "auto",               # auto: cuda if there is one | cpu | cuda | cuda:1 | mps
}

# Threshold annealing, binarized: snn-tha@f9c0b51, mnist/conf.py (arXiv 2201.11915).
convnet = {
    "binarize": True,               # weights in {-1, +1}; False: see columns
    "num_steps": 100,               # the image, its pixels in [0, 1], is shown at each
    "channels": [16, 64],           # output channels of the two convolutions
    "batch_norm": True,             # after each of them
    "dropout": 0.02856,             # fraction of the read-out's current that is dropped
    "beta": 0.99,                   # decay of the membrane per step
    "reset": "subtract",            # how a spike resets the membrane: subtract the threshold | zero
    "surrogate": "fast_sigmoid",    # ds/du: fast_sigmoid | atan | rectangle
    "slope": 10.22,
    "thresholds": [11.666, 14.105, 0.6656],         # at the start, one a layer
    "threshold_schedule": "exponential",            # towards thresholds_final while training | linear | none
    "thresholds_final": [15.983, 30.395, 4.1616],   # its code's thr_final is the increment
    "anneal_rates": [0.024, 0.119, 0.0011],         # per iteration, fraction of what is left
    "loss": "mse_count_loss",
    "optimizer": "adam",            # adam | adamax | sgd
    "lr": 9.97e-3,
    "lr_schedule": "cosine",        # cosine | step | none
    "cosine_iterations": 4688,      # half a period, after which the rate rises again
    "num_epochs": 500,
    "batch_size": 128,
    "patience": 100,                # epochs without a better accuracy before a trial ends; 0: never
    "augment": False,               # turn, shift and scale the images at random while training
}

# PLIF: Fang et al. 2021; one tau per neuron: Anananas42/tu-delft-bsc-thesis-computer-science@f7b139b.
plifnet = {
    "binarize": False,
    "tau": "layer",                 # time constants: one learnt for each layer | for each neuron | fixed
    "init_tau": 2.0,                # steps; of neurons the mean
    "num_steps": 8,
    "pixel_mean": 0.1307,           # subtracted from pixels in [0, 1]
    "pixel_std": 0.3081,            # ... which are then divided by this
    "augment": True,                # turn, shift and scale the images at random while training
    "num_layers": 2,                # blocks of convolution, batch norm, neurons and pool
    "channels": 128,                # output channels of each convolution
    "hidden_size": 2048,            # neurons between the convolutions and the read-out
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
    "num_epochs": 1024,
    "batch_size": 16,
    "patience": 0,
}

# STBP with tdBN: Zheng et al. 2020; nguyenhongson1902/direct-training-snn@eef1f9e.
resnet19 = {
    "binarize": False,
    "num_steps": 2,
    "pixel_mean": 0.1307,           # the training set's, subtracted from pixels in [0, 1]
    "pixel_std": 0.3081,            # ... which are then divided by this
    "crop": 0,                      # move the images while training, by this many pixels at most.  Its README: 4
    "channels": 128,                # output channels of the first stage; then twice and four times as many
    "stem": 128,                    # ... of the first convolution.  Its code: 64
    "hidden_size": 256,             # neurons before the read-out
    "readout": "membrane",          # membrane: the last layer's current | spikes, as the code: in 2 steps 0, .5 or 1
    "beta": 0.25,                   # decay of the membrane per step; as their tau
    "threshold": 0.4,               # of all neurons at the start; tdBN scales their currents to it
    "reset": "zero",
    "detach_reset": False,          # hide the spike's gradient at the reset
    "surrogate": "rectangle",
    "width": 0.5,                   # half-width of the rectangle, in units of the membrane
    "surrogate_center": "threshold",                # where the rectangle's middle lies: threshold | zero, as the code
    "loss": "cross_entropy",
    "reduce": "mean",               # what the loss sees of the read-out over the steps: mean | max | last
    "optimizer": "adam",
    "lr": 1e-3,
    "lr_schedule": "step",
    "lr_step_epochs": 10,           # epochs from one cut to the next
    "lr_step_factor": 0.1,
    "num_epochs": 11,
    "batch_size": 64,
    "score": "loss",                # what the epoch is chosen by, and patience waits for: loss | accuracy
    "patience": 7,
}

columns = {
    # The paper has no float results. Values of QSNNs@0859da1 (same author, same net, no annealing); also turns
    # annealing off.
    "net=convnet binarize=False": {
        "lr": 5.4e-3, "beta": 0.994, "slope": 13.84, "dropout": 0.003168, "thresholds": [2.915, 2.915, 2.915],
        "threshold_schedule": "none",
    },
    "net=convnet binarize=False threshold_schedule=exponential|linear": {           # ours, untuned
        "thresholds_final": [5.83, 5.83, 5.83], "anneal_rates": [0.001, 0.001, 0.001],
    },
    "net=convnet binarize=True threshold_schedule=linear": {"anneal_rates": [0.01, 0.01, 0.001]},   # ours
    "net=resnet19 lr_schedule=cosine": {"cosine_epochs": 11},                       # ours
    "augment=True": {
        "rotation": 30.0,           # degrees, at most, either way
        "shift": 0.15,              # fraction of the image's side, at most, any way
        "scale": [0.85, 1.11],      # smallest and largest factor
    },
    "select_on=test": {"val_fraction": 0.0},
}

tables = {  # published figures that python -m common.report shows beside ours
    # Test accuracies in %, by how the epoch was chosen, and what they are for: float weights, the whole training set.
    "published": [
        # Any stem, read-out and centre: its code has others than the paper.
        {"source": "direct-training-snn@eef1f9e, last epoch", "data": "MNIST",
         "accuracy": {"val": 98.85, "last": 98.85},
         "settings": {"net": "resnet19", "channels": 128, "hidden_size": 256, "num_steps": 2, "num_epochs": 11,
                      "surrogate": "rectangle", "binarize": False, "subset": 0}},
        {"source": "Fang 2021", "data": "MNIST", "accuracy": {"val": 99.63, "test": 99.72},
         "settings": {"net": "plifnet", "tau": "layer", "channels": 128, "binarize": False, "subset": 0}},
    ],
}
