"""Put the tables of all configurations of a study together."""

from pathlib import Path
from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Collecting the tables of {snakemake.wildcards.study}"):
    from nodescope.config.study import Study
    from nodescope.estimates.requests import resource_table
    from nodescope.storage.json_files import read_json, write_json
    from nodescope.storage.tables import classes_table, collect_tables, write_table
    from nodescope.study import grid

    study = Study.model_validate(snakemake.params.settings)
    write_table(grid.manifest(study), snakemake.output.manifest)
    write_json(snakemake.output.settings, snakemake.params.settings)
    folder = Path(snakemake.output.manifest).parent
    write_table(resource_table(study, folder), snakemake.output.resources, snakemake.output.resources_csv)
    classes = classes_table(study.dataset.name, read_json(snakemake.input.dataset)["classes"])
    write_table(classes, snakemake.output.classes, snakemake.output.classes_csv)
    identifiers = [configuration.identifier for configuration in grid.configurations(study)]
    collect_tables(grid.measured_tables(study), identifiers, folder / "tables")
