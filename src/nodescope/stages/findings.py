"""Say what was found in the collected tables of a study, and put the sentences of all studies on one page of Markdown."""

from collections.abc import Collection, Mapping
from pathlib import Path

from nodescope.findings.collected import find_all, read_statements, write_statements
from nodescope.findings.studied import Studied
from nodescope.findings.text import findings_text
from nodescope.storage.files import atomic_path
from nodescope.storage.tables import scan_table
from nodescope.study.layout import StudyFiles


def find(files: StudyFiles, description: str | Path, *, tables: Collection[str], charts: Collection[str]) -> None:
    """Write the findings of a study, `StudyFiles.findings`.

    Parameters
    ----------
    description
        Of its prepared data set.
    tables
        The collected tables to look at.
    charts
        The names of the charts that the study has.
    """
    there = {name: scan_table(files.table(name)) for name in tables}
    write_statements(files.findings, find_all(there, Studied.read(files, description), charts))


def write_findings(path: str | Path, *, title: str, findings: Mapping[str, str | Path]) -> None:
    """Write the findings of all studies as Markdown.

    Parameters
    ----------
    title
        Of the report.
    findings
        The file of each study's findings, by its name.
    """
    text = findings_text(title, {study: read_statements(of_study) for study, of_study in findings.items()})
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
