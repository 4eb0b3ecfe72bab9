"""Put together what was found of the networks of a configuration."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Describing {snakemake.wildcards.study}/{snakemake.wildcards.configuration}"):
    from nodescope.stages.describe import describe

    describe(snakemake.input.found, snakemake.output, configuration=snakemake.wildcards.configuration)
