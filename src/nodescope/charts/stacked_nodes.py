"""Shares of the nodes of each layer that are of one sort or another, as stacked bars."""

from collections.abc import Mapping

import altair as alt
import polars as pl

from nodescope.charts.axes import axis_of, layer_axis, layer_width
from nodescope.charts.context import Context
from nodescope.storage.columns import Quantity

PANELS_IN_A_ROW = 3


def stacked_nodes(
    mean: pl.DataFrame, sort: str, colours: Mapping[str, str], quantity: Quantity, context: Context
) -> alt.FacetChart:
    """A panel per configuration, a bar per layer.

    Parameters
    ----------
    mean
        As `nodescope.charts.seeds.over_seeds` gives it, with the columns ``layer`` and ``sort``.
    sort
        The column by which the bars are divided.
    colours
        Of its values, from the bottom of a bar to its top.
    quantity
        What the column ``mean`` holds.
    """
    keys = [name for name in ("seed", "state", "split") if name in mean.columns]
    place = pl.col(sort).replace_strict({value: i for i, value in enumerate(colours)}, return_dtype=pl.Int32)
    data = (
        context.with_network(mean)
        .select("configuration", "network", *keys, "layer", sort, "mean", place=place)
        .drop_nulls("mean")
    )
    occur = set(data.filter(pl.col("mean") > 0)[sort])
    colours = {value: colour for value, colour in colours.items() if value in occur}
    networks = data["network"].unique(maintain_order=True).to_list()
    return (
        alt.Chart(data, width=layer_width(context.options.width * 0.6, data), height=context.options.height)
        .mark_bar()
        .encode(
            x=layer_axis(),
            y=alt.Y("mean:Q").title(None).axis(axis_of(quantity)).scale(domain=[0, 1]).stack("zero"),
            color=alt.Color(f"{sort}:N")
            .title(None)
            .scale(domain=list(colours), range=list(colours.values()))
            .legend(labelExpr="replace(datum.label, '_', ' ')", symbolType="square", columns=6),
            order=alt.Order("place:Q"),
            tooltip=[alt.Tooltip(f"{sort}:N", title=sort)],
        )
        .facet(facet=alt.Facet("network:N").title(None).sort(networks), columns=PANELS_IN_A_ROW)
        .resolve_scale(x="independent")
    )
