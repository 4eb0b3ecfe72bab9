"""Memory that glibc keeps between batches.

By default it hands what tensors leave back to the system and takes it anew for the next ones, page by page: a sixth of
the time of a forward pass of a small convolutional network (docs/performance.md).
"""

import ctypes
import os
import sys

#: Parameters of ``mallopt``, as in glibc's ``malloc.h``, and the values that it reaches by itself where large blocks are used.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
FREE_BYTES, MAPPED_BYTES = 64 << 20, 32 << 20


def keep_freed_memory() -> None:
    """Let this process keep up to 64 MB that is free, unless the environment says what it keeps."""
    glibc = _glibc()
    if glibc is not None:
        glibc.mallopt(_MMAP_THRESHOLD, MAPPED_BYTES)
        glibc.mallopt(_TRIM_THRESHOLD, FREE_BYTES)


def give_back_freed_memory() -> None:
    """Hand what is free back to the system."""
    glibc = _glibc()
    if glibc is not None:
        glibc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library where it is glibc, and nobody has set it up otherwise."""
    if not sys.platform.startswith("linux"):
        return None
    if "GLIBC_TUNABLES" in os.environ or any(name.startswith("MALLOC_") for name in os.environ):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
