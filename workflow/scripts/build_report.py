"""Put all figures and tables on one page."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job, settings

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], "Building the report"):
    from nodescope.stages.report import report

    report(snakemake.output.html, **settings(snakemake.params))
