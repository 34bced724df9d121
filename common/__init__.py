"""What the experiments share.  Imported first, it finds a folder for the kernels that numba compiles."""

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

_user_s = os.path.expanduser(os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "numba"))
for _place in (os.environ.get("NUMBA_CACHE_DIR"), Path(__file__).parent / "kernels" / "__pycache__", _user_s):
    with suppress(OSError, TypeError):
        os.makedirs(_place, exist_ok=True)
        tempfile.TemporaryFile(dir=_place).close()
        break
else:  # without one numba refuses to be imported
    _own = tempfile.TemporaryDirectory(prefix="numba-")  # until the process ends
    os.environ["NUMBA_CACHE_DIR"] = _own.name
    print(f"no folder can be written to keep compiled kernels in: they go to {_own.name} and end with this process; "
          "NUMBA_CACHE_DIR can name another", file=sys.stderr)
