"""Put the figures and tables of all studies on one page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nodescope.config.charts import Charts
from nodescope.jobs.status import JobStatus
from nodescope.report import build
from nodescope.report.publishing import published
from nodescope.study.layout import RESULTS, StudyFiles


def report(
    page: str | Path,
    *,
    title: str,
    studies: Sequence[str],
    options: Mapping[str, Any],
    results: str | Path = RESULTS,
    unfinished: Sequence[JobStatus] = (),
) -> None:
    """Write the page, and put the data that it loads beside it.

    Parameters
    ----------
    studies
        Names, in order.
    options
        The section ``charts`` of the config.
    unfinished
        Jobs that the page begins with, since their results are missing.
    """
    page = Path(page)
    data = {study: StudyFiles.of(study, results).page_data for study in studies}
    with published(page.parent, data):
        build(page, title, list(studies), results, Charts.model_validate(options), list(unfinished))
