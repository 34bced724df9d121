"""Read an HDF5 file in SHD's layout; as a script, for a file that might hang or crash the library.

python layout.py FILE writes the arrays to stdout as an .npz; to stderr a line for each part that it is about to
read and, with exit status 1, what is wrong with the file, with 2 why else it cannot be read.
"""

import contextlib
import sys

import h5py
import numpy as np

with contextlib.suppress(ImportError):
    import hdf5plugin  # noqa: F401  the filters in it are there once it is imported

NAMES = ("spikes/times", "spikes/units", "labels", "extra/speaker")
CHUNK = 16  # samples that are read at once


class LayoutError(ValueError):
    """What is wrong with a file, to be said after its name."""


class Unable(ValueError):
    """Why a file that may well be whole cannot be read, to be said after its name."""


def read(path, tell=lambda part: None):
    """Return {"times", "units": those of all samples in a row; "lengths", "labels", "speakers": [S]; "keys": [K]}.

    times: a float type, seconds.  speakers: all 0 if the file has none.  keys: bytes, the classes' names; empty if the
    file has none.
    tell: called with the name of each part before it is read.
    LayoutError, without the file's name, for one that is damaged or has another layout, Unable for other hindrances.
    """
    tell("its head")
    if not h5py.is_hdf5(path):
        with open(path, "rb") as file:
            raise LayoutError(f"is no HDF5 file, it begins with {file.read(20)!r}")
    try:
        with h5py.File(path, "r", locking=False) as file:  # not every file system has locks
            _check(file)
            times, units, labels = (list(_samples(file, name, tell)) for name in NAMES[:3])
            speakers = list(_samples(file, NAMES[3], tell)) if NAMES[3] in file else [0] * len(labels)
            keys = file["extra/keys"][:].astype("S") if "extra/keys" in file else np.empty(0, "S1")
    except (LayoutError, Unable):
        raise
    except Exception as error:  # a damaged file makes h5py raise what it happens to run into
        if "already open for write" in str(error):
            raise Unable(f"is being written, or was not closed by who wrote it ({error})") from error
        raise LayoutError(f"is damaged ({error})") from error
    tell("what was read")
    lengths = np.array([len(sample) for sample in times], np.int64)
    differing = [k for k, sample in enumerate(units) if len(sample) != lengths[k]]
    if differing:
        first = differing[0]
        raise LayoutError(f"sample {first} has {lengths[first]} times and {len(units[first])} units")
    return {"times": np.concatenate(times), "units": np.concatenate(units), "lengths": lengths,
            "labels": np.array(labels), "speakers": np.array(speakers), "keys": keys}


def _samples(file, name, tell):
    for first in range(0, len(file[name]), CHUNK):
        part = f"{name} of samples {first} to {first + CHUNK - 1}"
        tell(part)
        try:
            yield from file[name][first : first + CHUNK]
        except Exception as error:
            filters = file[name].id.get_create_plist()
            codes = [filters.get_filter(k)[0] for k in range(filters.get_nfilters())]
            if lacking := [code for code in codes if not h5py.h5z.filter_avail(code)]:
                raise Unable(f"needs the HDF5 filters {lacking}: pip install hdf5plugin, which has most") from error
            raise LayoutError(f"is damaged in {part} ({error})") from error


def _check(file):
    """LayoutError unless the file has the layout."""
    names = [name for name in NAMES if name in file or name != "extra/speaker"]
    missing = [name for name in names if not isinstance(file.get(name), h5py.Dataset)]
    if missing:
        raise LayoutError(f"has not the layout of SHD: it lacks {', '.join(missing)}")
    for name, kinds in zip(names, ("f", "iu", "iu", "iu"), strict=False):
        variable = name.startswith("spikes")
        kind = h5py.check_vlen_dtype(file[name].dtype) if variable else file[name].dtype
        if kind is None or kind.kind not in kinds or file[name].ndim != 1:
            expected = "lists of " * variable + ("floats" if kinds == "f" else "whole numbers")
            raise LayoutError(f"has not the layout of SHD: {name} holds no {expected}, one for each sample")
    lengths = {name: len(file[name]) for name in names}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise LayoutError(f"has not the layout of SHD: unequal lengths, {told}")
    if not lengths["labels"]:
        raise LayoutError("holds no samples")


if __name__ == "__main__":
    try:
        arrays = read(sys.argv[1], lambda part: print(part, file=sys.stderr, flush=True))
    except (LayoutError, Unable) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        sys.exit(1 if isinstance(error, LayoutError) else 2)
    np.savez(sys.stdout.buffer, **arrays)
