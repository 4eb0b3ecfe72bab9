"""Put the figures and tables of all studies on one page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nodescope.config.charts import Charts
from nodescope.jobs.status import JobStatus
from nodescope.messages.errors import NodescopeError
from nodescope.report import build
from nodescope.report.publishing import published
from nodescope.study.layout import RESULTS, StudyFiles, page_path


def report(
    page: str | Path,
    *,
    title: str,
    studies: Sequence[str],
    options: Mapping[str, Any],
    results: str | Path | Mapping[str, Path] = RESULTS,
    unfinished: Sequence[JobStatus] = (),
) -> None:
    """Write the page, and put the data that it loads beside it.

    Parameters
    ----------
    studies
        Names, in order.
    results
        The folder of all results, or that of each study.
    options
        The section ``charts`` of the config.
    unfinished
        Jobs that the page begins with, since their results are missing.
    """
    page = Path(page)
    folders = results if isinstance(results, Mapping) else dict.fromkeys(studies, Path(results))
    data = {study: StudyFiles.of(study, folders[study]).page_data for study in studies}
    with published(page.parent, data):
        build(page, title, list(studies), folders, Charts.model_validate(options), list(unfinished))


class SeveralResultsError(NodescopeError):
    """Results folders cannot be shown on one page."""


def joint_report(results: Sequence[str | Path], reports: str | Path, title: str) -> Path:
    """Build one page of all studies in several results folders; nothing is measured or drawn anew.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    SeveralResultsError
        If a folder holds no finished study, or two hold studies of the same name.
    """
    folders: dict[str, Path] = {}
    for folder in map(Path, results):
        finished = sorted(path.parents[1].name for path in folder.glob("*/charts/index.json"))
        if not finished:
            raise SeveralResultsError(f"{folder} holds no study with figures. Hint: build its own report first.")
        for name in finished:
            if name in folders:
                raise SeveralResultsError(
                    f"{folders[name]} and {folder} both hold a study {name}. Hint: a page shows studies of different names."
                )
            folders[name] = folder
    page = page_path(reports)
    report(page, title=title, studies=list(folders), options={}, results=folders)
    return page
