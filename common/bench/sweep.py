"""Time of a linear layer and LIF neurons over steps, batch and width, ours beside snntorch's."""

from common.bench.measure import times
from common.bench.workloads.linear_lif import linear_lif

CENTRE = {"num_steps": 100, "batch_size": 16, "size": 256}
SWEPT = {
    "num_steps": [10, 30, 100, 300, 1000],
    "batch_size": [1, 4, 16, 64, 256],
    "size": [32, 64, 128, 256, 512, 1024],
}


def measured():
    """{"centre": sizes, "seconds": {what is swept: {value: {"peer": [...], "ours": [...]}}}}, on dense input."""
    seconds = {name: {value: _times(CENTRE | {name: value}) for value in values} for name, values in SWEPT.items()}
    return {"centre": CENTRE, "seconds": seconds}


def _times(sizes):
    steps = linear_lif("snntorch", 1.0, **sizes)
    for step in steps.values():
        step()
    return times(steps, repeats=9, budget=3)
