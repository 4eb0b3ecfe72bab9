"""Record what every node of a configuration's nets does for every sample."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

name = f"{snakemake.wildcards.study}/{snakemake.wildcards.configuration}"

with job(snakemake.log[0], f"Recording {name}"):
    import torch

    from nodescope import datasets
    from nodescope.recording.recorder import record_configuration

    torch.set_num_threads(snakemake.threads)
    record_configuration(
        snakemake.input.models,
        snakemake.output.activations,
        datasets.load(snakemake.input.dataset),
        snakemake.params.dataset,
        snakemake.params.seeds,
        snakemake.params.states,
        positions=snakemake.params.positions,
        random_inputs=snakemake.params.random_inputs,
        theta_threshold=snakemake.params.theta_threshold,
    )
