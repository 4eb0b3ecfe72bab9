"""Prepare one data set: samples, labels, splits."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Preparing the data set {snakemake.wildcards.dataset}"):
    from nodescope.config.loading import parse_config
    from nodescope.datasets import preparing
    from nodescope.study.layout import prepared_name

    config = parse_config(snakemake.config)
    sources = {prepared_name(study.dataset): study.dataset for study in config.studies}
    source = sources[snakemake.wildcards.dataset]
    preparing.prepare(source, config.data_root, snakemake.output.npz, download=config.download)
