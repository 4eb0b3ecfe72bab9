"""Print how much there is to do."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], "Planning"):
    from nodescope.config.loading import parse_config
    from nodescope.estimates.plan import describe_plan

    print(describe_plan(parse_config(snakemake.params.config), snakemake.params.cores))
