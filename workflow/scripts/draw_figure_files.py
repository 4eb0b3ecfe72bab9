"""Draw the figures of a study as files for a paper."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Drawing the figures of {snakemake.wildcards.study} as files"):
    from nodescope.stages.draw import draw_files
    from nodescope.study.layout import StudyFiles

    files = StudyFiles.of(snakemake.wildcards.study)
    draw_files(
        files,
        snakemake.input.dataset,
        snakemake.output.figures,
        charts=snakemake.params.charts,
        options=snakemake.params.options,
    )
