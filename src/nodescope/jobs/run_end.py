"""What a run says on the terminal when it ends. Imported by every job: nothing heavy at its head."""

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

#: How a page says when it was written.
WRITTEN = "%Y-%m-%d %H:%M UTC"


@dataclass(frozen=True)
class PageOrigin:
    """Which run a page belongs to, as its head says: when it was written, from what configuration, its studies."""

    written: str
    configuration: str
    studies: str


def origin_of(page: str | Path) -> PageOrigin | None:
    """The origin of a page; None where there is no page or it does not say."""
    try:
        with Path(page).open(encoding="utf-8") as stream:
            head = stream.read(20_000)
    except (OSError, UnicodeDecodeError):
        return None
    found = dict(re.findall(r'<meta name="nodescope-(\w+)" content="([^"]*)">', head))
    try:
        return PageOrigin(*(html.unescape(found[name]) for name in ("written", "configuration", "studies")))
    except KeyError:
        return None


def on_success(page: Path, divergence: list[str], *, is_new: bool) -> str:
    """What is said where all jobs ended well; nothing where no page was asked for and no network diverged."""
    lines = []
    if is_new:
        lines.append(f"\nThe report is at {page}; the tables are below results/.")
    return "\n".join([*lines, *(["\n" + "\n".join(divergence)] if divergence else [])])


def on_failure(page: Path, started: float, logs: list[str]) -> str:
    """What is said where a job failed: where to look, and that a page of an earlier run is none of this one."""
    said = (
        "\nThe run did not finish. Failed jobs, if any, are listed above; see their logs and "
        f"{', '.join(logs)}.\nFinished jobs are kept: run the same command again to continue."
    )
    origin = origin_of(page)
    if page.is_file() and not _is_of_this_run(page, origin, started):
        of = (
            f"the earlier run of {origin.written} (configuration {origin.configuration}; studies: {origin.studies})"
            if origin
            else "an earlier run"
        )
        said += f"\n{page} is the page of {of}; it was not updated."
    return said


def _is_of_this_run(page: Path, origin: PageOrigin | None, started: float) -> bool:
    """Whether a page was written since: its file, and by what it says of itself, since a page may have been put back."""
    if page.stat().st_mtime < started - 1 or origin is None:
        return False
    written = datetime.strptime(origin.written, WRITTEN).replace(tzinfo=UTC)
    return written.timestamp() >= started - 60
