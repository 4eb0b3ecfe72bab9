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

    from nodescope import datasets
    from nodescope.config.network import Network
    from nodescope.config.pattern_evolution import PatternEvolution
    from nodescope.config.training import Training
    from nodescope.storage.tables import write_table
    from nodescope.study.layout import StudyFiles
    from nodescope.training import train_configuration

    torch.set_num_threads(snakemake.threads)
    patterns = snakemake.params.pattern_evolution
    training = Training.model_validate(snakemake.params.training)
    trained = train_configuration(
        snakemake.params.key_columns,
        snakemake.params.seeds,
        training,
        datasets.load(snakemake.input.dataset),
        network=Network.model_validate(snakemake.params.network),
        initialisation=snakemake.params.initialisation,
        device=device,
        progress_folder=StudyFiles.of(snakemake.wildcards.study).progress(snakemake.wildcards.configuration),
        title=name,
        pattern_evolution=patterns and PatternEvolution.model_validate(patterns["options"]),
        theta_threshold=patterns["threshold"] if patterns else 0.0,
    )
    trained.save_networks(snakemake.output.models)
    write_table(trained.learning_curves(), snakemake.output.learning_curves)
    write_table(trained.accuracy_table(), snakemake.output.accuracy)
    write_table(trained.replica_table(), snakemake.output.replicas)
    write_table(trained.predictions(), snakemake.output.predictions)
    if patterns:
        write_table(trained.pattern_evolution(), snakemake.output.pattern_evolution)
    trained.progress.remove()
