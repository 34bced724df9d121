"""What a user can mend, and a terminal that takes what is printed."""

import contextlib
import os
import sys


class UserError(ValueError):
    """What a user can mend: told in one line, without a traceback."""


@contextlib.contextmanager
def user_errors():
    """Mark the ValueErrors and OSErrors of settings, data and files as the user's."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from error


def replace_unprintable():
    """Print what the encoding of stdout or stderr lacks as "?", from now on."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError):  # of a stream that is closed, or of another kind
            stream.reconfigure(errors="replace")


@contextlib.contextmanager
def quiet_end_of_reading():
    """Print, and end quietly if nobody reads on."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # who reads it, such as head, has enough; nor is the rest to be written at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
