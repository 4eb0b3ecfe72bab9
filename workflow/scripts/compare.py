"""Hold every configuration of a study against the best one."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Comparing the configurations of {snakemake.wildcards.study}"):
    from nodescope.stages.compare import compare
    from nodescope.study.layout import StudyFiles

    compare(StudyFiles.of(snakemake.wildcards.study))
