"""Put all figures and tables on one page."""

from typing import TYPE_CHECKING

from nodescope.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], "Building the report"):
    from nodescope.config.schema import Charts
    from nodescope.report import build

    build(
        snakemake.output.html,
        snakemake.params.title,
        snakemake.params.studies,
        "results",
        Charts.model_validate(snakemake.params.options),
    )
