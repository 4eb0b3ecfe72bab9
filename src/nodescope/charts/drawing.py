"""Draw all figures of a study: for the page with an index that lists them, or as files for a paper."""

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import polars as pl

from nodescope.analyses import WHERE_MISSING, registered
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.files import write_figure
from nodescope.charts.page_data import PageData
from nodescope.charts.registry import CHARTS, NO_CLASSES
from nodescope.charts.tables import declared_tables
from nodescope.storage.columns import Quantity
from nodescope.storage.json_files import write_json
from nodescope.storage.tables import read_table, scan_table
from nodescope.study.layout import StudyFiles

logger = logging.getLogger(__name__)


def draw(
    study: str,
    charts: Sequence[str],
    files: StudyFiles,
    context: Context,
    data_folder: str | Path,
    *,
    left_out: Mapping[str, str] | None = None,
) -> None:
    """Draw the figures of a study for the page.

    Parameters
    ----------
    study
        Its name.
    charts
        The kinds of charts that it has, of `nodescope.charts.registry.CHARTS`.
    files
        Its results: has the collected tables, gets the list of the figures, ``charts/index.json``.
    context
        What the charts know beside the tables.
    data_folder
        Gets the figures' data as scripts that the page loads.
    left_out
        The kinds of charts that are not drawn, and why.
    """
    _emptied(files.charts)
    page = PageData(study, context, _emptied(data_folder))
    impossible = {name: reason for name in charts if (reason := _reason(CHARTS[name], context))}
    charts = [name for name in charts if name not in impossible]
    missing = {**(left_out or {}), **impossible, **empty(charts, files)}
    index = []
    for name, figure in figures_of(charts, files, context):
        entry = page.add(figure, quantities_of(name, figure))
        index.append({"chart": name, "section": CHARTS[name].title} | entry)
        logger.info("drew %s", figure.name)
    for name, reason in missing.items():
        logger.info("%s is not drawn: %s", name, reason)
    write_json(files.figure_index, {"figures": index, "left_out": missing})


def draw_files(charts: Sequence[str], files: StudyFiles, context: Context, folder: str | Path) -> None:
    """Draw the figures of a study as files for a paper, every configuration: SVG, PNG, Vega-Lite JSON, and the data.

    Parameters are those of `draw`; ``folder`` gets all files.
    """
    folder = _emptied(folder)
    for _, figure in figures_of(charts, files, context):
        write_figure(folder, figure, context)


def figures_of(charts: Sequence[str], files: StudyFiles, context: Context) -> Iterator[tuple[str, Figure]]:
    """The figures of these kinds, each with its kind, from the collected tables; none from an empty table."""
    missing = empty(charts, files)
    for name in charts:
        if name in missing:
            continue
        read = scan_table if CHARTS[name].lazy else read_table
        further = [table for table in CHARTS[name].optional if table in context.tables and files.table(table).is_file()]
        needed = {table: read(files.table(table)) for table in (*CHARTS[name].tables, *further)}
        for figure in import_module(f"nodescope.charts.gallery.{name}").figures(needed, context):
            yield name, figure


def empty(charts: Sequence[str], files: StudyFiles) -> dict[str, str]:
    """The kinds of charts that show a table without rows or a column without values, and what to say of it."""
    unknown = {
        name: f"its column {column} holds no values{_hint(table)}"
        for name in charts
        for table, column in (needed.split(".") for needed in CHARTS[name].needs_values)
        if not scan_table(files.table(table)).select(pl.col(column).count()).collect().item()
    }
    shown = {name: CHARTS[name].tables[0] for name in charts if not CHARTS[name].may_be_empty}
    without = {
        table for table in set(shown.values()) if not scan_table(files.table(table)).select(pl.len()).collect().item()
    }
    return unknown | {name: f"its table {table} has no rows" for name, table in shown.items() if table in without}


def _hint(table: str) -> str:
    """What may be why, where a table may be without values."""
    analysis = registered().get(table)
    return (
        f": {WHERE_MISSING['positions']}, or the networks diverged"
        if analysis and "positions" in analysis.needs
        else ""
    )


def quantities_of(chart: str, figure: Figure) -> dict[str, Quantity]:
    """What the columns of a figure's data hold: as it says itself, else as its tables declare."""
    tables = declared_tables()
    shown = [table for table in (*CHARTS[chart].tables, *CHARTS[chart].optional) if table in tables]
    found = {name: quantity for table in shown for name, quantity in tables[table].quantities.items()}
    found |= figure.quantities
    if figure.quantity in found:  # the ends of its interval
        found = {"low": found[figure.quantity], "high": found[figure.quantity]} | found
    return found


def _reason(chart: Chart, context: Context) -> str:
    """Why a study cannot have a chart, as far as that is known from its data; empty where it can."""
    if chart.needs_classes and not context.has_classes:
        return NO_CLASSES
    return next((context.missing[table] for table in chart.tables if table in context.missing), "")


def _emptied(folder: str | Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder).mkdir(parents=True)
    return Path(folder)
