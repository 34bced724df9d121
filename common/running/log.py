"""What a run keeps for its reader: log.txt, all that it printed, and uncommitted.patch, how its code was changed."""

import contextlib
import sys

from common.running import provenance

LARGEST = 2**20  # bytes of a patch that is kept


class _Copied:
    """A stream that writes to a file, too, all but progress bars."""

    def __init__(self, stream, file):
        self.stream, self.file = stream, file

    def write(self, text):
        if "\r" not in text:
            with contextlib.suppress(OSError):  # a full disk is told by what writes results
                self.file.write(text)
        return self.stream.write(text)

    def __getattr__(self, name):
        return getattr(self.stream, name)


@contextlib.contextmanager
def kept(path):
    """Add to path/log.txt what is printed inside."""
    with (open(path / "log.txt", "a", encoding="utf-8", buffering=1) as file,
          contextlib.redirect_stdout(_Copied(sys.stdout, file)), contextlib.redirect_stderr(_Copied(sys.stderr, file))):
        yield


def keep_changes(path):
    """Write to path/uncommitted.patch what the code has that git_commit has not, and which files git does not know.

    A run that goes on with other changes has them in uncommitted-resumed.patch.
    """
    if patch := provenance.changes().encode():
        if len(patch) > LARGEST:
            patch = f"larger than {LARGEST} bytes\n".encode()
        file = path / "uncommitted.patch"
        if file.exists() and file.read_bytes() != patch:
            file = path / "uncommitted-resumed.patch"
        file.write_bytes(patch)
