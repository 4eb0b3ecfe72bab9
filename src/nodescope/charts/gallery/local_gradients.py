"""Box plots of emission and absorption per channel."""

import altair as alt
import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.study.words import loss_words

CHART = Chart(section="health", order=230, tables=("local_gradients",))

COLOURS = {"absorption": "#4477aa", "emission": "#ee6677"}


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a column per layer, absorption above emission for each configuration."""
    table = tables["local_gradients"]
    named = context.with_network(table).with_columns(
        row=pl.format("{}, {}", "network", "quantity"), panel=pl.format("{} (layer {})", "name", "layer")
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
            title="Gradient that channels receive and send back",
            caption=f"How much of the gradient of {loss_words(table['objective'].unique())} each of the first "
            "channels of some layers receives (absorption, input channels) and sends back (emission, output "
            f"channels), over up to {samples} training samples: median, quartiles, and whiskers to the most extreme "
            "values within 1.5 times the interquartile range; outliers are not drawn. Channels near zero take no "
            f"part in learning. {origin}".rstrip(),
            chart=_boxes(named, context),
            view={"state": context.states[-1], "seed": str(table["seed"][0])},
            per_configuration=True,
            quantity="median",
        )
    ]


def _boxes(named: pl.DataFrame, context: Context) -> alt.FacetChart:
    data = named.select(
        "configuration", "network", "seed", "state", "row", "panel", "quantity", "channel", "whisker_low", "q1", "median",
        "q3", "whisker_high", "mean",
    )  # fmt: skip
    base = alt.Chart(width=context.options.width * 0.7, height=context.options.height * 0.7).encode(
        x=alt.X("channel:O").title("channel").axis(labelAngle=0, labelOverlap=True),
        tooltip=["channel:O", "median:Q", "q1:Q", "q3:Q", "mean:Q"],
    )
    colour = alt.Color("quantity:N").scale(domain=list(COLOURS), range=list(COLOURS.values())).legend(None)
    low = alt.Y("whisker_low:Q").title(None)
    whiskers = base.mark_rule(color="#777777").encode(y=low, y2="whisker_high:Q")
    boxes = base.mark_bar(size=8).encode(y=alt.Y("q1:Q").title(None), y2="q3:Q", color=colour)
    medians = base.mark_tick(color="black", size=8, thickness=1.5).encode(y=alt.Y("median:Q").title(None))
    return (
        alt.layer(whiskers, boxes, medians, data=data)
        .facet(
            row=alt.Row("row:N").title(None),
            column=alt.Column("panel:N").title(None).sort(named["panel"].unique(maintain_order=True).to_list()),
        )
        .resolve_scale(x="independent", y="independent")
    )
