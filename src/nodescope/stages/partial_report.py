"""A report of the configurations that are done, while others run, have failed or are still to come."""

import shutil
from pathlib import Path

from nodescope.charts.registry import charts_of
from nodescope.config.root import Config
from nodescope.config.study import JoinedStudy, Study
from nodescope.jobs.status import JobStatus, study_status
from nodescope.messages.errors import NodescopeError
from nodescope.stages.collect import collect
from nodescope.stages.draw import draw
from nodescope.stages.report import report
from nodescope.study.axes import Configurations
from nodescope.study.contents import measured_tables
from nodescope.study.layout import (
    REPORTS,
    RESULTS,
    StudyFiles,
    description_path,
    page_path,
    partial_report_path,
    partial_results,
)


class NothingDoneError(NodescopeError):
    """There is no configuration to report on yet."""


def partial_report(config: Config, project: str | Path = ".") -> Path:
    """Build the page of what is done; nothing of the whole report is touched.

    Parameters
    ----------
    config
        The whole configuration.
    project
        The folder that holds ``results``, ``logs`` and ``reports``.

    Returns
    -------
    Path
        The page. It begins with the jobs that are not done.

    Raises
    ------
    NothingDoneError
        If no study has a configuration of which every job is done.
    """
    project = Path(project)
    reports = partial_report_path(project / REPORTS)
    results = partial_results(project / RESULTS)
    for folder in (reports, results):
        shutil.rmtree(folder, ignore_errors=True)
    shown: list[str] = []
    unfinished: list[JobStatus] = []
    for study in config.studies:
        jobs = study_status(study, project)
        unfinished += [job for job in jobs if job.state != "done"]
        complete = _complete(study, jobs)
        if complete:
            _collect_and_draw(study, complete, config, project / RESULTS, results)
            shown.append(study.name)
    if not shown:
        raise NothingDoneError(
            "Nothing to report yet: no configuration has finished all its jobs. Hint: `snakemake status` shows their "
            "progress."
        )
    page, options = page_path(reports), config.charts.model_dump(mode="json")
    title = f"{config.report.title} (partial)"
    report(page, title=title, studies=shown, options=options, results=results, unfinished=unfinished)
    return page


def _complete(study: Study, jobs: list[JobStatus]) -> list[str]:
    """The configurations of which every job is done."""
    unfinished = {job.configuration for job in jobs if job.state != "done"}
    return [name for name in Configurations.of(study).identifiers if name not in unfinished]


def _collect_and_draw(study: Study, identifiers: list[str], config: Config, whole: Path, results: Path) -> None:
    """Make what the page is made from, as if the study had these configurations only."""
    source, files = StudyFiles.of(study.name, whole), StudyFiles.of(study.name, results)
    names = measured_tables(study)
    for name in names:
        for identifier in identifiers:
            target = files.table_of(name, identifier)
            if source.table_of(name, identifier).is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source.table_of(name, identifier), target)
    if source.benchmarks.is_dir():
        shutil.copytree(source.benchmarks, files.benchmarks, dirs_exist_ok=True)
    description = description_path(study.dataset, results)
    for part in study.parts if isinstance(study, JoinedStudy) else [study]:
        own = description_path(part.dataset, results)
        own.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(description_path(part.dataset, whole), own)
        networks = StudyFiles.of(part.name, whole).network("any").parent
        if networks.is_dir():  # what is known of networks that users bring
            shutil.copytree(networks, StudyFiles.of(part.name, results).network("any").parent, dirs_exist_ok=True)
    collect(study, description, files, identifiers)
    draw(
        files,
        description,
        charts=[chart.name for chart in charts_of(study) if set(names).issuperset(chart.tables)],
        left_out={},
        options=config.charts.model_dump(mode="json"),
    )
