"""Write the findings of all studies as Markdown."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], "Writing the findings"):
    from nodescope.stages.write_findings import write_findings

    write_findings(snakemake.output[0], title=snakemake.params.title, studies=snakemake.params.studies)
