"""Measure quantities of a configuration's networks."""

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
    import torch

    from nodescope import datasets
    from nodescope.measuring.networks import analyse_networks
    from nodescope.storage.tables import write_table

    torch.set_num_threads(snakemake.threads)
    tables = analyse_networks(
        analyses,
        snakemake.input.models,
        datasets.load(snakemake.input.dataset),
        snakemake.params.key_columns,
        snakemake.params.seeds,
        snakemake.params.states,
        snakemake.params.objective,
    )
    for table, path in zip(tables.values(), snakemake.output, strict=True):
        write_table(table, path)
