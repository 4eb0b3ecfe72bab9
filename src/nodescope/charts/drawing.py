"""Draw the figures of one kind and write each as Vega-Lite JSON, SVG and PNG, with an index that lists them."""

import json
import logging
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

from nodescope.charts.context import Context, Figure
from nodescope.charts.registry import CHARTS
from nodescope.files import atomic_path, write_text
from nodescope.tables import read_table

if TYPE_CHECKING:
    from nodescope.config.schema import Charts

logger = logging.getLogger(__name__)

PNG_SCALE = 2
CONFIG: dict[str, Any] = {
    "font": "sans-serif",
    "background": "white",
    "view": {"stroke": "#cccccc"},
    "axis": {
        "grid": True,
        "gridColor": "#eeeeee",
        "labelFontSize": 10,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    },
    "header": {"labelFontSize": 11, "titleFontSize": 11},
    "legend": {"labelFontSize": 10, "titleFontSize": 11},
    "title": {"fontSize": 12, "fontWeight": "normal"},
}


def draw(
    name: str,
    table_paths: list[str],
    dataset_description: str,
    options: "Charts",
    states: list[str],
    folder: str | Path,
) -> None:
    """Draw all figures of one kind.

    Parameters
    ----------
    name
        Of the kind, see `nodescope.charts.registry.CHARTS`.
    table_paths
        The collected tables that it needs, in the registry's order.
    dataset_description
        The JSON beside the prepared data set.
    folder
        Gets ``FIGURE.vl.json``, ``.svg``, ``.png`` and ``index.json``.
    """
    tables = dict(zip(CHARTS[name].tables, map(read_table, table_paths), strict=True))
    class_names = json.loads(Path(dataset_description).read_text(encoding="utf-8"))["classes"]
    context = Context(options, class_names, states)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for figure in import_module(f"nodescope.charts.{name}").figures(tables, context):
        index.append(_write(figure, folder))
        logger.info("drew %s", figure.name)
    write_text(folder / "index.json", json.dumps(index, indent=1, ensure_ascii=False))


def specification(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """The Vega-Lite specification of a chart, with the look that all share."""
    # The limit of 5,000 rows guards against bloated notebooks; the charts here bring aggregated data.
    with alt.data_transformers.enable("default", max_rows=None):
        spec: dict[str, Any] = chart.to_dict()
    spec["config"] = CONFIG
    return spec


def _write(figure: Figure, folder: Path) -> dict[str, Any]:
    """Write one figure; the entry for the index."""
    entry: dict[str, Any] = {
        "name": figure.name,
        "title": figure.title,
        "caption": figure.caption,
        "reference": f"{figure.work}, {figure.reference}",
    }
    if figure.table is not None:
        entry["table"] = {"columns": figure.table.columns, "rows": [list(row) for row in figure.table.rows()]}
    if figure.chart is not None:
        spec = specification(figure.chart)
        write_text(folder / f"{figure.name}.vl.json", json.dumps(spec, separators=(",", ":")))
        version = alt.SCHEMA_VERSION.rpartition(".")[0]
        write_text(folder / f"{figure.name}.svg", vl_convert.vegalite_to_svg(spec, vl_version=version))
        with atomic_path(folder / f"{figure.name}.png") as temporary:
            temporary.write_bytes(vl_convert.vegalite_to_png(spec, vl_version=version, scale=PNG_SCALE))
        entry["chart"] = f"{figure.name}.vl.json"
    return entry
