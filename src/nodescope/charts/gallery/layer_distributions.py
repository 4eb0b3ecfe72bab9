"""Histograms, densities and cumulative distributions of all values of a layer, before and after training."""

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.histograms import before_and_after, with_curves
from nodescope.charts.labels import kinds_in_words
from nodescope.charts.views import preferred_split
from nodescope.storage.columns import Quantity

CHART = Chart(section="layers", order=50, tables=("layer_distributions",), optional=("statistics",))

#: The part of the values that the surface shows; the rest lies further out.
SHOWN = 0.999
#: Height of a layer; how far a ridge rises, in layers; the widest bar of zeros.
LAYER, RISE, ZEROS = 14, 1.6, 44
#: Letters of a layer's name at most, and the width of one.
LONGEST_NAME, LETTER = 28, 5.6
PANELS_IN_A_ROW = 4
RIDGE = "#4b5f7a"


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """The layers one by one, and all of them in one surface."""
    table = tables["layer_distributions"].with_columns(row=pl.format("layer {}", "layer"))
    split, seed = preferred_split(table), str(table["seed"][0])
    return [
        Figure(
            name="layer-distributions",
            title="Distribution of all values of a layer" + context.words.where_trained(", before and after training"),
            caption=f"Histogram of the {kinds_in_words(table['kind'].unique())} of a layer over its nodes and all "
            f"samples of the split, "
            "with a smoothed density, or the share of values up to each point.",
            about="A spike at zero comes from inactive nodes of a ReLU layer; spikes at both ends indicate a "
            "saturated layer. A bar with "
            "≤ or ≥ also contains all values beyond it.",
            chart=before_and_after(table, context, ["seed", "split", "kind"], "value"),
            view={"split": split, "seed": seed, "kind": "post", "shape": "density"},
            per_configuration=True,
            quantity="height",
            shown_in=ShownIn("layer-surface"),
        ),
        Figure(
            name="layer-surface",
            title="How are the values of each layer distributed?",
            caption="A ridge per layer, all of one height: the smoothed distribution of its values. The bar at its "
            "side is the share "
            "of values that are exactly zero, which the ridge leaves out.",
            about=f"{100 * SHOWN:.1f} % of the values lie in the range that is shown; outliers are counted at its "
            f"ends. Ridges that narrow to "
            "a spike indicate a vanishing signal, ridges that widen an exploding one.",
            chart=_surface(table, tables.get("statistics"), context),
            subtitle="values of the nodes",
            view={"state": context.states[-1], "split": split, "seed": seed, "kind": "post"},
            per_configuration=True,
            quantity="curve",
            quantities={"curve": Quantity("density", format=".3g")},
        ),
    ]


def _surface(table: pl.DataFrame, statistics: pl.DataFrame | None, context: Context) -> alt.FacetChart:
    told = ["configuration", "network", "seed", "state", "split", "kind"]
    one = ["configuration", "seed", "state", "split", "kind", "layer"]
    zeros = (table if statistics is None else statistics).select(one).unique(maintain_order=True)
    shares = zeros.with_columns(zero_share=0.0) if statistics is None else statistics.select(*one, "zero_share")
    named = context.with_network(table).join(shares, on=one, how="left", nulls_equal=True, maintain_order="left")
    # The spike at zero would hide all else: its values stand beside the ridge.
    total = pl.col("count").sum().over(*told, "layer")
    holds_zero = (pl.col("bin_left") <= 0) & (pl.col("bin_right") > 0)
    spike = pl.when(holds_zero).then(pl.col("zero_share").fill_null(0) * total).otherwise(0)
    others = (pl.col("count") - spike.round(0).cast(pl.Int64)).clip(lower_bound=0)
    # Where all values are zero, they are the ridge.
    shown = pl.when(others.sum().over(*told, "layer") > 0).then(others).otherwise("count")
    curves = with_curves(named.with_columns(count=shown), [*told, "layer"]).filter(pl.col("shape") == "density")
    share = pl.col("height") * (pl.col("bin_right") - pl.col("bin_left"))
    before = share.cum_sum().over(*told, "layer") - share
    inside = (before < 1 - (1 - SHOWN) / 2) & (before + share > (1 - SHOWN) / 2)
    # One row of the surface is one unit of height; a ridge may rise into the row above.
    ridge = RISE * pl.col("curve") / pl.col("curve").max().over(*told, "layer")
    data = curves.filter(inside).select(
        *told,
        "layer",
        "curve",
        value="at",
        base=-pl.col("layer").cast(pl.Float64),
        top=ridge.fill_nan(0) - pl.col("layer"),
    )
    beside = context.with_layer_names(
        named.group_by(*told, "layer", maintain_order=True)
        .agg(pl.col("zero_share").first())
        .drop_nulls("zero_share")
        .with_columns(
            base=0.35 - pl.col("layer").cast(pl.Float64),
            said=pl.format("{} % zeros", (100 * pl.col("zero_share")).round(0).cast(pl.Int32)),
        )
    )
    both = pl.concat(
        [data.with_columns(role=pl.lit("ridge")), beside.with_columns(role=pl.lit("zeros"))], how="diagonal_relaxed"
    )
    longest = min(LONGEST_NAME, int(beside["layer_name"].str.len_chars().max() or 0))  # type: ignore[arg-type]
    layers = int(table["layer"].max())  # type: ignore[arg-type]
    chart = alt.Chart(width=context.options.width * 0.9, height=max(70, LAYER * layers + 26))
    ridges = (
        chart.mark_area(fillOpacity=0.85, strokeWidth=0.8, stroke="white", color=RIDGE)
        .encode(
            x=alt.X("value:Q").title("value").axis(format="~g", tickCount=6, grid=False),
            y=alt.Y("top:Q").title(None).scale(zero=False, nice=False).axis(None),
            y2="base:Q",
            detail="layer:O",
            order=alt.Order("layer:Q"),
            tooltip=[alt.Tooltip("value:Q", title="value", format=".3g")],
        )
        .transform_filter("datum.role == 'ridge'")
    )
    number = chart.encode(y=alt.Y("base:Q")).transform_filter("datum.role == 'zeros'")
    labels = number.mark_text(align="right", dx=-8, fontSize=10, limit=LETTER * LONGEST_NAME).encode(
        x=alt.value(0), text="layer_name:N"
    )
    some = number.transform_filter("datum.zero_share > 0.005").encode(x=alt.value("width"))
    bars = some.mark_tick(orient="horizontal", thickness=7, xOffset=8 + ZEROS / 2, color=RIDGE).encode(
        size=alt.Size("zero_share:Q").scale(domain=[0, 1], range=[0, ZEROS]).legend(None)
    )
    words = some.mark_text(align="left", dx=8 + ZEROS + 6, fontSize=10).encode(text="said:N")
    return (
        alt.layer(ridges, labels, bars, words)
        .facet(
            facet=alt.Facet("network:N").title(None),
            columns=PANELS_IN_A_ROW,
            spacing={"column": ZEROS + 84 + LETTER * longest, "row": 40},
            data=both,
        )
        .resolve_scale(x="independent", y="independent")
    )
