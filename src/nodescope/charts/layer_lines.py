"""A quantity per layer as lines: columns = depth, rows = batch normalisation, one line per activation function."""

import altair as alt
import polars as pl

from nodescope.charts.axes import y_of
from nodescope.charts.context import (
    Context,
    batch_norm_label,
    batch_norm_row,
    network_columns,
    variant_label,
    variant_scale,
)
from nodescope.storage.columns import Quantity


def layer_lines(mean: pl.DataFrame, context: Context, quantity: Quantity) -> alt.FacetChart:
    """Draw the mean with its 95 % t interval.

    Parameters
    ----------
    mean
        As `nodescope.charts.context.over_seeds` gives it, with a column ``layer``.
    quantity
        What the column ``mean`` holds.
    """
    several_widths = mean["width"].n_unique() > 1
    variant = variant_label(mean)
    name = pl.format("{}, width {}", variant, "width") if several_widths else variant
    named = context.with_spread(mean, bounds=quantity.range).with_columns(batch_norm_label().alias("norm"), label=name)
    variants = named["label"].unique(maintain_order=True).to_list()
    keys = [name for name in ("seed", "state", "split") if name in mean.columns]
    columns = [*network_columns(mean), "norm", "label", *keys, "layer", "mean", "low", "high"]
    data = named.select(columns).drop_nulls("mean")
    base = alt.Chart(data, width=context.options.width * 0.8, height=context.options.height).encode(
        x=alt.X("layer:O").title("layer").axis(labelAngle=0),
        color=alt.Color("label:N").title("activation").scale(variant_scale(variants)),
    )
    lines = base.mark_line(point=True).encode(y=y_of("mean", quantity))
    errors = base.mark_rule().encode(y=alt.Y("low:Q").title(quantity.axis_title), y2="high:Q")
    return (
        alt.layer(errors, lines)
        .facet(column=alt.Column("depth:O").title("hidden layers"), row=batch_norm_row())
        .resolve_scale(x="independent")
    )
