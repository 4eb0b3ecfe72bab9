"""JSON objects on disk, each with a checksum of its content: a flipped digit would still be a number."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xxhash

from nodescope.messages.errors import DamagedFileError
from nodescope.storage.checksums import KEY
from nodescope.storage.files import write_text


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write an object, for people too; whole or not at all."""
    plain = json.loads(json.dumps(content))
    write_text(path, json.dumps(plain | {KEY: _checksum(plain)}, indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read an object that `write_json` wrote.

    Raises
    ------
    DamagedFileError
        If it cannot be read, is no object, or its checksum is missing or not that of its content.
    """
    try:
        content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict) or KEY not in content:
            raise ValueError("it has no checksum: it was written by something else, or an earlier version")
        if content.pop(KEY) != _checksum(content):
            raise ValueError("its checksum is not that of its content")
    except FileNotFoundError as error:
        raise DamagedFileError(f"There is no file {path}. Hint: run the workflow that writes it.") from error
    except (OSError, ValueError) as error:
        raise DamagedFileError(
            f"{path} cannot be read ({error}). Hint: delete it; the next run makes it again."
        ) from error
    return content


def _checksum(content: Mapping[str, Any]) -> str:
    return xxhash.xxh3_64(json.dumps(content, sort_keys=True).encode()).hexdigest()
