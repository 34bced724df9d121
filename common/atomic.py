"""Files and folders that are there whole or not at all: made beside their place, and then renamed."""

import contextlib
import errno
import os
import shutil
import socket
from pathlib import Path

NAMESPACE = Path("/proc/self/ns/pid")  # on Linux: containers may share a host's name and a folder, but no processes
MACHINE = f"{socket.gethostname()}-{NAMESPACE.stat().st_ino}" if NAMESPACE.exists() else socket.gethostname()


def write(path, content):
    """Replace the file `path`, which no other process writes, by `content` (bytes), synced to the disk.

    OSError, with the old file whole, if that fails.
    """
    path = Path(path)
    try:
        with _replacing(path, path.with_name(f"{path.name}.part")) as file:
            file.write(content)
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror}; what it held before is untouched") from error


@contextlib.contextmanager
def file(path):
    """Open a file to write, which replaces `path` of a cache once it is done and synced to the disk.

    Of two processes that write it at once, the later one wins.  OSError as for `part`.
    """
    with part(path) as unfinished, _replacing(path, unfinished) as opened:
        yield opened


@contextlib.contextmanager
def folder(path, size=0):
    """Yield a new folder to fill, which becomes `path` of a cache unless that is there by then.

    size, OSError: as for `part`.
    """
    with part(path, size) as unfinished:
        _remove(unfinished)
        unfinished.mkdir()
        yield unfinished
        try:
            unfinished.rename(path)
        except OSError:
            if not path.is_dir():
                raise


@contextlib.contextmanager
def part(path, size=0):
    """Yield where this process makes `path` of a cache, to be renamed; what is there at the end is removed.

    So is what processes of this machine that are no more have left beside it.  size: bytes that there must be room for.
    OSError, naming `path` and the remedy, if the disk is or would be full or the folder cannot be written to.
    """
    unfinished = path.with_name(f"{path.name}.{MACHINE}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        if shutil.disk_usage(path.parent).free < size:
            raise OSError(errno.ENOSPC, f"it takes {size / 1e6:.0f} MB or more")
        yield unfinished
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OSError(f"the disk is full: cannot write {path}; make room there, or set "
                          f"XDG_CACHE_HOME ({error.strerror})") from error
        place = Path(error.filename or unfinished)
        if place == unfinished or place in unfinished.parents or unfinished in place.parents:
            raise OSError(f"cannot write {path}: {error.strerror or error}; make it writable, or set "
                          "XDG_CACHE_HOME") from error
        raise
    finally:
        _remove(unfinished)


@contextlib.contextmanager
def _replacing(path, unfinished):
    try:
        with open(unfinished, "wb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(unfinished, path)
    finally:
        _remove(unfinished)


def _sweep(place):
    """Remove what processes of this machine began to make in a folder and did not finish before they ended."""
    if os.name != "posix":  # elsewhere the signal 0 is no question
        return
    for unfinished in place.glob(f"*.{MACHINE}.*.part"):
        try:
            os.kill(int(unfinished.name.split(".")[-2]), 0)
        except ProcessLookupError:
            _remove(unfinished)
        except (ValueError, PermissionError):
            continue


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
