"""Measure one or several quantities on all recorded layers of a configuration."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

name = f"{snakemake.wildcards.study}/{snakemake.wildcards.configuration}"

with job(snakemake.log[0], f"Measuring {' and '.join(snakemake.params.analyses)} of {name}"):
    from nodescope.stages.measure_layers import measure_layers
    from nodescope.study.layout import StudyFiles

    configuration = snakemake.wildcards.configuration
    activations = StudyFiles.of(snakemake.wildcards.study).activations(configuration)
    measure_layers(activations, snakemake.output, configuration=configuration, **snakemake.params)
