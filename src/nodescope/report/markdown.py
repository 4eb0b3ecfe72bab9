"""Tables as Markdown."""

from typing import Any

import polars as pl


def markdown_table(frame: pl.DataFrame) -> str:
    """A table with a heading and a row per row of the frame; missing is empty, texts are escaped."""
    lines = [
        _row(name.replace("_", " ") for name in frame.columns),
        _row(["---:" if dtype.is_numeric() else "---" for dtype in frame.dtypes]),
        *(_row(map(_cell, row)) for row in frame.rows()),
    ]
    return "\n".join(lines)


def _row(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
    return text.replace("*", "\\*")
