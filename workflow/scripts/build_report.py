"""Put all figures and tables on one page."""

from pathlib import Path
from typing import TYPE_CHECKING

from nodescope.jobs.job import job

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

with job(snakemake.log[0], "Building the report"):
    from nodescope.config.charts import Charts
    from nodescope.report import build
    from nodescope.report.publishing import published
    from nodescope.study.layout import RESULTS

    page, studies = Path(snakemake.output.html), snakemake.params.studies
    with published(page.parent, dict(zip(studies, snakemake.input.data, strict=True))):
        build(
            page,
            snakemake.params.title,
            studies,
            RESULTS,
            Charts.model_validate(snakemake.params.options),
        )
