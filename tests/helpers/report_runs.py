"""Finished runs with made-up numbers."""

import json

SETTINGS = {"net": "convnet", "binarize": True, "threshold_schedule": "exponential", "select_on": "val", "subset": 0,
            "channels": 128}
HEADER = "trial,epoch,iteration,val_accuracy\n"


def make_run(root, name, directory="mnist", tests=(0.98, 0.97, 0.99), data="MNIST", stand_in=False, **settings):
    """A finished run with made-up numbers below `root`."""
    run = root / directory / "runs" / name
    run.mkdir(parents=True)
    config = {"settings": SETTINGS | settings, "directory": directory, "git_commit": "0123456789ab", "git_dirty": True,
              "device": "cpu, 2 threads"}
    trials = [
        {"seed": k, "best_epoch": 2 + k, "val": 0.9, "test": test, "firing_rates": {"conv1": 0.1, "fc": 0.3},
         "synaptic_operations": {"dense": 9e9, "effective_macs": 320_000, "effective_acs": 1_500_000}, "seconds": 600.4}
        for k, test in enumerate(tests)
    ]
    result = {"data": {"name": data, "stand_in": stand_in, "num_train": 54000}, "trials": trials}
    (run / "config.json").write_text(json.dumps(config))
    (run / "result.json").write_text(json.dumps(result))
    lines = (f"{k},{epoch},{430 * epoch},0.9\n" for k in range(len(tests)) for epoch in range(1, 8 + k))
    (run / "metrics.csv").write_text(HEADER + "".join(lines))
    return run
