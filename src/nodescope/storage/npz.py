"""Archives of NumPy: what reading them may raise, and the shapes of their arrays without reading them."""

import lzma
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

#: What NumPy raises on archives that are damaged in one way or another.
NPZ_ERRORS = (
    OSError, ValueError, EOFError, KeyError, TypeError, SyntaxError, RuntimeError, OverflowError, MemoryError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, tokenize.TokenError,
)  # fmt: skip

_READ_HEADER = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def array_shapes(path: str | Path) -> dict[str, tuple[int, ...]]:
    """The shape of every array of an archive, from their headers; empty where it cannot be read."""
    shapes = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if member.endswith(".npy"):
                    with archive.open(member) as stream:
                        shape, _, _ = _READ_HEADER[np.lib.format.read_magic(stream)](stream)
                        shapes[member.removesuffix(".npy")] = shape
    except (*NPZ_ERRORS, NotImplementedError):
        return {}
    return shapes
