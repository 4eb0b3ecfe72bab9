"""Draw the figures of a study as files for a paper."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Drawing the figures of {snakemake.wildcards.study} as files"):
    from nodescope.charts.drawing import draw_files
    from nodescope.config.charts import Charts
    from nodescope.study.layout import StudyFiles

    draw_files(
        snakemake.params.charts,
        StudyFiles.of(snakemake.wildcards.study).tables,
        snakemake.input.dataset,
        Charts.model_validate(snakemake.params.options),
        snakemake.params.states,
        snakemake.output.figures,
        works=snakemake.params.works,
    )
