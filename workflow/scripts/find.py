"""Say what was found in the collected tables of a study."""

from pathlib import Path
from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Finding what the tables of {snakemake.wildcards.study} say"):
    from nodescope.stages.find import find
    from nodescope.study.layout import StudyFiles

    find(
        StudyFiles.of(snakemake.wildcards.study),
        snakemake.input.dataset,
        tables=[Path(path).stem for path in snakemake.input.tables],
        charts=snakemake.params.charts,
    )
