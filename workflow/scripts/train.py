"""Train one configuration: learning-rate search, all seeds."""

from typing import TYPE_CHECKING

from nodescope.jobs.devices import training_device
from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

name = f"{snakemake.wildcards.study}/{snakemake.wildcards.configuration}"

with (
    job(snakemake.log[0], f"Training {name}"),
    training_device(snakemake.config.get("device", "auto")) as device,
):
    import torch

    from nodescope.stages.train import train
    from nodescope.study.layout import StudyFiles

    torch.set_num_threads(snakemake.threads)
    train(
        snakemake.input.dataset,
        snakemake.output,
        configuration=snakemake.wildcards.configuration,
        key_columns=snakemake.params.key_columns,
        seeds=snakemake.params.seeds,
        training=snakemake.params.training,
        network=snakemake.params.network,
        initialisation=snakemake.params.initialisation,
        pattern_evolution=snakemake.params.pattern_evolution,
        device=device,
        progress_folder=StudyFiles.of(snakemake.wildcards.study).progress(snakemake.wildcards.configuration),
        title=name,
    )
