"""Measure quantities of networks of the user's own."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job, settings

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

name = f"{snakemake.wildcards.study}/{snakemake.wildcards.configuration}"

with job(snakemake.log[0], f"Measuring {' and '.join(snakemake.params.analyses)} of {name}"):
    import torch

    from nodescope.stages.measure_networks import measure_modules

    torch.set_num_threads(snakemake.threads)
    measure_modules(
        snakemake.input.dataset,
        snakemake.output,
        configuration=snakemake.wildcards.configuration,
        **settings(snakemake.params),
    )
