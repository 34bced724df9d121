"""One file of recordings in SHD's layout: unpacked, hashed and read, whatever state it is in."""

import io
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import torch

from common import atomic
from common.data import bad_file, download
from common.data.events import Events
from common.data.shd import layout

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"  # how such files begin
NUM_UNITS = 700  # channels of SHD's cochlea
BAD_PACK = (*download.BAD_GZIP, zipfile.BadZipFile, NotImplementedError, RuntimeError)  # RuntimeError: a password
PATIENCE = 30  # seconds to read a file, which takes one or two
HOLE = 128  # zeros in a row, as no intact recording has them


def unpacked(path, folder):
    """(path, sha256) of the file's content: itself, or what is packed in it, unpacked once into `folder`.

    A file there is named by the sha256 of its pack and its own, so that a damaged one is made anew.
    """
    if _head(path, 2) != GZIP and _head(path, 4) != ZIP:
        return path, download.sha256(path)
    packed = download.sha256(path)
    for made in folder.glob(f"{packed}-*.h5"):
        content = made.stem.partition("-")[2]
        if download.sha256(made) == content:
            return made, content
    with atomic.part(folder / f"{packed}.h5") as part:
        _unpack(path, part)
        content = download.sha256(part)
        return part.replace(folder / f"{packed}-{content}.h5"), content


def _unpack(path, target):
    """Write to `target` what is in a .gz or .zip file; ValueError if that is damaged."""
    try:
        with _open_packed(path) as source, open(target, "wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
    except BAD_PACK as error:
        raise bad_file(path, f"is a damaged packed file ({error})") from error


def _open_packed(path):
    """Open what is in a .gz or .zip file to read its bytes."""
    if _head(path, 4) != ZIP:
        return download.open_content(path)
    pack = zipfile.ZipFile(path)
    inside = [name for name in pack.namelist() if name.endswith(".h5") and not name.startswith("__MACOSX")]
    if len(inside) != 1:
        raise zipfile.BadZipFile(f"one .h5 file expected in it, found {len(inside)}")
    return pack.open(inside[0])


def _head(path, size):
    with open(path, "rb") as file:
        return file.read(size)


def read(path, name, binning, published, num_classes=None):
    """Return (the Events in `path`, a plain file, which errors call `name`; the classes' names, or an empty list).

    published: whether its hash is the published one; any other may hold anything: it is read in a process of its own
    and tested value by value.  num_classes: what labels must stay below, or None: the number of the classes' names.
    ValueError, naming the file and the sample, for what is damaged or no such file.
    """
    try:
        _check_head(path)
        arrays = layout.read(path) if published else _read_apart(path)
    except ValueError as error:
        raise bad_file(name, error) from error
    times, units = arrays["times"].astype(np.float32), arrays["units"].astype(np.int32)
    labels, speakers = (arrays[key].astype(np.int64) for key in ("labels", "speakers"))
    offsets, keys = np.concatenate([[0], np.cumsum(arrays["lengths"])]), arrays["keys"].tolist()
    if not published and (fault := _fault(times, units, offsets, labels, num_classes or len(keys))):
        raise bad_file(name, fault)
    return Events(*map(torch.from_numpy, (times, units, offsets, labels, speakers)), NUM_UNITS, binning), keys


def _check_head(path):
    """ValueError unless the file begins as an HDF5 file and is as long as its head says."""
    head = _head(path, 64).ljust(64, b"\0")
    if head[:8] != b"\x89HDF\r\n\x1a\n":
        raise ValueError(f"is no HDF5 file, it begins with {_head(path, 20)!r}")
    width = head[13] if head[8] < 2 else head[9]  # bytes of an address, told at byte 13 or 9
    place = {0: 24, 1: 28}.get(head[8], 12) + 2 * width  # where the third address is, the file's end
    end, size = int.from_bytes(head[place : place + width], "little"), path.stat().st_size
    if size < end:
        raise ValueError(f"is cut off: it should have {end} bytes and has {size}")


def _read_apart(path):
    """layout.read in a process of its own, which may hang or crash on a damaged file."""
    command = [sys.executable, "-P", layout.__file__, path]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired as error:
        place = _last_line(error.stderr)
        raise ValueError(f"is damaged: the HDF5 library finds no end in {place}, for {PATIENCE} s") from error
    said = _last_line(done.stderr)
    if done.returncode:
        crash = f"is damaged: the HDF5 library crashes in {said} (status {done.returncode})"
        raise ValueError(said if done.returncode == 1 else crash)
    with np.load(io.BytesIO(done.stdout)) as arrays:
        return dict(arrays)


def _last_line(said):
    lines = (said or b"").decode(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line), "its head")


def _fault(times, units, offsets, labels, num_classes):
    """What is wrong with the first bad sample, or None."""
    if not np.diff(offsets).all():
        return f"sample {np.diff(offsets).argmin()} has no events"
    for wrong, rule, values in (
        (~np.isfinite(times) | (times < 0), "a time must be finite and 0 s or later", times),
        ((units < 0) | (units >= NUM_UNITS), f"a unit must lie in 0..{NUM_UNITS - 1}", units),
    ):
        if wrong.any():
            place = wrong.argmax()
            return f"sample {np.searchsorted(offsets, place, 'right') - 1}: {rule}, found {values[place]}"
    for values in (times, units):
        if (sample := _hole(values, offsets)) is not None:
            return f"sample {sample} is damaged: {HOLE} zeros or more in a row"
    wrong = (labels < 0) | (labels >= (num_classes or np.inf))
    if wrong.any():
        rule = f"in 0..{num_classes - 1}" if num_classes else "0 or more"
        return f"sample {wrong.argmax()}: the label must be {rule}, found {labels[wrong.argmax()]}"
    return None


def _hole(values, offsets):
    """The first sample with HOLE zeros in a row beside other values, or None."""
    zeros = np.flatnonzero(values == 0)
    samples = np.searchsorted(offsets, zeros, "right") - 1
    far = slice(HOLE - 1, None)
    ends = (zeros[far] - zeros[: len(zeros[far])] == HOLE - 1) & (samples[far] == samples[: len(zeros[far])])
    for sample in np.unique(samples[far][ends]):
        if values[offsets[sample] : offsets[sample + 1]].any():
            return sample
    return None
