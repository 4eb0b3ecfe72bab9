"""Put the tables of all configurations of a study together."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Collecting the tables of {snakemake.wildcards.study}"):
    from nodescope.config.study import Study
    from nodescope.estimates.requests import resource_table
    from nodescope.storage.json_files import read_json, write_json
    from nodescope.storage.tables import classes_table, write_table
    from nodescope.study.collection import collect_tables
    from nodescope.study.configurations import configurations_of, manifest
    from nodescope.study.contents import measured_tables
    from nodescope.study.layout import StudyFiles

    study = Study.model_validate(snakemake.params.settings)
    write_table(manifest(study), snakemake.output.manifest)
    write_json(snakemake.output.settings, snakemake.params.settings)
    files = StudyFiles.of(snakemake.wildcards.study)
    write_table(resource_table(study, files), snakemake.output.resources, snakemake.output.resources_csv)
    classes = classes_table(study.dataset.name, read_json(snakemake.input.dataset)["classes"])
    write_table(classes, snakemake.output.classes, snakemake.output.classes_csv)
    identifiers = [configuration.identifier for configuration in configurations_of(study)]
    collect_tables(measured_tables(study), identifiers, files)
