"""Hold the collected tables of a study against the published works."""

from pathlib import Path
from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Scoring {snakemake.wildcards.study}"):
    from nodescope.config.study import Study
    from nodescope.storage.json_files import read_json
    from nodescope.storage.tables import read_table, write_table
    from nodescope.works.scoring import score

    tables = {Path(path).stem: read_table(path) for path in snakemake.input.tables}
    study = Study.model_validate(read_json(snakemake.input.settings))
    for name, table in score(tables, study).items():
        write_table(table, snakemake.output[name], snakemake.output[f"{name}_csv"])
