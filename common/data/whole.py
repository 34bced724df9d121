"""Files and folders that are there whole or not at all, whoever else writes them."""

import contextlib
import errno
import os
import shutil
import socket
from pathlib import Path


@contextlib.contextmanager
def writing(path):
    """Open a file beside `path` to write, which takes its place when it is done and on the disk.

    What dead processes have left beside it is removed.  OSError, naming `path`, if the disk is full or the
    folder cannot be written to.
    """
    part = part_of(path)
    with _cleaned(path, part), open(part, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
        os.replace(part, path)


@contextlib.contextmanager
def making(folder):
    """Yield a new folder beside `folder`, which takes its place when it is filled, if none is there by then."""
    part = part_of(folder)
    with _cleaned(folder, part):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        yield part
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise


@contextlib.contextmanager
def _cleaned(path, part):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OSError(f"the disk is full: cannot write {path}; make room there, or set XDG_CACHE_HOME") from error
        place = Path(error.filename or part)
        if place == part or place in part.parents or part in place.parents:
            raise OSError(f"cannot write {path}: {error.strerror or error}; make it writable, or set "
                          "XDG_CACHE_HOME") from error  # fmt: skip
        raise
    finally:
        _remove(part)


def part_of(path):
    """What this process calls the unfinished `path`."""
    return path.with_name(f"{path.name}.{socket.gethostname()}.{os.getpid()}.part")


def sweep(folder):
    """Remove the parts in `folder` that processes of this machine began and that are no more."""
    if os.name != "posix":  # elsewhere the signal 0 is no question
        return
    for part in folder.glob(f"*.{socket.gethostname()}.*.part"):
        try:
            os.kill(int(part.name.split(".")[-2]), 0)
        except ProcessLookupError:
            _remove(part)
        except (ValueError, PermissionError):
            continue


def _remove(part):
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
