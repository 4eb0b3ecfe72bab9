"""Grids of panels along the axes of a study that have a side in them; the other axes name the series in a panel."""

from collections.abc import Collection
from typing import Any, Literal

import altair as alt
import polars as pl

from nodescope.charts.context import Context
from nodescope.study.axes import CONFIGURATION, Axis

#: What a figure may consist of.
Drawing = alt.Chart | alt.LayerChart | alt.FacetChart

#: The column of the row of panels that a configuration stands in.
ROW = "panel_row"


def in_panels(frame: pl.DataFrame, context: Context, *, without: Collection[str] = ()) -> pl.DataFrame:
    """Add ``label``, the name of each configuration within its panel, and `ROW` where an axis runs along the rows.

    Parameters
    ----------
    without
        Axes that the figure shows in another way, and that ``label`` leaves out.
    """
    found = context.configurations
    labels = {identifier: found.series(identifier, without=without) for identifier in found.identifiers}
    row = found.side("row")
    rows = {} if row is None else {ROW: pl.col(row.name).replace_strict(row.values, row.words, return_dtype=pl.String)}
    return frame.with_columns(label=pl.col(CONFIGURATION).replace_strict(labels), **rows)


def panel_columns(context: Context) -> list[str]:
    """The columns of a figure's data that name a configuration, by which panels are made and rows are filtered."""
    row = context.configurations.side("row")
    return [*context.configurations.columns, *([] if row is None else [ROW]), "label"]


def panels(
    chart: Drawing,
    context: Context,
    *,
    column: Axis | Literal["side"] | None = "side",
    independent: Collection[str] = ("x",),
) -> Drawing:
    """A panel for each combination of the values of the axes that run along its sides; the chart itself without any.

    Parameters
    ----------
    column
        The axis of the columns; by default the one whose side they are.
    independent
        Channels of which each panel has a scale of its own.
    """
    sides: dict[str, Any] = {}
    of_columns = context.configurations.side("column") if column == "side" else column
    if of_columns is not None:
        sides["column"] = alt.Column(f"{of_columns.name}:O").title(of_columns.title)
    if (axis := context.configurations.side("row")) is not None:
        words = [word for _, word in sorted(zip(axis.values, axis.words, strict=True))]
        sides["row"] = alt.Row(f"{ROW}:N").title(None).sort(words)
    if not sides:
        return chart
    scales: dict[str, Any] = dict.fromkeys(independent, "independent")
    return chart.facet(**sides).resolve_scale(**scales)
