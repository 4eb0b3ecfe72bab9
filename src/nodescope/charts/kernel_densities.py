"""Figure 6.1: the kernel density estimate over the histogram of a class-node pair."""

import altair as alt
import polars as pl

from nodescope.charts.context import (
    Context,
    Figure,
    batch_norm_label,
    batch_norm_row,
    describe,
    groups,
    network_columns,
    rounded,
    slug,
    variant_label,
)


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per depth and width: first node of the first layer, first class, a panel per configuration."""
    estimates, histograms = tables["densities"], tables["distributions"]
    first = {name: estimates[name][0] for name in ("seed", "split", "node")} | {
        "state": "trained",
        "layer": 1,
        "class": 0,
    }
    same = [pl.col(name) == value for name, value in first.items()]
    lines = estimates.filter(*same).drop_nulls("density")
    width = pl.col("bin_right") - pl.col("bin_left")
    panel = network_columns(estimates)
    bars = (
        histograms.filter(*same, pl.col("kind") == "pre")
        .drop_nulls("count")
        .with_columns(density=pl.col("count") / (pl.col("count").sum().over(panel) * width))
    )
    lines, bars = (
        frame.with_columns(batch_norm_label().alias("norm"), variant_label(frame).alias("variant"))
        for frame in (lines, bars)
    )
    found = []
    for keys, part in groups(lines, "depth", "width"):
        here = bars.filter(*(pl.col(name) == value for name, value in keys.items()))
        columns = ["variant", "norm", "density", "z", "bin_left", "bin_right"]
        data = rounded(pl.concat([part, here], how="diagonal").select(columns))
        base = alt.Chart(width=context.options.width, height=context.options.height)
        y = alt.Y("density:Q").title("density")
        histogram = (
            base.mark_rect(color="#bbbbbb")
            .encode(x=alt.X("bin_left:Q").title("pre-activation z"), x2="bin_right:Q", y=y, y2=alt.datum(0))
            .transform_filter("isValid(datum.bin_left)")
        )
        line = base.mark_line(color="#4477aa").encode(x=alt.X("z:Q"), y=y).transform_filter("isValid(datum.z)")
        found.append(
            Figure(
                name=f"kernel-density-{slug(keys)}",
                title=f"Kernel density estimate of one class at one node, {describe(keys)}",
                caption=f"Histogram of the pre-activations of class {context.class_names[0]} at node {first['node']} of layer 1 "
                f"(grey; trained net, seed {first['seed']}, {first['split']} samples) and the Gaussian kernel density estimate "
                "(line), the kind of estimate that the "
                "continuous system makes. Where the line smooths away a peak, the bandwidth is too "
                "wide; where it follows single bars, too narrow.",
                reference="figure 6.1",
                chart=alt.layer(histogram, line, data=data)
                .facet(column=alt.Column("variant:N").title(None), row=batch_norm_row())
                .resolve_scale(x="independent", y="independent"),
            )
        )
    return found
