"""Draw the figures of a study for the page."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Drawing the figures of {snakemake.wildcards.study}"):
    from nodescope.stages.draw import draw
    from nodescope.study.layout import StudyFiles

    draw(
        StudyFiles.of(snakemake.wildcards.study),
        snakemake.input.dataset,
        charts=snakemake.params.charts,
        options=snakemake.params.options,
        left_out=snakemake.params.left_out,
    )
