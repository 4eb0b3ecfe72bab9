"""Say what ails the layers of a study's networks, and which configuration helps."""

from collections.abc import Mapping, Sequence
from typing import Any

from nodescope.config.diagnosis import Diagnosis
from nodescope.findings.comparisons import read_answers
from nodescope.findings.diagnosis import compare_remedies
from nodescope.findings.diagnosis import diagnose as diagnose_layers
from nodescope.findings.divergence import results_of
from nodescope.storage.tables import read_table, write_table
from nodescope.study.axes import Configurations
from nodescope.study.layout import StudyFiles


def diagnose(files: StudyFiles, *, measured: Sequence[str], thresholds: Mapping[str, Any]) -> None:
    """Write the tables ``diagnosis`` and ``remedies`` of a study.

    Parameters
    ----------
    measured
        The collected tables to look at.
    thresholds
        The section ``diagnosis`` of the study.
    """
    tables = {name: read_table(files.table(name)) for name in measured}
    configurations = Configurations.read(files.configurations)
    diagnosis = diagnose_layers(tables, Diagnosis.model_validate(thresholds), configurations)
    answers = read_answers(files, configurations.identifiers)
    results = results_of(read_table(files.table("accuracy")), read_table(files.table("replicas")))
    remedies = compare_remedies(results, diagnosis, answers, configurations)
    for name, table in (("diagnosis", diagnosis), ("remedies", remedies)):
        write_table(table, files.table(name), files.table(name, "csv"))
