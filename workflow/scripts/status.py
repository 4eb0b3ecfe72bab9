"""Print how far the studies are."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], "Reading the status"):
    from nodescope.config.loading import parse_config
    from nodescope.jobs.status import describe_status

    print(describe_status(parse_config(snakemake.params.config)))
