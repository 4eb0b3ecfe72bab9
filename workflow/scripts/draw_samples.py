"""Draw the samples that the tables of a study name."""

from pathlib import Path
from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Drawing samples of {snakemake.wildcards.study}"):
    from nodescope.stages.samples import draw_samples
    from nodescope.study.layout import StudyFiles

    naming = [Path(path).stem for path in snakemake.input.naming]
    draw_samples(StudyFiles.of(snakemake.wildcards.study), snakemake.input.dataset, naming)
