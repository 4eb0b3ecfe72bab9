"""Hold every configuration of a study against the best one."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Comparing the configurations of {snakemake.wildcards.study}"):
    from nodescope.findings.comparisons import compare_configurations, read_answers
    from nodescope.findings.divergence import results_of
    from nodescope.storage.tables import read_table, write_table
    from nodescope.study.layout import StudyFiles

    answers = read_answers(StudyFiles.of(snakemake.wildcards.study), read_table(snakemake.input.manifest))
    accuracy = results_of(read_table(snakemake.input.accuracy), read_table(snakemake.input.replicas))
    comparisons = compare_configurations(accuracy, answers)
    write_table(comparisons, snakemake.output.comparisons, snakemake.output.comparisons_csv)
