"""Spiking Heidelberg Digits, from the first place that has them, or generated events that stand in for them."""

import dataclasses
import hashlib

from common.data import Data, count_classes, download, hold_out, synthetic
from common.data.events import Binning
from common.data.published import Published, refuse_same
from common.data.shd import hdf5

TRAIN, TEST = FILES = ("shd_train.h5", "shd_test.h5")
MIRRORS = ("https://zenkelab.org/datasets/", "https://compneuro.net/datasets/")
PUBLISHED = Published(
    "SHD",
    "SHD",
    {  # unpacked; their .h5.gz have the md5 d47c9825dee33347913e8ce0f2be08b0, 3062a80ec0c5719404d5b02e166543b1
        TRAIN: "2bddb4bd46732f09982b7d1631b7c29c19853c73d3d240e3eb32bba909bdd6c1",
        TEST: "47d8621a092cb483bea9448a93c0a3375a6726d370045090c2f7a77f70f95df3",
    },
    {file: [f"{mirror}{file}.gz" for mirror in MIRRORS] for file in FILES},
    ends=("", ".gz", ".zip"),
    cached="",
    stand_in="generated events stand in",
    aliases=("hdspikes",),  # as in Zenke's tutorials
)
STAND_IN = {"train": (2000, 0, range(5)), "test": (500, 1, range(6))}  # split: (samples, seed, speakers)


def load(data_dir, source="auto", val_fraction=0.0, val_speakers=(), subset=0, binning=None, augmentation=None):
    """Return the Data of SHD, splits of Events with 700 channels.

    data_dir, source: see Published.locate.
    val_fraction: in [0, 1), of the training set, held out evenly over the classes and the same in every run; or
    val_speakers: whose recordings to hold out.  subset: 0, or how many training samples to keep.
    binning: a Binning, None: 333 steps of 3 ms.
    augmentation: a SpokenDigitsAugmentation of the training split, or None.
    Raises ValueError for a bad argument, a damaged or missing file, and under "published" for anything but SHD.
    """
    binning = binning or Binning(3.0, 333)
    if folder := PUBLISHED.locate(data_dir, source):
        train, test, num_classes, title, hashes = _read_set(folder, source, binning)
    else:
        train, test = (synthetic.spoken_digits(*STAND_IN[split], binning) for split in ("train", "test"))
        num_classes, title = synthetic.NUM_DIGITS, "synthetic spoken digits"
        hashes = {f"spoken_digits_{split}": _digest(made) for split, made in (("train", train), ("test", test))}
    for split, samples in (("training", train), ("test", test)):
        samples.report_times(f"the {split} set of {title}")
    train, val = hold_out(train, title, val_fraction, subset, "speakers", val_speakers)
    train = dataclasses.replace(train, augmentation=augmentation)
    return Data(train, val, test, (hdf5.NUM_UNITS,), num_classes, title, title != PUBLISHED.title, hashes)


def _read_set(folder, source, binning):
    """(training set, test set, number of classes, name, hashes) of the files in `folder`."""
    found = PUBLISHED.paths(folder)
    plain = {file: hdf5.unpacked(path, download.cache(PUBLISHED.folder) / "unpacked") for file, path in found.items()}
    hashes = {file: digest for file, (_, digest) in plain.items()}
    refuse_same(hashes, found, TRAIN, TEST)
    differing = [file for file in FILES if hashes[file] != PUBLISHED.hashes[file]]
    title = PUBLISHED.identify(folder, differing, source)
    train, keys = hdf5.read(plain[TRAIN][0], found[TRAIN], binning, TRAIN not in differing)
    num_classes = count_classes(train.labels, f"the training set of {title}", len(keys))
    test, test_keys = hdf5.read(plain[TEST][0], found[TEST], binning, TEST not in differing, num_classes)
    if differing and test_keys != keys:
        raise ValueError(f"{found[TEST]} names other classes in extra/keys than {found[TRAIN]}: they are of two sets")
    return train, test, num_classes, title, hashes


def _digest(samples):
    parts = (samples.times, samples.units, samples.labels, samples.speakers)
    return hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest()
