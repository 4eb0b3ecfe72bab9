"""Keeps arrays until they are written: in memory, and in a file beside the recordings once there are many."""

import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Of all arrays of a recording that are kept in memory, and of one that is put together at once.
MEMORY_BYTES = 96_000_000
LARGEST_BYTES = 256_000_000

Array = NDArray[Any]


@dataclass(frozen=True)
class _Stored:
    offset: int
    shape: tuple[int, int]
    dtype: np.dtype[Any]


#: A kept array.
Kept = Array | _Stored


class Scratch:
    """Arrays of one recording.

    Parameters
    ----------
    folder
        Gets a file without a name, which goes with the process that made it, whatever happens.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._bytes = 0
        self._files: list[Any] = []
        self._end = 0

    def keep(self, array: Array) -> Kept:
        """Keep an array [J, n] or [n, J], which is not changed any more."""
        if self._bytes + array.nbytes <= MEMORY_BYTES:
            self._bytes += array.nbytes
            return array
        array = np.ascontiguousarray(array)
        if not self._files:
            self._files.append(self._file())
        os.pwrite(self._files[0].fileno(), array.data, self._end)
        stored = _Stored(self._end, array.shape, array.dtype)
        self._end += array.nbytes
        return stored

    def beneath(self, kept: Sequence[Kept], order: NDArray[np.intp] | None, dtype: np.dtype[Any]) -> Array:
        """Kept arrays [n, J] one beneath the other, [N, J], their rows in an order; in a file where they are large."""
        joined = self._new((sum(each.shape[0] for each in kept), kept[0].shape[1]), dtype)
        places = None if order is None else np.argsort(order)  # of the rows as they were kept
        begin = 0
        for each in kept:
            end = begin + each.shape[0]
            rows = slice(begin, end) if places is None else places[begin:end]
            joined[rows] = self._rows(each, slice(None))
            begin = end
        return joined

    def beside(self, kept: Sequence[Kept], order: NDArray[np.intp] | None, dtype: np.dtype[Any]) -> Array:
        """Kept arrays [J, n] side by side, [J, N], their columns in an order; in a file where they are large."""
        n_rows = kept[0].shape[0]
        joined = self._new((n_rows, sum(each.shape[1] for each in kept)), dtype)
        step = max(1, n_rows * LARGEST_BYTES // (4 * max(1, joined.nbytes)))
        for begin in range(0, n_rows, step):
            rows = slice(begin, begin + step)
            parts = [self._rows(each, rows) for each in kept]
            whole = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
            joined[rows] = whole if order is None else whole[:, order]
        return joined

    def close(self) -> None:
        """Give back what the files take."""
        for file in self._files:
            file.close()
        self._files.clear()

    def _new(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> Array:
        if math.prod(shape) * dtype.itemsize <= LARGEST_BYTES:
            return np.empty(shape, dtype)
        self._files.append(self._file())
        return np.memmap(self._files[-1], dtype, "w+", shape=shape)

    def _file(self) -> Any:
        self._folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self._folder, prefix=".scratch.")

    def _rows(self, kept: Kept, rows: slice) -> Array:
        if not isinstance(kept, _Stored):
            return kept[rows]
        begin, end, _ = rows.indices(kept.shape[0])
        row_bytes = kept.shape[1] * kept.dtype.itemsize
        read = os.pread(self._files[0].fileno(), (end - begin) * row_bytes, kept.offset + begin * row_bytes)
        return np.frombuffer(read, kept.dtype).reshape(end - begin, kept.shape[1])
