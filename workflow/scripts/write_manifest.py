"""Write the configurations of a study, and its settings."""

import json
from typing import TYPE_CHECKING

from nodescope.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], f"Writing the manifest of {snakemake.wildcards.study}"):
    from nodescope import grid
    from nodescope.config import Study
    from nodescope.files import write_text
    from nodescope.tables import write_table

    write_table(grid.manifest(Study.model_validate(snakemake.params.settings)), snakemake.output.manifest)
    write_text(snakemake.output.settings, json.dumps(snakemake.params.settings, indent=2, ensure_ascii=False) + "\n")
