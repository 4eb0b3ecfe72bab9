"""Record what every node of a configuration's nets does for every sample."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job, settings

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Recording {snakemake.wildcards.study}/{snakemake.wildcards.configuration}"):
    import torch

    from nodescope.stages.record import record

    torch.set_num_threads(snakemake.threads)
    record(snakemake.input.models, snakemake.input.dataset, snakemake.output.activations, **settings(snakemake.params))
