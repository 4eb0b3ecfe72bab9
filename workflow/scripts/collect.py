"""Put one table of all configurations together."""

from typing import TYPE_CHECKING

from nodescope.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Collecting {snakemake.wildcards.table} of {snakemake.wildcards.study}"):
    from nodescope.tables import collect, write_table

    write_table(collect(snakemake.input.tables), snakemake.output.parquet, snakemake.output.csv)
