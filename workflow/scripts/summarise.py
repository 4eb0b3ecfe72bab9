"""Mean and standard error of the sparsity over the seeds."""

from typing import TYPE_CHECKING

from nodescope.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Summarising the sparsity of {snakemake.wildcards.study}"):
    from nodescope.tables import read_table, sparsity_summary, write_table

    table = sparsity_summary(read_table(snakemake.input.table))
    write_table(table, snakemake.output.parquet, snakemake.output.csv)
