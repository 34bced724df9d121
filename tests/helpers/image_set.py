"""A small set of images in MNIST's layout, and a machine for which it is the published one."""

import gzip
import hashlib
import struct

from common.data import download, images
from common.data.images.idx import FILES

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILES


def made_set(num_train=60, num_test=20, size=(6, 5), offset=0):
    """{file: content}: image k has the value k % 251 in every pixel, plus `offset`, and the label k % 10."""
    files = {}
    for prefix, count in (("train", num_train), ("t10k", num_test)):
        pixels = b"".join(bytes([(k + offset) % 251]) * (size[0] * size[1]) for k in range(count))
        files[f"{prefix}-images-idx3-ubyte"] = struct.pack(">4I", 2051, count, *size) + pixels
        files[f"{prefix}-labels-idx1-ubyte"] = struct.pack(">2I", 2049, count) + bytes(k % 10 for k in range(count))
    return files


def write(folder, files, zipped=True):
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / (file + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)
    return folder


def machine(tmp_path, monkeypatch):
    """A machine with nothing on it and no network, for which the published MNIST is made_set()."""
    monkeypatch.setattr(download, "cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("SNN_DATA", str(tmp_path / "shared"))
    hashes = {file: hashlib.sha256(content).hexdigest() for file, content in made_set().items()}
    urls = {file: [f"http://127.0.0.1:1/{mirror}/{file}.gz" for mirror in "ab"] for file in hashes}
    published = images.SETS["mnist"]._replace(hashes=hashes, urls=urls, system_folder=str(tmp_path / "system"))
    monkeypatch.setitem(images.SETS, "mnist", published)
    return tmp_path


def load(house, name="mnist", **options):
    return images.load(name, str(house / "data"), **options)


def values(split):
    """The number k of each image of a made set."""
    return split.images[:, 0, 0, 0].tolist()
