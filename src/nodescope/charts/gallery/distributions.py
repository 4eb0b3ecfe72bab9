"""Class-conditional distributions of pre-activations and activations at single nodes."""

import altair as alt
import polars as pl

from nodescope.charts.axes import y_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.histograms import marks_of_ends, with_drawn_ends
from nodescope.charts.views import first_view
from nodescope.storage.columns import Quantity, share

CHART = Chart(section="nodes", order=110, tables=("distributions",))

HISTOGRAM = ("configuration", "seed", "state", "split", "layer", "node", "class", "kind")
TITLES = {"pre": "pre-activation z", "post": "activation a"}
SHARE, SHARE_OF_ALL = share("share of class"), share("share of samples")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a row per layer, a column per configuration, ``z`` and ``a`` side by side, the classes overlaid."""
    table, words = tables["distributions"], context.words
    quantity = SHARE if words.has_classes else SHARE_OF_ALL
    samples = pl.col("count").sum().over(HISTOGRAM)
    known = context.with_network(context.with_class_names(table.drop_nulls("count"))).filter(
        samples > 0
    )  # others have no shares
    named = with_drawn_ends(known, list(HISTOGRAM)).with_columns(
        share=pl.col("count") / samples, row=pl.format("layer {}", "layer"), shape=pl.lit("histogram")
    )
    cumulative = named.with_columns(share=pl.col("share").cum_sum().over(HISTOGRAM), shape=pl.lit("cumulative"))
    data = pl.concat([named, cumulative]).select(
        "configuration", "network", "shape", "seed", "state", "split", "layer", "row", "node", "kind", "class_name",
        "bin_left", "bin_right", "end", "reaches", "share",
    )  # fmt: skip
    there = [kind for kind in TITLES if kind in data["kind"]]
    columns = (_column(data, kind, quantity, context) for kind in there or TITLES)
    both = len(there) != 1  # outputs are recorded of some networks, not pre-activations
    where = "before (left) and after (right) the activation function" if both else "after the activation function"
    return [
        Figure(
            name="distributions",
            title="Distributions at single nodes" + words.where_classes(" by class"),
            caption=words.where_classes(
                f"Distribution of the samples of each class at one node of every layer, {where}, as shares of the class. The "
                "node separates classes whose histograms do not overlap. ",
                f"Distribution of the samples at one node of every layer, {where}, as shares of all samples. ",
            )
            + "A bar with ≤ or ≥ also contains all values beyond it.",
            chart=alt.hconcat(*columns).resolve_scale(color="shared"),
            view=first_view(table) | {"node": str(table["node"].min()), "shape": "histogram"},
            per_configuration=True,
            quantity="share",
            quantities={"share": quantity},
            shown_in=ShownIn("atlas"),
        )
    ]


def _column(data: pl.DataFrame, kind: str, quantity: Quantity, context: Context) -> alt.FacetChart:
    rows = data.sort("layer")["row"].unique(maintain_order=True).to_list()
    base = alt.Chart(width=context.options.width * 0.5, height=90).transform_filter(f"datum.kind == '{kind}'")
    bars = base.mark_rect(opacity=0.35).encode(
        x=alt.X("bin_left:Q").title(TITLES[kind]),
        x2="bin_right:Q",
        y=y_of("share", quantity, tickCount=3),
        y2=alt.datum(0),
        color=context.class_colour(),
    )
    return (
        alt.layer(bars, marks_of_ends(base, "share"), data=data)
        .facet(row=alt.Row("row:N").title(None).sort(rows), column=alt.Column("network:N").title(None))
        .resolve_scale(x="independent", y="independent")
    )
