"""A small set in SHD's layout, and a machine for which it is the published one."""

import gzip
import hashlib
import io
import zipfile

import h5py
import numpy as np

from common.data import download, shd
from common.data.shd import TEST, TRAIN

KEYS = [b"null", b"eins", b"zwei", b"drei"]
NAMES = {"times": "spikes/times", "units": "spikes/units", "labels": "labels", "speakers": "extra/speaker",
         "keys": "extra/keys"}
LISTS = {"times": np.float16, "units": np.uint16}


def made(num_samples=20, speakers=(0, 1, 2), first=0):
    """The arrays of a file: sample k has the label k % 4 and k + 3 events, at k, k + 1, ... ms on channel k."""
    numbers = range(first, first + num_samples)
    return {
        "times": [np.arange(k, 2 * k + 3) / 1000 for k in numbers],
        "units": [np.full(k + 3, k) for k in numbers],
        "labels": np.array([k % 4 for k in numbers], np.uint16),
        "speakers": np.array([speakers[k % len(speakers)] for k in numbers], np.uint16),
        "keys": KEYS,
    }


def hdf5(arrays, kinds=LISTS, **options):
    """The bytes of a file of `arrays` in SHD's layout."""
    content = io.BytesIO()
    with h5py.File(content, "w", **options) as file:
        for name, values in arrays.items():
            if name in kinds:
                dataset = file.create_dataset(NAMES[name], (len(values),), dtype=h5py.vlen_dtype(kinds[name]))
                for k, value in enumerate(values):
                    dataset[k] = value
            else:
                file.create_dataset(NAMES[name], data=values)
    return content.getvalue()


def zipped(content, name=TRAIN):
    pack = io.BytesIO()
    with zipfile.ZipFile(pack, "w", zipfile.ZIP_DEFLATED) as file:
        for part in name.split():
            file.writestr(part, content)
    return pack.getvalue()


PACKS = {"": lambda content: content, ".gz": gzip.compress, ".zip": zipped}
PUBLISHED = {TRAIN: hdf5(made()), TEST: hdf5(made(8, (2, 3), first=30))}
OTHER = {TRAIN: hdf5(made(first=1)), TEST: hdf5(made(8, (2, 3), first=31))}


def write(folder, files, end=""):
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / (file + end)).write_bytes(PACKS[end](content))
    return folder


def machine(tmp_path, monkeypatch):
    """A machine with nothing on it and no network, for which SHD is PUBLISHED."""
    monkeypatch.setattr(download, "cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("SNN_DATA", str(tmp_path / "shared"))
    hashes = {file: hashlib.sha256(content).hexdigest() for file, content in PUBLISHED.items()}
    urls = {file: [f"http://127.0.0.1:1/{mirror}/{file}.gz" for mirror in "ab"] for file in hashes}
    monkeypatch.setattr(shd, "PUBLISHED", shd.PUBLISHED._replace(hashes=hashes, urls=urls))
    return tmp_path


def load(house, **options):
    return shd.load(str(house / "data"), **options)
