"""The table of docs/reliability.md: what the long tests of faults and fuzzing tried, and that nothing was lost."""

import datetime
import platform
from pathlib import Path

from conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "reliability.md"
BEGIN, END = "<!-- figures: written by make reliability -->", "<!-- end of figures -->"


def write_reliability(counted: dict[str, object], page: Path = PAGE) -> None:
    """Put the figures between the marks; those that this run did not count stay."""
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    table, tail = rest.split(END)
    rows = dict(line.strip("| \n").rsplit(" | ", 1) for line in table.splitlines() if line.startswith("| "))
    rows = {name: value for name, value in rows.items() if name not in ("what", "---")}
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    rows |= {name: f"{value} ({date})" for name, value in counted.items()}
    lines = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    machine = f"On {platform.system()} {platform.machine()}, Python {platform.python_version()}."
    page.write_text(
        f"{head}{BEGIN}\n\n{machine}\n\n| what | figure |\n|---|---|\n{lines}\n\n{END}{tail}", encoding="utf-8"
    )
