"""Take in what was recorded elsewhere of the networks of a configuration."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Taking in {snakemake.wildcards.study}/{snakemake.wildcards.configuration}"):
    from nodescope.stages.import_recordings import import_recordings

    import_recordings(
        snakemake.input.dataset,
        snakemake.output,
        configuration=snakemake.wildcards.configuration,
        **snakemake.params.recordings,
    )
