"""The checksum of every file that a later stage reads back: neither formats nor their readers notice every flipped bit.

The checksum (xxh3, 64 bits, over all bytes of the file) stands in a small hidden file beside it: ``.NAME.xxh3``. It is
compared before anything is parsed, since a damaged footer can bring a reader down. It is written last: a job that is
killed in between leaves a whole file without a checksum. Such a file, like one that was made elsewhere, is read as it is.
"""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

import xxhash

from nodescope.storage.files import atomic_path, write_text


def digest_path(path: str | PurePath) -> Path:
    """The file that holds the checksum of another one.

    >>> digest_path("tables/medians.parquet").as_posix()
    'tables/.medians.parquet.xxh3'
    """
    path = Path(path)
    return path.with_name(f".{path.name}.xxh3")


@contextmanager
def digested_path(path: str | PurePath) -> Iterator[Path]:
    """Give a temporary path as `nodescope.storage.files.atomic_path` does; the file then also gets its checksum."""
    beside = digest_path(path)
    with atomic_path(path) as temporary:
        yield temporary
        found = digest(temporary)
        beside.unlink(missing_ok=True)  # never a new file beside an old checksum
    write_text(beside, f"{found}\n")


def check_digest(path: str | PurePath) -> None:
    """Compare a file with its checksum, where it has one.

    Raises
    ------
    ValueError
        If the file is not the one that was written.
    OSError
        If a file cannot be read.
    """
    beside = digest_path(path)
    try:
        expected = beside.read_bytes().strip()
    except FileNotFoundError:
        return
    if digest(Path(path)).encode() != expected:
        raise ValueError(
            f"its checksum is not the one in {beside.name} beside it: it is damaged or was replaced. To use your own "
            "replacement, delete the checksum file too"
        )


def digest(path: str | PurePath) -> str:
    """The checksum of a file."""
    path = Path(path)
    with path.open("rb") as stream:
        if not path.stat().st_size:  # which cannot be mapped
            return xxhash.xxh3_64_hexdigest(b"")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return xxhash.xxh3_64_hexdigest(content)
