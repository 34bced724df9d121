"""What the experiments share.

Importing it tells the allocator to keep what it frees (up to 64 MiB a block) and to back larger blocks by huge
pages: without, a training step spends a third of its time on page faults. glibc and Linux only.
"""

import contextlib
import ctypes
import os

os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # read by torch when it first allocates a large tensor
with contextlib.suppress(OSError, AttributeError):
    _mallopt = ctypes.CDLL("libc.so.6").mallopt
    _mallopt(-3, 2**26)  # M_MMAP_THRESHOLD
    _mallopt(-1, 2**30)  # M_TRIM_THRESHOLD
