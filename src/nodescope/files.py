"""Write files so that a partial one is never mistaken for a whole one."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath


@contextmanager
def atomic_path(path: str | PurePath) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it to ``path`` when the block ends without an error.

    The temporary name keeps the suffix, since some writers choose the format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Unique also beside a job of the same number on another machine.
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(6)}.partial{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
