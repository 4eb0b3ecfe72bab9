"""Put the findings of all studies on one page of Markdown."""

from collections.abc import Sequence
from pathlib import Path

from nodescope.findings.collected import read_statements
from nodescope.findings.text import findings_text
from nodescope.storage.files import atomic_path
from nodescope.study.layout import RESULTS, StudyFiles


def write_findings(path: str | Path, *, title: str, studies: Sequence[str], results: str | Path = RESULTS) -> None:
    """Write the findings of all studies as Markdown.

    Parameters
    ----------
    title
        Of the report.
    studies
        Names, in order.
    """
    statements = {study: read_statements(StudyFiles.of(study, results).findings) for study in studies}
    with atomic_path(path) as temporary:
        temporary.write_text(findings_text(title, statements), encoding="utf-8")
