"""Files that are whole or not there: a write goes to a temporary file, is synced, and then renamed."""

import contextlib
import os
from pathlib import Path


def write(path, content):
    """Replace `path` by `content` (bytes) at once; OSError, with the old file whole, if that fails."""
    path = Path(path)
    temporary = path.with_name(path.name + ".part")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OSError(f"cannot write {path}: {error.strerror}; what it held before is untouched") from error
