"""Measure one or several quantities on all recorded layers of a configuration."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job, settings

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

name = f"{snakemake.wildcards.study}/{snakemake.wildcards.configuration}"

with job(snakemake.log[0], f"Measuring {' and '.join(snakemake.params.analyses)} of {name}"):
    from pathlib import Path

    from nodescope.stages.measure_layers import measure_layers

    configuration = snakemake.wildcards.configuration
    # The folder of the configuration, or folders in it, which may lie in a storage.
    activations = Path(snakemake.input.activations[0])
    while activations.name != configuration:
        activations = activations.parent
    measure_layers(
        activations,
        snakemake.output,
        configuration=configuration,
        accuracy=snakemake.input.accuracy,
        **settings(snakemake.params),
    )
