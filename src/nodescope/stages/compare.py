"""Compare every configuration of a study with the best one."""

from nodescope.findings.comparisons import compare_configurations, read_answers
from nodescope.findings.divergence import results_of
from nodescope.storage.tables import read_table, write_table
from nodescope.study.axes import Configurations
from nodescope.study.contents import COMPARISON_TABLE
from nodescope.study.layout import StudyFiles


def compare(files: StudyFiles) -> None:
    """Write the table ``comparisons`` of a study from its collected tables and its networks' predictions."""
    configurations = Configurations.read(files.configurations)
    answers = read_answers(files, configurations.identifiers)
    results = results_of(read_table(files.table("accuracy")), read_table(files.table("replicas")))
    comparisons = compare_configurations(results, answers, configurations)
    write_table(comparisons, files.table(COMPARISON_TABLE), files.table(COMPARISON_TABLE, "csv"))
