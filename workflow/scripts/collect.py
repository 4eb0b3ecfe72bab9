"""Put the tables of all configurations of a study together."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Collecting the tables of {snakemake.wildcards.study}"):
    from nodescope.config.study import study_of
    from nodescope.stages.collect import collect
    from nodescope.study.layout import StudyFiles

    study = study_of(snakemake.params.settings)
    collect(study, snakemake.input.dataset, StudyFiles.of(study.name))
