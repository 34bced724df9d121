"""A conf.py of two nets, with columns and a case."""

from types import SimpleNamespace

CONF = SimpleNamespace(
    config={"net": "convnet", "seed": 0, "num_steps": 5},
    convnet={
        "binarize": True, "channels": [4, 8], "dropout": 0.1, "beta": 0.5, "surrogate": "fast_sigmoid", "slope": 3.0,
        "thresholds": [1.0, 2.0], "threshold_schedule": "exponential", "thresholds_final": [2.0, 3.0],
        "anneal_rates": [0.5, 0.5], "loss": "mse_rate_loss", "optimizer": "sgd", "lr": 0.01, "lr_schedule": "none"},
    tha_mlp={
        "binarize": False, "hidden_sizes": [3], "dropout": [0.0, 0.5], "beta": 0.9, "thresholds": [1.0, 1.0],
        "loss": "cross_entropy", "optimizer": "adam", "lr": 0.1, "lr_schedule": "cosine", "cosine_epochs": 4},
    columns={
        "net=convnet binarize=False": {"beta": 0.25, "threshold_schedule": "none", "num_epochs": 7},
        "net=convnet binarize=False threshold_schedule=exponential|linear": {"thresholds_final": [5.0, 6.0]},
        "lr_schedule=step": {"lr_step_epochs": 3},
        "num_epochs=7": {"batch_size": 2}},
    cases={"slow": {"lr": 1e-4, "slope": 9.0}})
