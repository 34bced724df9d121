"""One file of recordings in SHD's layout: unpacked, hashed and read, whatever state it is in."""

import io
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import torch

from common.data import bad_file, download
from common.data.events import Events
from common.data.shd import layout

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"  # how such files begin
NUM_UNITS = 700  # channels of SHD's cochlea
BAD_PACK = (*download.BAD_GZIP, zipfile.BadZipFile)
PATIENCE = 30  # seconds in which something must have been read


def unpacked(path, folder):
    """(path, sha256) of the file's content: itself, or what is packed in it, unpacked once into `folder`."""
    digest = download.hash_of(path)
    if _head(path, 2) != GZIP and _head(path, 4) != ZIP:
        return path, digest
    return download.made_once(folder, digest, ".h5", lambda part: _unpack(path, part), path.stat().st_size)


def _unpack(path, target):
    """Write to `target` what is in a .gz or .zip file; ValueError if that is damaged."""
    try:
        with _open_packed(path) as source, open(target, "wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
    except BAD_PACK as error:
        raise bad_file(path, f"is a damaged packed file ({error})") from error
    except RuntimeError as error:  # a password, or a compression that Python has not
        raise ValueError(f"{path} cannot be unpacked here: {error}; unpack it yourself") from error


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
        arrays = layout.read(path) if published else _read_apart(path)
    except layout.Unable as error:
        raise ValueError(f"{name} {error}") from error
    except layout.LayoutError as error:
        raise bad_file(name, error) from error
    with np.errstate(over="ignore"):  # what float32 does not hold is inf, which is a fault
        times = arrays["times"].astype(np.float32)
    offsets, keys = np.concatenate([[0], np.cumsum(arrays["lengths"])]), arrays["keys"].tolist()
    if not published and (
            fault := _fault(times, arrays["units"], offsets, arrays["labels"], num_classes or len(keys))):
        raise bad_file(name, fault)
    units, labels, speakers = (arrays[key].astype(kind) for key, kind in
                               (("units", np.int32), ("labels", np.int64), ("speakers", np.int64)))
    return Events(*map(torch.from_numpy, (times, units, offsets, labels, speakers)), NUM_UNITS, binning), keys


def _read_apart(path):
    """layout.read in a process of its own, which may hang or crash on a damaged file."""
    command = [sys.executable, "-P", layout.__file__, path]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            content, place = _wait(child)
        finally:
            child.kill()
    if child.returncode:
        crash = layout.LayoutError(f"is damaged: the HDF5 library crashes in {place} (status {child.returncode})")
        raise {1: layout.LayoutError(place), 2: layout.Unable(place),
               -9: layout.Unable(f"takes more memory than there is, in {place}")}.get(child.returncode, crash)
    with np.load(io.BytesIO(content)) as arrays:
        return dict(arrays)


def _wait(child):
    """(stdout, last line of stderr) of a process at its end; LayoutError if it writes nothing for PATIENCE seconds."""
    written = None
    while True:
        try:
            content, said = child.communicate(timeout=PATIENCE)
            return content, _last_line(said)
        except subprocess.TimeoutExpired as error:
            before, written = written, len(error.output or b"") + len(error.stderr or b"")
            if written == before:
                raise layout.LayoutError("is damaged: the HDF5 library finds no end in "
                                         f"{_last_line(error.stderr)}, for {PATIENCE} s") from error


def _last_line(said):
    return ["its head", *(said or b"").decode(errors="replace").split("\n")][-2]


def _fault(times, units, offsets, labels, num_classes):
    """What is wrong with the first bad sample, or None.  units, labels: as the file has them, of any whole type."""
    if not np.diff(offsets).all():
        return f"sample {np.diff(offsets).argmin()} has no events"
    for wrong, rule, values in (
        (~np.isfinite(times) | (times < 0), "a time must be finite and 0 s or later", times),
        ((units < 0) | (units >= NUM_UNITS), f"a unit must lie in 0..{NUM_UNITS - 1}", units),
    ):
        if wrong.any():
            place = wrong.argmax()
            return f"sample {np.searchsorted(offsets, place, 'right') - 1}: {rule}, found {values[place]}"
    wrong = (labels < 0) | (labels >= (num_classes or np.inf))
    if wrong.any():
        rule = f"in 0..{num_classes - 1}" if num_classes else "0 or more"
        return f"sample {wrong.argmax()}: the label must be {rule}, found {labels[wrong.argmax()]}"
    return None
