"""What modules declare, read from their sources: importing them would load polars and altair into Snakemake and its jobs."""

import ast
from pathlib import Path
from typing import Any


def declared_literals(path: Path, name: str, kind: str) -> dict[str, Any] | None:
    """The keyword arguments of ``NAME = KIND(...)`` in a module; None where it has no such line.

    Parameters
    ----------
    path
        The module.
    name, kind
        As written there: ``CHART``, ``Chart``.

    Raises
    ------
    ValueError
        If an argument is not a literal.
    """
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=found)], value=ast.Call(func=ast.Name(id=called), args=[], keywords=keywords)
            ) if (found, called) == (name, kind):
                return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in keywords}
    return None
