"""JSON objects on disk, with a checksum: a flipped digit would still be a number."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodescope.messages.errors import DamagedFileError
from nodescope.storage.digests import check_digest, digested_path


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write an object, for people too; whole or not at all."""
    with digested_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read an object.

    Raises
    ------
    DamagedFileError
        If it is missing, damaged or no object.
    """
    try:
        check_digest(path)
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it contains no JSON object")
    except FileNotFoundError as error:
        raise DamagedFileError(f"There is no file {path}. Hint: run the workflow to create it.") from error
    except (OSError, ValueError) as error:
        raise DamagedFileError(
            f"{path} cannot be read ({error}). Hint: delete it; the next run recreates it."
        ) from error
    return content
