"""Diagnose the layers of a study's networks, and compare its configurations."""

from pathlib import Path
from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Diagnosing {snakemake.wildcards.study}"):
    from nodescope.stages.diagnose import diagnose
    from nodescope.study.layout import StudyFiles

    measured = [Path(path).stem for path in snakemake.input.measured]
    diagnose(StudyFiles.of(snakemake.wildcards.study), measured=measured, thresholds=snakemake.params.thresholds)
