"""How an error becomes a line: what a user can mend, what goes on, what ends; and streams that take what is printed."""

import contextlib
import os
import re
import sys
import traceback


class UserError(ValueError):
    """What a user can mend: told in one line, without a traceback."""


@contextlib.contextmanager
def user_errors():
    """Mark the ValueErrors and OSErrors of settings, data and files as the user's."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from error


@contextlib.contextmanager
def foreign(what, *kinds):
    """Mark what is raised inside as the user's; kinds: only such errors.  For files, which others may have written, and
    for what shows only once it is tried.  what: what is wrong if anything is, as "a.json is damaged".
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, kinds or Exception) or isinstance(error, (UserError, OSError)) or _is_memory(error):
            raise
        raise UserError(f"{what}: {first_line(error)}") from error


@contextlib.contextmanager
def told(what):
    """Tell in one line that `what` has failed, and go on."""
    try:
        yield
    except Exception as error:
        print(f"warning: {what}: {first_line(error)}", file=sys.stderr, flush=True)


def first_line(error):
    """What an error says, in one line; its kind, too, where the words alone would not tell."""
    text = next(iter(str(error).strip().splitlines()), "")
    return text if isinstance(error, (ValueError, OSError, RuntimeError)) and text else repr(error).splitlines()[0]


def ending(error):
    """(the line, the exit status) that a command ends with; None for a fault of the code, whose traceback is wanted."""
    if folder := _numba_cache(error):
        return f"numba's cache is damaged: delete {folder}, and kernels are compiled anew", 2
    if _is_memory(error):
        what = re.search(r"(tried|unable) to allocate [\d.]+ \w+", str(error), re.IGNORECASE)
        what = f": {what[0]}" if what else ""
        return f"out of memory{what}; a smaller batch_size or net, or checkpoint_steps, needs less", 1
    return (str(error), 2) if isinstance(error, (UserError, OSError)) else None


def _is_memory(error):
    return isinstance(error, MemoryError) or isinstance(error, RuntimeError) and (
        type(error).__name__ == "OutOfMemoryError" or "CPUAllocator" in str(error))


def _numba_cache(error):
    """The folder of numba's cache in whose reading an error, or what it came from, was raised; None elsewhere."""
    while error:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename.endswith("caching.py") and frame.f_code.co_name == "_load_overload":
                return frame.f_locals["self"].cache_path
        error = error.__cause__ or error.__context__
    return None


def open_streams():
    """Print what the encoding of stdout or stderr lacks as "?", and into nothing where one is closed, from now on."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
        with contextlib.suppress(AttributeError, OSError):  # of a stream of another kind
            getattr(sys, name).reconfigure(errors="replace")


@contextlib.contextmanager
def quiet_end_of_reading():
    """Print, and end quietly if nobody reads on."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # who reads it, such as head, has enough; nor is the rest to be written at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
