"""Spiking Heidelberg Digits, from the first place that has them, or generated events that stand in for them."""

import dataclasses
import hashlib
import sys
from pathlib import Path

import torch

from common.data import Data, announce, download, find, hold_out, name_of, synthetic
from common.data.events import Binning, Events
from common.data.shd import hdf5
from common.data.shd.hdf5 import path_of

TITLE = "SHD"
MIRRORS = ("https://zenkelab.org/datasets/", "https://compneuro.net/datasets/")
TRAIN, TEST = FILES = ("shd_train.h5", "shd_test.h5")
SHA256 = {  # unpacked; their .h5.gz have the md5 d47c9825dee33347913e8ce0f2be08b0, 3062a80ec0c5719404d5b02e166543b1
    TRAIN: "2bddb4bd46732f09982b7d1631b7c29c19853c73d3d240e3eb32bba909bdd6c1",
    TEST: "47d8621a092cb483bea9448a93c0a3375a6726d370045090c2f7a77f70f95df3",
}
STAND_IN = {"train": (2000, 0, range(5)), "test": (500, 1, range(6))}  # split: (samples, seed, speakers)


def load(data_dir, source="auto", val_fraction=0.0, val_speakers=(), subset=0, binning=None, augmentation=None):
    """Return the Data of SHD, splits of Events with 700 channels.

    data_dir: holds the folder SHD, or is the set's own folder, whatever its name; else $SNN_DATA, the user's cache and
    the mirrors are asked, in this order.  Its two files may be packed, as .h5.gz or .h5.zip.
    source: "auto" (what is found, else the stand-in) | "published" | "sample" (the stand-in).
    val_fraction: in [0, 1), of the training set, held out evenly over the classes and the same in every run; or
    val_speakers: whose recordings to hold out.  subset: 0, or how many training samples to keep.
    binning: a Binning, None: 333 steps of 3 ms.  augmentation: of the training split, or None.
    Raises ValueError for a bad argument, a damaged or missing file, and under "published" for anything but SHD.
    """
    if source not in ("auto", "published", "sample"):
        raise ValueError(f'source must be "auto", "published" or "sample", got {source!r}')
    binning, data_dir = binning or Binning(3.0, 333), Path(data_dir).expanduser()
    if data_dir.is_file():
        raise ValueError(f"data_dir must name a folder, and {data_dir} is a file")
    folder = None if source == "sample" else _find(data_dir) or _download(data_dir, source)
    if folder:
        train, test, num_classes, title, hashes = _read_set(folder, source, binning)
    else:
        train, test = (synthetic.spoken_digits(*STAND_IN[split], binning) for split in ("train", "test"))
        num_classes, title = synthetic.NUM_DIGITS, "synthetic spoken digits"
        hashes = {f"spoken_digits_{split}": _digest(made) for split, made in (("train", train), ("test", test))}
        announce(f"This is NOT the set {TITLE}: generated events stand in for it.",
                 f"For the real one, put {TRAIN} and {TEST} into {data_dir / TITLE}; source=published insists on it.")
    for split, samples in (("training", train), ("test", test)):
        _report_cut(f"the {split} set of {title}", samples)
    train, val = hold_out(train, val_fraction, "speakers", val_speakers)
    if not 0 <= subset <= len(train):
        raise ValueError(f"subset must lie in 0..{len(train)}, the training samples of {title}, got {subset}")
    train = dataclasses.replace(train.take(slice(subset or None)), augmentation=augmentation)
    return Data(train, val, test, (hdf5.NUM_UNITS,), num_classes, title, hashes != SHA256, hashes)


def _find(data_dir):
    cache = download.cache(TITLE)
    return find(TITLE, TITLE, data_dir, cache, lambda folder: any(path_of(folder, file) for file in FILES),
                lambda folder: all(download.matches(folder / file, SHA256[file]) for file in FILES))


def _download(data_dir, source):
    """The cache's folder, once it has the published set; if no mirror gives it None, under "published" ValueError."""
    cache = download.cache(TITLE)
    try:
        for file in FILES:
            if not download.matches(cache / file, SHA256[file]):
                urls = [f"{mirror}{file}.gz" for mirror in MIRRORS]
                packed = download.fetch(cache / f"{file}.gz", urls, SHA256[file], unzip=True)
                hdf5.unpack(packed, cache / file)
                packed.unlink()
    except download.DownloadError as error:
        if source == "published":
            links = "\n".join(f"  {mirror}{file}.gz" for mirror in MIRRORS for file in FILES)
            raise ValueError(f"{TITLE} is not in {data_dir}; {error}\n"
                             f"Put the two files from either place into {data_dir / TITLE}:\n{links}") from error
        print(error, file=sys.stderr)
        return None
    return cache


def _read_set(folder, source, binning):
    """(training set, test set, number of classes, name, hashes) of the files in `folder`."""
    found = {file: path_of(folder, file) for file in FILES}
    if missing := [file for file in FILES if found[file] is None]:
        raise ValueError(f"{folder} holds only one of the set's two files: add {missing[0]}, or take the other out")
    plain = {file: hdf5.unpacked(path, download.cache(TITLE) / "unpacked") for file, path in found.items()}
    hashes = {file: digest for file, (_, digest) in plain.items()}
    if hashes[TRAIN] == hashes[TEST]:
        raise ValueError(f"{found[TRAIN]} and {found[TEST]} hold the same recordings; replace one of them")
    title = _identify(folder, hashes, source)
    train = hdf5.read(plain[TRAIN][0], found[TRAIN], hashes[TRAIN] == SHA256[TRAIN])
    num_classes = len(train.keys) or int(train.labels.max()) + 1
    test = hdf5.read(plain[TEST][0], found[TEST], hashes[TEST] == SHA256[TEST], num_classes)
    if title != TITLE and test.keys != train.keys:
        raise ValueError(f"{found[TEST]} names other classes in extra/keys than {found[TRAIN]}: they are of two sets")
    return _events(train, binning), _events(test, binning), num_classes, title, hashes


def _events(recordings, binning):
    arrays = recordings.times, recordings.units, recordings.offsets, recordings.labels, recordings.speakers
    return Events(*(torch.from_numpy(array) for array in arrays), hdf5.NUM_UNITS, binning)


def _identify(folder, hashes, source):
    """The name of the set in `folder`, by its hashes."""
    differing = ", ".join(file for file in FILES if hashes[file] != SHA256[file])
    if not differing:
        return TITLE
    if source == "published":
        raise ValueError(f"{folder} does not hold the published {TITLE}, its hashes differ in {differing}; "
                         f"replace the files from {' or '.join(MIRRORS)}, or use them with source=auto")
    title = name_of(folder, {TITLE})
    announce(f"This is NOT the published {TITLE}: the files in {folder} differ ({differing}).",
             f'Its results are kept under "{title}"; source=published insists on the published set.')
    return title


def _report_cut(name, samples):
    """Say which share of the events comes too late to be read; ValueError if all do."""
    share = samples.cut_share()
    if share == 1:
        raise ValueError(f"no event of {name} comes before {samples.binning.end():g} s, where reading stops; raise "
                         "num_steps, dt_ms or window_ms, or store times in seconds")
    if share:
        print(f"{name}: {share:.2%} of the events come after {samples.binning.end():g} s and are left out",
              file=sys.stderr)



def _digest(samples):
    parts = (samples.times, samples.units, samples.labels, samples.speakers)
    return hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest()
