"""What an experiment trains, chooses and tests on; one module per kind of data set."""

import sys
from dataclasses import dataclass

import torch

SPLIT_SEED = 0  # of every split, whatever the run's own seed


@dataclass
class Data:
    """A data set, split.

    train, val, test: disjoint splits, each with len(split), split.to(device) -> split and
    split.batch(indices) -> (inputs, labels).  in_shape: of one input, as (1, 28, 28).
    name: the published set's, "MNIST", only if every file's hash says so; else what was used.
    stand_in: whether it is anything but the published set.
    hashes: file name -> sha256 of its decompressed content.
    """

    train: object
    val: object
    test: object
    in_shape: tuple
    num_classes: int
    name: str
    stand_in: bool
    hashes: dict


def split_by_class(labels, count):
    """Return indices (of `count` samples spread evenly over the classes, of the rest), both shuffled.

    labels: int64 [N].  The same in every run, and no other random number depends on it.
    """
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(SPLIT_SEED))
    by_class = order[labels[order].argsort(stable=True)]
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    chosen[by_class[torch.arange(count) * len(labels) // max(count, 1)]] = True
    return order[chosen[order]], order[~chosen[order]]


def announce(*lines):
    """Say on stderr, so that it is not missed, what stands in for the published set."""
    print("\n".join(f"*** {line}" for line in lines), file=sys.stderr)
