"""Figures 4.1, 4.2, 4.6, 4.7: class-conditional distributions of pre-activations and activations at single nodes."""

import altair as alt
import polars as pl

from nodescope.charts.context import Context, Figure, describe, groups, network_columns, preferred_split, rounded, slug


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per configuration: a row per layer, ``z`` and ``a`` side by side, the classes overlaid."""
    table = tables["distributions"]
    shown = table.filter(
        pl.col("state") == "trained",
        pl.col("split") == preferred_split(table),
        pl.col("seed") == table["seed"][0],
        pl.col("node") == pl.col("node").min().over("layer"),
    ).drop_nulls("count")
    found = []
    for keys, part in groups(shown, *network_columns(table)):
        share = pl.col("count") / pl.col("count").sum().over("layer", "node", "class", "kind")
        named = context.with_class_names(part).with_columns(
            share=share, panel=pl.format("layer {}, node {}", "layer", "node")
        )
        data = rounded(named.select("panel", "kind", "class_name", "bin_left", "bin_right", "share").drop_nulls())
        node = part["node"][0]
        found.append(
            Figure(
                name=f"distributions-{slug(keys)}",
                title=f"Distributions of one node per layer by class, {describe(keys)}",
                caption=f"How the {part['split'][0]} samples of each class are distributed at node {node} of every layer of "
                f"the trained net of seed {part['seed'][0]}: before (left) and after the activation function (right), as "
                "shares of the class. Classes that lie apart are told apart by this node; classes on top of each other are "
                "not. The table distributions holds all chosen nodes, states and seeds.",
                reference="figures 4.1, 4.2, 4.6, 4.7",
                chart=alt.hconcat(
                    _column(data, "pre", "pre-activation z", context), _column(data, "post", "activation a", context)
                ).resolve_scale(color="shared"),
            )
        )
    return found


def _column(data: pl.DataFrame, kind: str, title: str, context: Context) -> alt.FacetChart:
    base = alt.Chart(data.filter(pl.col("kind") == kind).drop("kind"), width=context.options.width, height=90)
    bars = base.mark_rect(opacity=0.35).encode(
        x=alt.X("bin_left:Q").title(title),
        x2="bin_right:Q",
        y=alt.Y("share:Q").title("share of class").axis(tickCount=3, format="%"),
        y2=alt.datum(0),
        color=alt.Color("class_name:N").title("class").scale(context.class_scale()),
    )
    return bars.facet(row=alt.Row("panel:N").title(None)).resolve_scale(x="independent", y="independent")
