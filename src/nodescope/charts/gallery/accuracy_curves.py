"""Accuracy per epoch by depth and batch normalisation, mean over seeds."""

import altair as alt
import polars as pl

from nodescope.charts.axes import y_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.labels import slug
from nodescope.charts.panels import in_panels, panel_columns, panels
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.style import series_scale
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import groups
from nodescope.study.axes import CONFIGURATION

CHART = Chart(section="performance", order=30, tables=("learning_curves", "accuracy"), needs_training=True)

ACCURACY = quantity_of("learning_curves", "accuracy")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per size beside the panels' columns: columns = depth, rows = batch normalisation, of networks that have them."""
    curves = tables["learning_curves"].filter(pl.col("epoch") > 0)
    net = [CONFIGURATION, "seed", "learning_rate"]
    chosen = tables["accuracy"].select(net).unique(maintain_order=True)
    # Of networks that were trained elsewhere the rate is null.
    kept = curves.join(chosen, on=net, maintain_order="left", nulls_equal=True)
    sizes = [axis.name for axis in context.configurations.axes if axis.is_size and axis.side is None]
    seeds = over_seeds(kept.drop("loss", "mean_squared_error", "learning_rate"), "accuracy")
    mean = in_panels(context.with_spread(seeds, "accuracy-curves", bounds=(0, 1)), context, without=sizes)
    shown = [*panel_columns(context), "seed", "split", "epoch", "mean", "low", "high"]
    series = mean["label"].unique(maintain_order=True).to_list()
    found = []
    for keys, part in groups(mean, *sizes):
        words = context.configurations.describe(keys)
        data = part.select(shown).drop_nulls()
        colour = alt.Color("label:N").title("network").scale(series_scale(series))
        base = alt.Chart(data, width=context.options.width * 0.8, height=context.options.height).encode(
            x=alt.X("epoch:Q").title("epoch"), color=colour
        )
        y = y_of("mean", ACCURACY).scale(zero=False)
        band = base.mark_area(opacity=0.25).encode(
            y=alt.Y("low:Q").title(ACCURACY.axis_title).scale(zero=False), y2="high:Q", detail="split:N"
        )
        line = base.mark_line(strokeWidth=1.5).encode(
            y=y,
            strokeDash=alt.StrokeDash("split:N")
            .scale(domain=["train", "validation"], range=[[4, 3], [1, 0]])
            .legend(symbolType="stroke", symbolStrokeColor="#333333"),
        )
        chart = panels(alt.layer(band, line), context, independent=())
        found.append(
            Figure(
                name="-".join(["accuracy-curves", *([slug(words)] if words else [])]),
                title=", ".join(["Accuracy during training", *([words] if words else [])]),
                caption="Training accuracy (dashed) and validation accuracy (solid) after each epoch, "
                f"{context.spread_words('accuracy-curves')}. The distance between the two lines is the generalisation "
                "gap. A curve that rises late indicates a network that is hard to train.",
                chart=chart,
                quantities={"mean": ACCURACY},
                view={"seed": seed_view(mean)},
            )
        )
    return found
