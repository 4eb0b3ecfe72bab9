"""Histograms, densities and cumulative distributions of all values of a layer, before and after training."""

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.histograms import before_and_after, with_curves
from nodescope.charts.labels import kinds_in_words
from nodescope.charts.views import preferred_split

CHART = Chart(section="layers", order=210, tables=("layer_distributions",))

#: The part of the values that the surface shows; the rest lies further out.
SHOWN = 0.999


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """The layers one by one, and all of them in one surface."""
    table = tables["layer_distributions"].with_columns(row=pl.format("layer {}", "layer"))
    split, seed = preferred_split(table), str(table["seed"][0])
    return [
        Figure(
            name="layer-distributions",
            title="Distribution of all values of a layer" + context.words.where_trained(", before and after training"),
            caption=f"Histogram of the {kinds_in_words(table['kind'].unique())} of a layer over its nodes and all samples of "
            "the split, with a smoothed density; the option cumulative shows the share of values up to each point. A "
            "spike at zero comes from inactive nodes of a ReLU layer; spikes at both ends indicate a saturated "
            "layer. A bar with ≤ or ≥ also contains all values beyond it (extreme values are reduced by standardised "
            "features).",
            chart=before_and_after(table, context, ["seed", "split", "kind"], "value"),
            view={"split": split, "seed": seed, "kind": "post", "shape": "density"},
            per_configuration=True,
            quantity="height",
        ),
        Figure(
            name="layer-surface",
            title="Distributions of all layers as ridges",
            caption="Each ridge is the smoothed distribution of all values of one layer, the first at the top, "
            f"scaled to the same height; {100 * SHOWN:.1f} % of the values lie in the range shown; outliers are "
            "counted at its ends. Ridges that narrow to a spike indicate a vanishing signal, ridges that widen an "
            "exploding one.",
            chart=_surface(table, context),
            view={"state": context.states[-1], "split": split, "seed": seed, "kind": "post"},
            per_configuration=True,
            quantity="curve",
        ),
    ]


def _surface(table: pl.DataFrame, context: Context) -> alt.FacetChart:
    told = ["configuration", "network", "seed", "state", "split", "kind"]
    curves = with_curves(context.with_network(table), [*told, "layer"]).filter(pl.col("shape") == "density")
    share = pl.col("height") * (pl.col("bin_right") - pl.col("bin_left"))
    before = share.cum_sum().over(*told, "layer") - share
    inside = (before < 1 - (1 - SHOWN) / 2) & (before + share > (1 - SHOWN) / 2)
    # One row of the surface is one unit of height; a ridge may rise into the row above.
    ridge = 1.6 * pl.col("curve") / pl.col("curve").max().over(*told, "layer")
    data = curves.filter(inside).select(
        *told,
        "layer",
        "curve",
        value="at",
        base=-pl.col("layer").cast(pl.Float64),
        top=ridge - pl.col("layer"),
    )
    layers = int(table["layer"].max())  # type: ignore[arg-type]
    return (
        alt.Chart(data, width=context.options.width * 1.2, height=max(90, 20 * layers + 20))
        .mark_area(fillOpacity=0.75, stroke="#ffffff", strokeWidth=0.7)
        .encode(
            x=alt.X("value:Q").title("value"),
            y=alt.Y("top:Q")
            .title("layer")
            .scale(domain=[-layers - 0.1, 0.7], nice=False)
            .axis(values=[-layer for layer in range(1, layers + 1)], labelExpr="-datum.value", grid=False),
            y2="base:Q",
            color=alt.Color("layer:O").scale(scheme="viridis").legend(None),
            order=alt.Order("layer:Q"),
            tooltip=[
                "layer:O",
                alt.Tooltip("value:Q", format=".3g"),
                alt.Tooltip("curve:Q", format=".3g", title="density"),
            ],
        )
        .facet(column=alt.Column("network:N").title(None))
        .resolve_scale(x="independent")
    )
