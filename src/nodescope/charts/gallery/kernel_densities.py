"""The kernel density estimate over the histogram of a class-node pair."""

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.histograms import marks_of_ends, with_drawn_ends
from nodescope.charts.views import first_view

CHART = Chart(section="layers", order=20, tables=("densities", "distributions"), needs_classes=True)


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a row per layer, a column per configuration, one class at one node."""
    estimates = _named(tables["densities"].drop_nulls("density"), context)
    width = pl.col("bin_right") - pl.col("bin_left")
    same = ["configuration", "network", "seed", "state", "split", "layer", "node", "of_class"]
    of_layer = ["configuration", "layer"]
    has_inputs = (pl.col("kind") == "pre").any().over(of_layer)  # of others the density is that of the outputs
    shown = (pl.col("kind") == "pre") | ~has_inputs
    has_any_inputs = "pre" in tables["distributions"]["kind"]
    values = "pre-activation" if has_any_inputs else "activation"
    counted = _named(tables["distributions"].filter(shown).drop_nulls("count"), context)
    histograms = with_drawn_ends(counted, same).with_columns(
        density=pl.col("count") / (pl.col("count").sum().over(same) * width)
    )
    known = estimates.select(same).unique(maintain_order=True)
    bars = histograms.join(known, on=same, how="semi", maintain_order="left")
    columns = [*same, "row", "density", "z", "bin_left", "bin_right", "end", "reaches"]
    data = pl.concat([estimates, bars], how="diagonal").select(columns)
    base = alt.Chart(width=context.options.width, height=context.options.height * 0.6)
    y = alt.Y("density:Q").title("density")
    histogram = (
        base.mark_rect(color="#999999", opacity=0.5)
        .encode(
            x=alt.X("bin_left:Q").title(f"{values} {'z' if has_any_inputs else 'a'}"),
            x2="bin_right:Q",
            y=y,
            y2=alt.datum(0),
        )
        .transform_filter("isValid(datum.bin_left)")
    )
    line = base.mark_line(color="#4477aa").encode(x=alt.X("z:Q"), y=y).transform_filter("isValid(datum.z)")
    chart = alt.layer(histogram, line, marks_of_ends(base, "density"), data=data).facet(
        row=alt.Row("row:N").title(None), column=alt.Column("network:N").title(None)
    )
    view = first_view(tables["densities"]) | {
        "node": str(tables["densities"]["node"].min()),
        "of_class": context.class_names[0],
    }
    return [
        Figure(
            name="kernel-densities",
            title="Kernel density estimate of one class at single nodes",
            caption=f"Histogram of the {values}s of one class at one node of every layer (grey) and the "
            "Gaussian kernel density estimate (line), the estimate that the continuous system uses. If the line "
            "smooths away a peak, the bandwidth is too large; if it follows single bars, the bandwidth is too small.",
            chart=chart.resolve_scale(x="independent", y="independent"),
            view=view,
            per_configuration=True,
            quantity="density",
            shown_in=ShownIn("atlas"),
        )
    ]


def _named(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    named = context.with_network(context.with_class_names(frame)).rename({"class_name": "of_class"})
    return named.with_columns(row=pl.format("layer {}", "layer"))
