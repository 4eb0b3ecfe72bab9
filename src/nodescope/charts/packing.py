"""Tables as scripts that a page can load from a disk: columns as bytes, compressed.

A page that was opened from a file may not read its neighbours, but it may run them: each is a call of
``nodescope.receive(key, frame)``. A frame is ``{"rows", "columns", "data"}``; ``data`` holds the columns one after
another, gzip in base64:

- texts, whole numbers and truth values as places in a list of values (``bytes`` 1, 2 or 4 per row, little-endian, 0 is
  missing), which comes first, as JSON of ``values`` bytes: pictures have much in common, which compresses;
- other numbers as float32, NaN is missing; rounded in all but small tables. 32 bits are written byte by byte, all
  lowest bytes first (they compress better so). ``as`` says what they are, whichever compresses best: the numbers'
  ``bits``; the ``steps`` from the bits of one row to those of the next (smooth curves); or the bits of the
  ``distinct`` numbers, and after them each row's place among those, ``bytes`` per row (shares of few samples);
- lists of whole numbers, all of one ``length``, one after another, ``bytes`` per number, all lowest bytes first;
  zeros where the list is missing.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.storage.files import write_text

#: Bits of a float32's mantissa that all but small tables keep: an error of at most 3e-5 of the value, four digits and
#: a half.
MANTISSA_BITS = 14
SMALL = 1_000


def pack(frame: pl.DataFrame, exact: Collection[str] = ()) -> dict[str, Any]:
    """A frame for the page; the numbers of the columns ``exact`` keep all digits of float32."""
    columns: list[dict[str, Any]] = []
    parts = []
    for series in frame.iter_columns():
        if series.dtype.is_float():
            how, content = _smallest(_bits(series, rounds=series.name not in exact))
            columns.append({"name": series.name, "kind": "number", **how})
            parts.append(content)
        elif isinstance(series.dtype, pl.List):
            lists = _lists(series)
            length, size = lists.shape[1], lists.itemsize
            columns.append({"name": series.name, "kind": "list", "length": length, "bytes": size})
            parts.append(_bytewise(lists))
        else:
            values, codes = _codes(series)
            told = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
            columns.append({"name": series.name, "kind": "value", "values": len(told), "bytes": codes.itemsize})
            parts += [told, codes.tobytes()]
    compressed = gzip.compress(b"".join(parts), compresslevel=6, mtime=0)
    return {"rows": len(frame), "columns": columns, "data": base64.b64encode(compressed).decode("ascii")}


def write_packed(path: Path, key: str, frame: pl.DataFrame, exact: Collection[str] = ()) -> None:
    """Write a frame as a script that hands it to the page under ``key``; ``exact`` as for `pack`."""
    packed = json.dumps(pack(frame, exact), separators=(",", ":"))
    write_text(path, f"nodescope.receive({json.dumps(key)},{packed})\n")


def _codes(series: pl.Series) -> tuple[list[Any], NDArray[Any]]:
    values = series.drop_nulls().unique(maintain_order=True)
    places = pl.Series(range(1, len(values) + 1), dtype=pl.UInt32)
    codes = series.replace_strict(values, places, default=0, return_dtype=pl.UInt32) if len(values) else None
    size = np.dtype("<u1") if len(values) < 2**8 else np.dtype("<u2") if len(values) < 2**16 else np.dtype("<u4")
    found = np.zeros(len(series), size) if codes is None else codes.to_numpy().astype(size)
    return values.to_list(), found


def _bits(series: pl.Series, *, rounds: bool) -> NDArray[np.uint32]:
    """The numbers as the bits of float32; in all but small tables they may be rounded."""
    numbers = series.fill_null(float("nan")).to_numpy().astype(np.float32)
    bits = numbers.view(np.uint32)
    dropped = 23 - MANTISSA_BITS if rounds and len(series) >= SMALL else 0
    half = np.uint32((1 << dropped) >> 1)
    return np.where(np.isfinite(numbers), (bits + half) & ~np.uint32((1 << dropped) - 1), bits)


def _smallest(bits: NDArray[np.uint32]) -> tuple[dict[str, Any], bytes]:
    """How to write numbers so that they compress best, and they so written."""
    ways: list[tuple[dict[str, Any], bytes]] = [
        ({"as": "bits"}, _bytewise(bits)),
        ({"as": "steps"}, _bytewise(np.diff(bits, prepend=np.uint32(0)))),
    ]
    distinct, places = np.unique(bits, return_inverse=True)
    if len(distinct) <= min(2**16, len(bits) // 2):
        size = np.dtype("<u1") if len(distinct) <= 2**8 else np.dtype("<u2")
        how = {"as": "places", "distinct": len(distinct), "bytes": size.itemsize}
        ways.append((how, _bytewise(distinct) + places.astype(size).tobytes()))
    return min(ways, key=lambda way: len(zlib.compress(way[1], level=1)))


def _lists(series: pl.Series) -> NDArray[Any]:
    """Lists [rows, length] as the smallest whole numbers that hold them."""
    length = int(series.list.len().max() or 0)  # type: ignore[arg-type]  # of a list's length
    lists = np.zeros((len(series), length), "<u4")
    if length:
        lists[series.is_not_null().to_numpy()] = series.drop_nulls().explode().to_numpy().reshape(-1, length)
    highest = int(lists.max(initial=0))
    return lists.astype("<u1" if highest < 2**8 else "<u2" if highest < 2**16 else "<u4")


def _bytewise(numbers: NDArray[Any]) -> bytes:
    """The lowest bytes of all numbers, then the next."""
    size = numbers.itemsize
    little = np.ascontiguousarray(numbers.astype(f"<u{size}"))
    return np.ascontiguousarray(little.view(np.uint8).reshape(-1, size).T).tobytes()
