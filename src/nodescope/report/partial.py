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
from nodescope.storage.tables import classes_table, collect_tables, write_table
from nodescope.study import grid


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
    page = project / "reports" / "partial" / "index.html"
    results = project / "results" / ".partial"
    for folder in (page.parent, results):
        shutil.rmtree(folder, ignore_errors=True)
    shown: list[str] = []
    unfinished: list[JobStatus] = []
    for study in config.studies:
        jobs = study_status(study, project)
        unfinished += [job for job in jobs if job.state != "done"]
        complete = _complete(study, jobs)
        if complete:
            _prepare(study, complete, config, project / "results", results, page.parent / "data" / study.name)
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
    return [c.identifier for c in grid.configurations(study) if c.identifier not in unfinished]


def _prepare(study: Study, identifiers: list[str], config: Config, whole: Path, results: Path, data: Path) -> None:
    """Collect and draw what the page is made from, as if the study had these configurations only."""
    folder = results / study.name
    names = grid.measured_tables(study)
    for name in names:
        for identifier in identifiers:
            source = whole / study.name / "tables" / name / f"{identifier}.parquet"
            if source.is_file():
                (folder / "tables" / name).mkdir(parents=True, exist_ok=True)
                shutil.copy(source, folder / "tables" / name)
    collect_tables(names, identifiers, folder / "tables")
    write_json(folder / "config.json", study.model_dump(mode="json"))
    shutil.copytree(whole / study.name / "benchmarks", folder / "benchmarks", dirs_exist_ok=True)
    description = grid.description_path(study.dataset, results)
    description.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(grid.description_path(study.dataset, whole), description)
    classes = classes_table(study.dataset.name, read_json(description)["classes"])
    write_table(classes, *(folder / "tables" / f"{grid.CLASSES_TABLE}.{suffix}" for suffix in ("parquet", "csv")))
    drawn = [chart.name for chart in charts_of(study) if set(names).issuperset(chart.tables)]
    draw(
        study.name, drawn, folder / "tables", description, config.charts, grid.states(study), folder / "charts", data,
        inspector=has_inspector_table(study), works=study.works,
    )  # fmt: skip
