"""Diagnose the layers of a study's networks, and compare its configurations."""

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Diagnosing {snakemake.wildcards.study}"):
    from nodescope.findings.comparisons import read_answers
    from nodescope.findings.diagnosis import compare_remedies, diagnose
    from nodescope.findings.divergence import results_of
    from nodescope.storage.tables import read_table, write_table
    from nodescope.study.layout import StudyFiles

    tables = {Path(path).stem: read_table(path) for path in snakemake.input.measured}
    diagnosis = diagnose(
        tables, SimpleNamespace(**snakemake.params.thresholds)
    )  # checked when the configuration was read
    answers = read_answers(StudyFiles.of(snakemake.wildcards.study), read_table(snakemake.input.manifest))
    accuracy = results_of(read_table(snakemake.input.accuracy), read_table(snakemake.input.replicas))
    remedies = compare_remedies(accuracy, diagnosis, answers)
    write_table(diagnosis, snakemake.output.diagnosis, snakemake.output.diagnosis_csv)
    write_table(remedies, snakemake.output.remedies, snakemake.output.remedies_csv)
