"""Draw all figures of one kind."""

from typing import TYPE_CHECKING

from nodescope.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

name = f"{snakemake.wildcards.study}/{snakemake.wildcards.chart}"

with job(snakemake.log[0], f"Drawing {name}"):
    from nodescope.charts.drawing import draw
    from nodescope.config.schema import Charts

    draw(
        snakemake.wildcards.chart,
        snakemake.input.tables,
        snakemake.input.dataset,
        Charts.model_validate(snakemake.params.options),
        snakemake.params.states,
        snakemake.output.charts,
    )
