"""What a user can mend."""

import contextlib


class UserError(ValueError):
    """What a user can mend: told in one line, without a traceback."""


@contextlib.contextmanager
def user_errors():
    """Mark the ValueErrors and OSErrors of settings, data and files as the user's."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from error
