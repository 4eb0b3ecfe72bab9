"""Which charts there are, from what the modules of the gallery declare. Imports nothing heavy.

The declarations are literals, which are read from the sources: importing the modules would load polars and altair into
Snakemake and each of its jobs.
"""

import ast
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nodescope.analyses import WHERE_MISSING
from nodescope.charts.chart import SECTIONS, Chart
from nodescope.study.axes import Configurations
from nodescope.study.configurations import is_trained, states_of
from nodescope.study.contents import analyses_left_out, table_names

if TYPE_CHECKING:
    from nodescope.config.study import Study

GALLERY = Path(__file__).parent / "gallery"

#: Why a chart of how classes differ is left out; before recordings are looked at it is not known.
NO_CLASSES = WHERE_MISSING["classes"]

#: Why a study has no such table, where that is no analysis.
WITHOUT_TABLE = {
    "comparisons": "one configuration has nothing to be compared with, and untrained networks no accuracy",
    "pattern_evolution": "patterns are not followed through training (pattern_evolution)",
    "scorecard": "the study is compared with no published works (works)",
}


def declaration(path: Path) -> Chart:
    """What a module of the gallery declares.

    Raises
    ------
    TypeError
        If it has no ``CHART = Chart(...)`` of literals, or one that does not fit `Chart`.
    """
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="CHART")], value=ast.Call(args=[], keywords=keywords)):
                chart = Chart(**{str(k.arg): ast.literal_eval(k.value) for k in keywords}, name=path.stem)
                if chart.section not in SECTIONS:
                    raise TypeError(f"{path}: the section '{chart.section}' is none of {', '.join(SECTIONS)}")
                return chart
    raise TypeError(f"{path} has no `CHART = Chart(...)`. Hint: every module of the gallery declares its chart so.")


def declared(gallery: Path = GALLERY) -> dict[str, Chart]:
    """The charts of a gallery by name, in the order of the report."""
    charts = [declaration(path) for path in gallery.glob("*.py") if path.stem != "__init__"]
    sections = list(SECTIONS)
    charts.sort(key=lambda chart: (sections.index(chart.section), chart.order, chart.name))
    return {chart.name: chart for chart in charts}


#: All charts by name, in the order of the report.
CHARTS = declared()


def charts_of(study: "Study") -> list[Chart]:
    """The charts that a study's tables and axes allow."""
    missing = left_out(study)
    return [chart for chart in CHARTS.values() if chart.name not in missing]


def tables_of(charts: Iterable[Chart], study: "Study") -> set[str]:
    """The tables of the study that these charts are drawn from."""
    known = set(table_names(study))
    return {table for chart in charts for table in (*chart.tables, *known.intersection(chart.optional))}


def left_out(study: "Study") -> dict[str, str]:
    """The charts that a study cannot have, and why."""
    axes, tables = Configurations.of(study).axis_names, table_names(study)
    trained, snapshots = is_trained(study), bool({*states_of(study)} - {"initial", "trained"})
    impossible = analyses_left_out(study)
    reasons = {
        name: next((impossible[table] for table in chart.tables if table in impossible), "")
        or reason_to_leave_out(
            chart, tables, axes, trained=trained, accuracy=trained, snapshots=snapshots, classes=True
        )
        for name, chart in CHARTS.items()
    }
    return {name: reason for name, reason in reasons.items() if reason}


def reason_to_leave_out(
    chart: Chart,
    tables: Collection[str],
    axes: Collection[str],
    *,
    trained: bool,
    accuracy: bool,
    snapshots: bool,
    classes: bool,
) -> str:
    """Why a chart cannot be drawn; empty where it can.

    Parameters
    ----------
    tables, axes
        Those that the study has.
    trained
        Whether its networks are trained here.
    accuracy
        Whether the accuracy of its networks after training is known, wherever they were trained.
    snapshots
        Whether networks are known between the first and the last state.
    classes
        Whether its samples have classes.
    """
    if chart.needs_classes and not classes:
        return NO_CLASSES
    for kind, needed, known in (("table", chart.tables, tables), ("axis", chart.axes, axes)):
        missing = [name for name in needed if name not in known]
        if missing:
            return WITHOUT_TABLE.get(missing[0], f"the study has no {kind} {missing[0]}")
    if chart.needs_training and not trained:
        return "its networks are not trained here"
    if chart.needs_accuracy and not accuracy:
        return "no accuracy of trained networks is known"
    if chart.needs_snapshots and not snapshots:
        return "no states between the first and the last are recorded (snapshots)"
    return ""
