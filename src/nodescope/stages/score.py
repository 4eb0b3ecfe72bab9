"""Compare the collected tables of a study with the published works that it names."""

from collections.abc import Sequence

from nodescope.config.study import FamilyStudy
from nodescope.storage.json_files import read_json
from nodescope.storage.tables import read_table, write_table
from nodescope.study.layout import StudyFiles
from nodescope.works.scoring import score as score_tables


def score(files: StudyFiles, *, measured: Sequence[str]) -> None:
    """Write the tables ``scorecard``, ``claims`` and ``differences`` of a study.

    Parameters
    ----------
    measured
        The collected tables to look at.
    """
    tables = {name: read_table(files.table(name)) for name in measured}
    study = FamilyStudy.model_validate(read_json(files.settings))
    for name, table in score_tables(tables, study).items():
        write_table(table, files.table(name), files.table(name, "csv"))
