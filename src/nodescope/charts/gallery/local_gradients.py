"""Emission and absorption of gradients per channel."""

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.study.words import loss_words

CHART = Chart(section="health", order=230, tables=("local_gradients",))

#: Values are drawn down to this part of the largest one.
LEAST = 1e-6

COLOURS = {"absorption": "#009988", "emission": "#cc6600"}


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a row per layer, a column per configuration."""
    table = tables["local_gradients"]
    several = table["name"].n_unique() > table["layer"].n_unique()
    named = context.with_network(table).with_columns(
        panel=pl.col("name") if several else pl.format("layer {}", "layer")
    )
    from_files = named.drop_nulls("weights_file").select(
        pl.format("{} starts from the weights in {}.", "network", "weights_file")
    )
    drawn = "The networks start from random weights." if "initial" in context.states else ""
    origin = " ".join(from_files.to_series().unique(maintain_order=True)) or drawn
    samples = table.select(pl.col("samples").max()).item()
    return [
        Figure(
            name="local-gradients",
            title="Do all channels take part in learning?",
            caption="Gradient that the first channels of a layer receive (absorption) and send back (emission): median, and the "
            "middle half of the samples. Channels far below the others hardly learn.",
            about=f"Of the gradient of {loss_words(table['objective'].unique())}, over up to {samples} training "
            f"samples; input channels "
            "absorb, output channels emit. Values below a millionth of the largest, zero included, are drawn at the "
            "lower end of the logarithmic axis. "
            f"{origin}".rstrip(),
            chart=_quartiles(named, context),
            view={"state": context.states[-1], "seed": str(table["seed"][0])},
            per_configuration=True,
            quantity="median",
            subtitle="gradient of a channel",
            collapsed=True,
        )
    ]


def _quartiles(named: pl.DataFrame, context: Context) -> alt.FacetChart:
    """A row per layer, a column per network, both quantities in one panel."""
    named = named.drop_nulls("median")  # a panel without values has no axes
    values = named.select("q1", "median", "q3").unpivot()["value"].drop_nulls()
    floor = LEAST * float(values.max() or 1)  # type: ignore[arg-type]  # a number
    shift = pl.when(pl.col("quantity") == "emission").then(0.2).otherwise(-0.2)
    data = named.select(
        "configuration", "network", "seed", "state", "panel", "quantity", "channel",
        pl.col("q1", "median", "q3").clip(lower_bound=floor), place=pl.col("channel") + shift,
    )  # fmt: skip
    base = alt.Chart(width=context.options.width * 0.8, height=context.options.height * 0.55).encode(
        x=alt.X("place:Q").title("channel").axis(tickMinStep=1, format="d", grid=False).scale(nice=False, padding=10, zero=False),
        color=alt.Color("quantity:N").title(None).scale(domain=list(COLOURS), range=list(COLOURS.values())),
        tooltip=[
            alt.Tooltip("quantity:N", title="of"), alt.Tooltip("q1:Q", title="lower quartile", format=".3g"),
            alt.Tooltip("q3:Q", title="upper quartile", format=".3g"),
        ],
    )  # fmt: skip
    scale = alt.Scale(type="log", nice=False)
    boxes = base.mark_rule(strokeWidth=3, opacity=0.55).encode(
        y=alt.Y("q1:Q").title(None).scale(scale).axis(format="~g", tickCount=4), y2="q3:Q"
    )
    medians = base.mark_point(filled=True, size=18, opacity=1).encode(y=alt.Y("median:Q").title(None).scale(scale))
    return (
        alt.layer(boxes, medians, data=data)
        .facet(
            row=alt.Row("panel:N")
            .title(None)
            .header(labelOrient="top", labelAnchor="start", labelPadding=4)
            .sort(named["panel"].unique(maintain_order=True).to_list()),
            column=alt.Column("network:N").title(None),
            spacing=20,
        )
        .resolve_scale(x="independent")
    )
