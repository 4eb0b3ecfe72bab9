"""See which samples, splits and classes the recordings of a study have."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Looking at the recordings {snakemake.wildcards.dataset}"):
    from nodescope.config.loading import parse_config
    from nodescope.stages.import_recordings import look_at_recordings

    look_at_recordings(parse_config(snakemake.config), snakemake.wildcards.dataset, snakemake.output.description)
