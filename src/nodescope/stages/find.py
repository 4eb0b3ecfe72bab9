"""Say what was found in the collected tables of a study."""

from collections.abc import Collection
from pathlib import Path

from nodescope.findings.collected import find_all, write_statements
from nodescope.findings.studied import Studied
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
