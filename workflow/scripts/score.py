"""Compare the collected tables of a study with the published works."""

from pathlib import Path
from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Scoring {snakemake.wildcards.study}"):
    from nodescope.stages.score import score
    from nodescope.study.layout import StudyFiles

    measured = [Path(path).stem for path in snakemake.input.tables]
    score(StudyFiles.of(snakemake.wildcards.study), measured=measured)
