"""Take a configuration of another study into a study that looks at several together."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Joining {snakemake.wildcards.study}/{snakemake.wildcards.configuration}"):
    from nodescope.stages.join import join

    join(
        dict(zip(snakemake.params.studies, snakemake.input.descriptions, strict=True)),
        dict(zip(snakemake.input.tables, [*snakemake.output.tables, snakemake.output.predictions], strict=True)),
        study=snakemake.wildcards.study,
        configuration=snakemake.wildcards.configuration,
    )
