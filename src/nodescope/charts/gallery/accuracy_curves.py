"""Training of all configurations on one axis; and accuracy per epoch as the published figures have it."""

from dataclasses import replace

import altair as alt
import polars as pl

from nodescope.charts.axes import y_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.gallery.learning_curves import ERROR, LOSSES, MEASURE, measured
from nodescope.charts.labels import slug
from nodescope.charts.panels import in_panels, panel_columns, panels
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.series import end_names, series_of, with_room_for_names
from nodescope.charts.style import series_scale
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import groups
from nodescope.storage.columns import Quantity
from nodescope.study.axes import CONFIGURATION

CHART = Chart(
    section="performance", order=50, tables=("learning_curves", "accuracy"), optional=("replicas",), needs_training=True
)

ACCURACY = quantity_of("learning_curves", "accuracy")
TOGETHER = "training-together"


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """All configurations on one axis for the page; files with the loss, and of the accuracies by depth and batch normalisation."""
    net = [CONFIGURATION, "seed", "learning_rate"]
    chosen = tables["accuracy"].select(net).unique(maintain_order=True)
    # Of networks that were trained elsewhere the rate is null.
    kept = tables["learning_curves"].join(chosen, on=net, maintain_order="left", nulls_equal=True)
    replicas = tables.get("replicas")
    named = [] if replicas is None else [name for name in LOSSES if name in replicas["objective"].unique()]
    together = _together(kept, named, context, ERROR)
    found = [together] if together is not None else []
    if together is not None and named:
        loss = LOSSES[named[0]].quantity
        as_loss = _together(kept, named, context, loss)
        assert as_loss is not None
        found.append(
            replace(
                as_loss, name="training-loss", title="Loss during training",
                shown_in=together.shown_in or ShownIn(TOGETHER, {MEASURE: loss.title}),
            )
        )  # fmt: skip
    return [*found, *_published(kept.filter(pl.col("epoch") > 0), context)]


def _together(kept: pl.DataFrame, objectives: list[str], context: Context, first: Quantity) -> Figure | None:
    """A line per configuration: error or loss on validation samples, mean over the seeds; at first one of the two."""
    split = "validation" if "validation" in kept["split"] else str(kept["split"][0])
    long = measured(kept.filter(pl.col("split") == split), objectives)
    if long.is_empty():
        return None
    keys = [*context.configurations.columns, "seed", "split", MEASURE, "epoch"]
    mean = over_seeds(long.select(*keys, "value"), "value")
    spread = context.with_spread(mean, bounds=(None, None)).drop_nulls("mean")
    # The logarithmic axis ends at the smallest value of one network.
    least = pl.col("mean").min().over(MEASURE)
    most = pl.when(pl.col(MEASURE) == ERROR.title).then(1.0)
    ends = spread.with_columns(pl.col("low").clip(lower_bound=least), pl.col("high").clip(upper_bound=most))
    named, series = series_of(ends, context)
    data = named.select(
        *context.configurations.columns, "label", "of_size", "seed", "split", MEASURE, "epoch", "mean", "low", "high"
    )
    height = context.options.height * 1.2
    data = with_room_for_names(data, "mean", height, ("seed", MEASURE), logarithmic=True)
    base = alt.Chart(width=context.options.width * 1.4, height=height).encode(
        x=alt.X("epoch:Q").title("epoch").axis(tickMinStep=1, grid=False), color=series.colour()
    )
    y = y_of("mean", first, tickCount=5).scale(type="log", nice=False).title(None)
    band = base.mark_area(opacity=0.08).encode(
        y=alt.Y("low:Q").scale(type="log", nice=False).title(None), y2="high:Q", detail="label:N"
    )
    line = base.mark_line(strokeWidth=2, point={"opacity": 0, "size": 40}).encode(y=y, strokeDash=series.dash())
    layers = [*([band] if context.words.several_seeds and series.are_named else []), line]
    if series.room:
        layers.append(end_names(base, series, "epoch", "mean", logarithmic=True))
    objectives_of = {LOSSES[name].quantity.title: LOSSES[name].quantity for name in objectives}
    dashes = " Dashed: with batch normalisation." if any(series.dashed) else ""
    return Figure(
        name=TOGETHER,
        title="Which networks learn fastest?",
        collapsed=True,
        caption=f"A line per network, {split} samples of the kept learning rate, {context.words.mean}.{dashes}",
        about=("A band is the 95 % t interval over the seeds. " if context.words.several_seeds else "")
        + "A curve that falls late belongs to a network that is hard to train; "
        "an error or loss of zero is drawn at half the smallest other one.",
        chart=series.in_panels(alt.layer(*layers, data=data), columns=2),
        quantity_by=MEASURE,
        quantities={ERROR.title: ERROR, **objectives_of},
        view={"seed": seed_view(mean), MEASURE: first.title},
        interval="95 % t interval",
        shown_in=None if len(context.configurations.identifiers) > 1 else ShownIn("learning-curves"),
    )


def _published(curves: pl.DataFrame, context: Context) -> list[Figure]:
    """Accuracies as files, one per size beside the panels' columns: columns = depth, rows = batch normalisation."""
    sizes = [axis.name for axis in context.configurations.axes if axis.is_size and axis.side is None]
    seeds = over_seeds(curves.drop("loss", "mean_squared_error", "learning_rate"), "accuracy")
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
        found.append(
            Figure(
                name="-".join(["accuracy-curves", *([slug(words)] if words else [])]),
                title=", ".join(["Accuracy during training", *([words] if words else [])]),
                caption=f"Training (dashed) and validation accuracy (solid) after each epoch, "
                f"{context.spread_words('accuracy-curves')}. "
                "Their distance is the generalisation gap.",
                chart=panels(alt.layer(band, line), context, independent=()),
                quantities={"mean": ACCURACY},
                view={"seed": seed_view(mean)},
                shown_in=ShownIn("learning-curves"),
            )
        )
    return found
