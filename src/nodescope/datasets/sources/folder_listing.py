"""What lies in a folder, by its directory entries alone: no file is opened.

60,000 files are listed in well under a second, so that each run can see whether something was added, removed or changed.
"""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

#: What systems and tools leave behind, in lower case; names that begin with a dot are left out as well.
LEFTOVERS = frozenset(
    {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "$recycle.bin", "system volume information"}
)  # fmt: skip


class ListedFile(NamedTuple):
    """A file: the names on the way to it from the listed folder, its bytes, and when it was last written."""

    parts: tuple[str, ...]
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Listing:
    """What lies in a folder, at any level.

    Attributes
    ----------
    files : tuple of ListedFile
        Sorted by their names; links are followed, and one that leads nowhere is listed with -1 bytes.
    folders : tuple of tuple of str
        Sorted; each by the names on the way to it.
    skipped : int
        Hidden files and leftovers of systems, a folder of them counted once.
    """

    files: tuple[ListedFile, ...]
    folders: tuple[tuple[str, ...], ...]
    skipped: int

    def below(self, tops: Collection[str]) -> "Listing":
        """What lies in some of its own folders, and these themselves."""
        files = tuple(file for file in self.files if file.parts[0] in tops and len(file.parts) > 1)
        return Listing(files, tuple(folder for folder in self.folders if folder[0] in tops), self.skipped)

    def digest(self) -> str:
        """Changes with each file that is added, removed, renamed or written, and with nothing else."""
        digest = hashlib.sha256()
        for folder in self.folders:
            digest.update("/".join(folder).encode("utf-8", "surrogateescape") + b"\0\n")
        for file in self.files:
            name = "/".join(file.parts).encode("utf-8", "surrogateescape")
            digest.update(name + f"\0{file.size}\0{file.mtime_ns}\n".encode())
        return digest.hexdigest()


def is_leftover(name: str) -> bool:
    """Whether a file or folder of this name is no part of anyone's data."""
    return name.startswith(".") or name.lower() in LEFTOVERS


def list_folder(root: str | Path) -> Listing:
    """List a folder; nothing is in one that does not exist.

    Raises
    ------
    OSError
        If a folder may not be read.
    """
    files: list[ListedFile] = []
    folders: list[tuple[str, ...]] = []
    skipped = 0
    # A link to a folder above would be followed for ever: each way remembers the folders it came through.
    waiting: list[tuple[tuple[str, ...], frozenset[tuple[int, int]]]] = []
    root = Path(root)
    if root.is_dir():
        waiting.append(((), frozenset({_identity(root.stat())})))
    while waiting:
        parts, above = waiting.pop()
        with os.scandir(root.joinpath(*parts)) as entries:
            for entry in entries:
                if is_leftover(entry.name):
                    skipped += 1
                    continue
                try:
                    status = entry.stat()
                except FileNotFoundError:
                    files.append(ListedFile((*parts, entry.name), -1, 0))
                    continue
                if not stat.S_ISDIR(status.st_mode):
                    files.append(ListedFile((*parts, entry.name), status.st_size, status.st_mtime_ns))
                elif _identity(status) not in above:
                    folders.append((*parts, entry.name))
                    waiting.append(((*parts, entry.name), above | {_identity(status)}))
    return Listing(tuple(sorted(files)), tuple(sorted(folders)), skipped)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def composed(name: str) -> str:
    """A name as most systems write it: 'é' as one character (Unicode's NFC), not as 'e' and an accent (NFD)."""
    return unicodedata.normalize("NFC", name)


def code_points(name: str) -> str:
    """What tells apart names that look alike: ``'é' (U+0065 U+0301)``."""
    return f"{name!r} ({' '.join(f'U+{ord(character):04X}' for character in name)})"
