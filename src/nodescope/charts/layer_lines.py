"""A quantity per layer as lines, in a grid of panels."""

import altair as alt
import polars as pl

from nodescope.charts.axes import layer_axis, layer_width, y_of
from nodescope.charts.context import Context
from nodescope.charts.panels import Drawing, in_panels, panel_columns, panels
from nodescope.charts.style import series_scale
from nodescope.storage.columns import Quantity


def layer_lines(mean: pl.DataFrame, context: Context, quantity: Quantity) -> Drawing:
    """Draw the mean with its 95 % t interval.

    Parameters
    ----------
    mean
        As `nodescope.charts.seeds.over_seeds` gives it, with a column ``layer``.
    quantity
        What the column ``mean`` holds.
    """
    named = in_panels(context.with_spread(mean, bounds=quantity.range), context)
    series = named["label"].unique(maintain_order=True).to_list()
    keys = [name for name in ("seed", "state", "split") if name in mean.columns]
    columns = [*panel_columns(context), *keys, "layer", "mean", "low", "high"]
    data = named.select(columns).drop_nulls("mean")
    base = alt.Chart(data, width=layer_width(context.options.width * 0.8, data), height=context.options.height).encode(
        x=layer_axis(),
        color=alt.Color("label:N").title("network").scale(series_scale(series)),
    )
    lines = base.mark_line(point=True).encode(y=y_of("mean", quantity))
    errors = base.mark_rule().encode(y=alt.Y("low:Q").title(quantity.axis_title), y2="high:Q")
    return panels(alt.layer(errors, lines), context)
