"""What an experiment trains, chooses and tests on; one module per kind of data set."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

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


def find(title, name, data_dir, cache, begun, complete, others=()):
    """The first folder that has a set, or None: data_dir / name, data_dir, $SNN_DATA / name, the cache, the others.

    begun: folder -> whether it has a part of the set; one is enough, so that a missing one is noticed.  complete: the
    same of all parts, asked of the cache, where they arrive one by one: an incomplete set is one to go on downloading.
    """
    own = [data_dir / name, data_dir]
    shared = [Path(os.environ["SNN_DATA"]).expanduser() / name] if os.environ.get("SNN_DATA") else []
    for folder in [*own, *shared, cache, *others]:
        if complete(folder) if folder == cache else begun(folder):
            if folder not in own:
                print(f"{title}: not in {data_dir}, taken from {folder}", file=sys.stderr)
            return folder
    if not data_dir.exists():
        print(f"{title}: data_dir {data_dir} does not exist", file=sys.stderr)
    return None


def name_of(folder, layout):
    """What a set in `folder` that is not the published one is called: by its folder, and by the folder above too where
    it bears one of the names in `layout`, which every such set does."""
    place = folder.resolve()
    return f"{place.parent.name}/{place.name}" if place.name in layout else place.name


def hold_out(samples, fraction, groups, held):
    """(training split, validation split) of samples: of `fraction` of them, or all of the groups in `held`.

    groups: what samples keep of each, int64 [N], as "speakers".  held: list of some of them; one of the two is empty.
    ValueError, naming the keys val_fraction and val_<groups>, for what leaves nothing to train or to validate on.
    """
    if fraction and held:
        raise ValueError(f"val_fraction and val_{groups} exclude each other, got {fraction} and {list(held)}")
    count = round(fraction * len(samples))
    if not 0 <= fraction < 1 or count >= len(samples) or (fraction and not count):
        raise ValueError(f"val_fraction {fraction} of {len(samples)} must leave samples to train on, and some to "
                         "validate on unless it is 0")
    val, train = split_by_class(samples.labels, count)
    if held:
        there = getattr(samples, groups).unique().tolist()
        if set(held) - set(there):
            raise ValueError(f"val_{groups} must be among the training set's {groups} {there}, got {list(held)}")
        if set(held) == set(there):
            raise ValueError(f"val_{groups} {list(held)} leave nobody to train on: they are all there are")
        of_held = torch.isin(getattr(samples, groups)[train], torch.tensor(list(held)))
        val, train = train[of_held], train[~of_held]
    return samples.take(train), samples.take(val)


def announce(*lines):
    """Say on stderr, so that it is not missed, what stands in for the published set."""
    print("\n".join(f"*** {line}" for line in lines), file=sys.stderr)
