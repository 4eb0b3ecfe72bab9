"""Measure one quantity on all recorded layers of a configuration."""

from types import SimpleNamespace
from typing import TYPE_CHECKING

from nodescope.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

analysis = snakemake.params.analysis
name = f"{snakemake.wildcards.study}/{snakemake.wildcards.configuration}"

with job(snakemake.log[0], f"Measuring {analysis} of {name}"):
    from nodescope.analyses import analyse_configuration
    from nodescope.tables import write_table

    options = SimpleNamespace(**snakemake.params.options)  # checked when the configuration was read
    table = analyse_configuration(
        analysis,
        snakemake.input.activations,
        snakemake.params.key_columns,
        snakemake.params.seeds,
        snakemake.params.states,
        options,
        snakemake.params.theta_threshold,
    )
    write_table(table, snakemake.output.table)
