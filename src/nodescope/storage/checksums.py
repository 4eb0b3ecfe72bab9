"""A checksum inside a Parquet file, over all its bytes: neither the format nor its readers notice every flipped bit.

It stands among the file's key-value metadata, where other readers pass over it, and is checked before anything is
parsed: a damaged footer can bring a reader down. It covers the file as if zeros stood in its own place.
"""

import mmap
from pathlib import Path

import xxhash

KEY = "nodescope_xxh3_64"
ZEROS = "0" * 16

#: Key and length of the value as Thrift's compact protocol writes them.
_BEFORE_VALUE = b"\x18" + bytes([len(KEY)]) + KEY.encode() + b"\x18" + bytes([len(ZEROS)])

#: To be put among the metadata when a file is written; `seal` then replaces the zeros.
PLACEHOLDER = {KEY: ZEROS}


def seal(path: Path) -> None:
    """Put the checksum into a file that was written with `PLACEHOLDER` among its metadata."""
    with path.open("r+b") as stream:
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            place = _place(content)
            checksum = _checksum(content, place)
        stream.seek(place)
        stream.write(checksum)


def check(path: str | Path) -> None:
    """Compare a file with its checksum.

    Raises
    ------
    ValueError
        If it has none, or another one.
    OSError
        If the file cannot be read.
    """
    with Path(path).open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = _place(content)
        if content[place : place + len(ZEROS)] != _checksum(content, place):
            raise ValueError("its checksum is not that of its content")


def _place(content: mmap.mmap) -> int:
    place = content.rfind(_BEFORE_VALUE)
    if place < 0:
        raise ValueError("it has no checksum: it is truncated, or was written by something else")
    return place + len(_BEFORE_VALUE)


def _checksum(content: mmap.mmap, place: int) -> bytes:
    checksum = xxhash.xxh3_64()
    with memoryview(content) as view, view[:place] as before, view[place + len(ZEROS) :] as after:
        for part in (before, ZEROS.encode(), after):
            checksum.update(part)
    return checksum.hexdigest().encode()
