"""A quantity per layer as lines, in a grid of panels."""

from collections.abc import Mapping

import altair as alt
import polars as pl

from nodescope.charts.axes import layer_axis, layer_width, y_of
from nodescope.charts.context import Context
from nodescope.charts.panels import Drawing, in_panels, panel_columns, panels
from nodescope.charts.seeds import over_seeds
from nodescope.charts.style import series_scale
from nodescope.storage.columns import Quantity


def layer_lines(mean: pl.DataFrame, context: Context, quantity: Quantity) -> Drawing:
    """Draw the mean with its 95 % t interval.

    Parameters
    ----------
    mean
        As `nodescope.charts.seeds.over_seeds` gives it, with a column ``layer``; one of its values, if there are several,
        is chosen by a column ``measure``.
    quantity
        What the column ``mean`` holds.
    """
    named = in_panels(context.with_spread(mean, bounds=quantity.range), context)
    series = named["label"].unique(maintain_order=True).to_list()
    keys = [name for name in ("seed", "state", "split", "measure") if name in mean.columns]
    columns = [*panel_columns(context), *keys, "layer", "mean", "low", "high"]
    data = named.select(columns).drop_nulls("mean")
    base = alt.Chart(data, width=layer_width(context.options.width * 0.8, data), height=context.options.height).encode(
        x=layer_axis(),
        color=alt.Color("label:N").title("network").scale(series_scale(series)),
    )
    lines = base.mark_line(point=True).encode(y=y_of("mean", quantity))
    errors = base.mark_rule().encode(y=alt.Y("low:Q").title(quantity.axis_title), y2="high:Q")
    return panels(alt.layer(errors, lines), context)


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
