"""What the experiments share.  Imported first, it finds a folder for the kernels that numba compiles."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path


def _is_writable(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        return True
    except OSError:
        return False


_places = [os.environ.get("NUMBA_CACHE_DIR"), Path(__file__).parent / "kernels" / "__pycache__",
           os.path.expanduser(os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "numba"))]
if not any(_is_writable(Path(place)) for place in _places if place):  # numba would refuse to import
    os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="numba-")
    atexit.register(shutil.rmtree, os.environ["NUMBA_CACHE_DIR"], ignore_errors=True)
    print(f"no folder can be written to keep compiled kernels in: they go to {os.environ['NUMBA_CACHE_DIR']} and end "
          "with this process; NUMBA_CACHE_DIR can name another", file=sys.stderr)
