"""A report of the configurations that are done, while others run, have failed or are still to come."""

import shutil
from pathlib import Path

from nodescope.charts.drawing import draw
from nodescope.charts.registry import charts_of, has_inspector_table
from nodescope.config.root import Config
from nodescope.config.study import Study
from nodescope.jobs.status import JobStatus, study_status
from nodescope.messages.errors import NodescopeError
from nodescope.report.page import build
from nodescope.storage.json_files import read_json, write_json
from nodescope.storage.tables import classes_table, write_table
from nodescope.study.collection import collect_tables
from nodescope.study.configurations import configurations_of, states_of
from nodescope.study.contents import CLASSES_TABLE, measured_tables
from nodescope.study.layout import (
    REPORTS,
    RESULTS,
    StudyFiles,
    description_path,
    page_path,
    partial_report_path,
    partial_results,
    published_path,
)


class NothingDoneError(NodescopeError):
    """There is no configuration to report on yet."""


def build_partial(config: Config, project: str | Path) -> Path:
    """Build ``reports/partial/index.html``; nothing of the whole report is touched.

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
    page = page_path(reports)
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
            _prepare(study, complete, config, project / RESULTS, results, published_path(reports) / study.name)
            shown.append(study.name)
    if not shown:
        raise NothingDoneError(
            "There is nothing to report on yet: no configuration has all its jobs done. Hint: `snakemake status` says how "
            "far they are."
        )
    build(page, f"{config.report.title} (partial)", shown, results, config.charts, unfinished)
    return page


def _complete(study: Study, jobs: list[JobStatus]) -> list[str]:
    """The configurations of which every job is done."""
    unfinished = {job.configuration for job in jobs if job.state != "done"}
    return [c.identifier for c in configurations_of(study) if c.identifier not in unfinished]


def _prepare(study: Study, identifiers: list[str], config: Config, whole: Path, results: Path, data: Path) -> None:
    """Collect and draw what the page is made from, as if the study had these configurations only."""
    source, files = StudyFiles.of(study.name, whole), StudyFiles.of(study.name, results)
    names = measured_tables(study)
    for name in names:
        for identifier in identifiers:
            target = files.table_of(name, identifier)
            if source.table_of(name, identifier).is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source.table_of(name, identifier), target)
    collect_tables(names, identifiers, files)
    write_json(files.settings, study.model_dump(mode="json"))
    shutil.copytree(source.benchmarks, files.benchmarks, dirs_exist_ok=True)
    description = description_path(study.dataset, results)
    description.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(description_path(study.dataset, whole), description)
    classes = classes_table(study.dataset.name, read_json(description)["classes"])
    write_table(classes, *(files.table(CLASSES_TABLE, suffix) for suffix in ("parquet", "csv")))
    drawn = [chart.name for chart in charts_of(study) if set(names).issuperset(chart.tables)]
    draw(
        study.name, drawn, files.tables, description, config.charts, states_of(study), files.charts, data,
        inspector=has_inspector_table(study), works=study.works,
    )  # fmt: skip
