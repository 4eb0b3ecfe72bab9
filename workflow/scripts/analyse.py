"""Measure one or several quantities on all recorded layers of a configuration."""

from types import SimpleNamespace
from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

# checked when the configuration was read
analyses = {analysis: SimpleNamespace(**options) for analysis, options in snakemake.params.analyses.items()}
name = f"{snakemake.wildcards.study}/{snakemake.wildcards.configuration}"

with job(snakemake.log[0], f"Measuring {' and '.join(analyses)} of {name}"):
    from nodescope.analyses import analyse_configuration
    from nodescope.storage.tables import write_table

    tables = analyse_configuration(
        analyses,
        snakemake.input.activations,
        snakemake.params.key_columns,
        snakemake.params.seeds,
        snakemake.params.states,
        snakemake.params.theta_threshold,
    )
    for table, path in zip(tables.values(), snakemake.output, strict=True):
        write_table(table, path)
