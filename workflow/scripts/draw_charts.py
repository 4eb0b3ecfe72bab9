"""Draw the figures of a study for the page."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Drawing the figures of {snakemake.wildcards.study}"):
    from nodescope.charts.drawing import draw
    from nodescope.config.charts import Charts
    from nodescope.study.layout import StudyFiles

    draw(
        snakemake.wildcards.study,
        snakemake.params.charts,
        StudyFiles.of(snakemake.wildcards.study).tables,
        snakemake.input.dataset,
        Charts.model_validate(snakemake.params.options),
        snakemake.params.states,
        snakemake.output.charts,
        snakemake.output.data,
        inspector=bool(snakemake.input.inspector),
        works=snakemake.params.works,
    )
