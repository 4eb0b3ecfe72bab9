"""A quantity per layer as lines: colour by activation function, dashes for batch normalisation, names at their ends."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from nodescope.charts.axes import layer_axis, layer_width, y_of
from nodescope.charts.context import Context
from nodescope.charts.seeds import over_seeds
from nodescope.charts.series import end_names, series_of, with_room_for_names
from nodescope.storage.columns import Quantity


def layer_lines(
    mean: pl.DataFrame,
    context: Context,
    quantity: Quantity,
    *,
    width: float = 0.9,
    height: float = 1.0,
    titled: bool = True,
    zero: bool = True,
) -> Any:
    """Draw the mean with its 95 % t interval.

    Parameters
    ----------
    mean
        As `nodescope.charts.seeds.over_seeds` gives it, with a column ``layer``; one of its values, if there are several,
        is chosen by a column ``measure``.
    quantity
        What the column ``mean`` holds.
    width
        Of a panel, as a share of the usual one.
    height
        Likewise.
    titled
        Whether the vertical axis has a title.
    zero
        Whether it has a zero.
    """
    found, series = series_of(context.with_spread(mean, bounds=quantity.range), context)
    keys = [name for name in ("seed", "state", "split", "measure") if name in mean.columns]
    columns = [*context.configurations.columns, "label", "of_size", *keys, "layer", "mean", "low", "high"]
    tall = round(context.options.height * height)
    data = with_room_for_names(found.select(columns).drop_nulls("mean"), "mean", tall, keys, zero=zero)
    base = alt.Chart(width=layer_width(context.options.width * width, data), height=tall).encode(
        x=layer_axis(), color=series.colour()
    )
    title = quantity.axis_title if titled else None
    y = y_of("mean", quantity, tickCount=5).title(title).scale(zero=zero)
    lines = base.mark_line(strokeWidth=2).encode(y=y, strokeDash=series.dash())
    points = series.points(base).encode(y=y)
    errors = base.mark_rule(opacity=0.5).encode(y=alt.Y("low:Q").title(title), y2="high:Q")
    layers: list[Any] = [*([errors] if context.words.several_seeds else []), lines, points]
    if series.room:
        layers.append(end_names(base, series, "layer", "mean"))
    return series.in_panels(alt.layer(*layers, data=data))


def measures(table: pl.DataFrame, names: Mapping[str, str], context: Context) -> pl.DataFrame:
    """Several columns of a table of layers for `layer_lines`, one of which is chosen by a column ``measure``.

    Parameters
    ----------
    table
        With ``state``, ``split`` and ``layer``.
    names
        Of its columns, those that are shown, and for readers.
    """
    keys = [*context.configurations.columns, "seed", "state", "split", "layer"]
    known = {column: name for column, name in names.items() if table[column].count()}
    long = table.select(*keys, *(pl.col(column).cast(pl.Float64) for column in known)).unpivot(
        list(known), index=keys, variable_name="measure", value_name="value"
    )
    return over_seeds(long.with_columns(pl.col("measure").replace_strict(known)), "value")
