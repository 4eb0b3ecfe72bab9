"""A report of what is done so far."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], "Building the partial report"):
    from nodescope.config.loading import parse_config
    from nodescope.stages.partial_report import partial_report

    page = partial_report(parse_config(snakemake.params.config))
    print(f"\nThe partial report is at {page}; it begins with what is missing.")
