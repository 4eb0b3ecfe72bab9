"""Training of single networks: error and loss after each epoch, the kept epoch and the candidate rates."""

from dataclasses import dataclass

import altair as alt
import polars as pl

from nodescope.charts.axes import y_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.style import NEUTRAL, PALE
from nodescope.charts.tables import quantity_of
from nodescope.storage.columns import Quantity, share
from nodescope.study import words
from nodescope.study.axes import CONFIGURATION

CHART = Chart(section="performance", order=40, tables=("learning_curves", "accuracy", "replicas"), needs_training=True,
              needs_values=("replicas.objective",))  # fmt: skip

ERROR = share("error")
MEASURE = "measure"


@dataclass(frozen=True)
class Loss:
    """Where a loss stands in the table of learning curves, and what it is."""

    column: str
    quantity: Quantity


#: By their names in the configuration.
LOSSES = {
    "cross_entropy": Loss("loss", Quantity(words.LOSSES["cross_entropy"], "nats", (0.0, None))),
    "mean_squared_error": Loss("mean_squared_error", quantity_of("learning_curves", "mean_squared_error")),
}

#: Training samples are thin and pale beside those that decide which epoch is kept.
SPLITS = ("validation", "train")
COLOURS = {"validation": "#1a5490", "train": "#8fb3d9"}
WIDTHS = {"validation": 2.2, "train": 1.2}
PANELS_IN_A_ROW = 4


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a panel per configuration, with a choice of error and loss."""
    curves, accuracy = tables["learning_curves"], tables["accuracy"]
    objectives = [name for name in LOSSES if name in tables["replicas"]["objective"].unique()]
    net = [CONFIGURATION, "seed", "learning_rate"]
    kept = accuracy.select(*net, "best_epoch").unique(maintain_order=True)
    long = measured(context.with_network(curves), objectives)
    shown = long.select(CONFIGURATION, "network", "seed", "learning_rate", "epoch", "split", MEASURE, "value")
    of_kept = shown.join(kept, on=net, nulls_equal=True, maintain_order="left")
    others = shown.filter(pl.col("split") == "validation").join(
        kept, on=net, how="anti", nulls_equal=True, maintain_order="left"
    )
    rate = pl.col("learning_rate").round_sig_figs(3).cast(pl.String)
    chart = _panels(of_kept.with_columns(rate=rate), others.with_columns(rate=rate), context)
    of_each = (
        curves.select(CONFIGURATION, "learning_rate")
        .drop_nulls()
        .unique()
        .group_by(CONFIGURATION)
        .len()["len"]
        .to_list()
    )
    rates = max(of_each, default=0)
    grey = " Grey: the other candidate rates." if len(others) else ""
    return [
        Figure(
            name="learning-curves",
            title="How did each network learn?",
            caption=f"Validation samples strong, training samples pale; the dotted line marks the kept epoch.{grey}"
            f" {_early(kept, curves)}",
            about=_about(objectives, rates),
            chart=chart,
            view={"seed": str(curves["seed"][0]), MEASURE: ERROR.title},
            per_configuration=True,
            quantity="value",
            quantity_by=MEASURE,
            quantities={
                ERROR.title: ERROR,
                **{LOSSES[name].quantity.title: LOSSES[name].quantity for name in objectives},
            },
        )
    ]


def measured(curves: pl.DataFrame, objectives: list[str]) -> pl.DataFrame:
    """The table of learning curves with a row for the error and each loss: columns ``measure`` and ``value``.

    A logarithmic axis has no zero: an error or loss of zero becomes half of the smallest other one.
    """
    columns = {
        ERROR.title: 1 - pl.col("accuracy"),
        **{LOSSES[n].quantity.title: pl.col(LOSSES[n].column) for n in objectives},
    }
    parts = []
    for title, values in columns.items():
        part = curves.with_columns(value=values.round(9), **{MEASURE: pl.lit(title)}).drop_nulls("value")
        least = part.filter(pl.col("value") > 0)["value"].min()
        floor = 1e-3 if least is None else float(least) / 2  # type: ignore[arg-type]  # a number
        parts.append(part.with_columns(pl.col("value").clip(lower_bound=floor)))
    return pl.concat(parts)


def _about(objectives: list[str], rates: int) -> str:
    """What the curves are, and what to do about the ends of a search."""
    several = (
        " Not all networks were trained with the same loss: each loss is shown for all of them, and the table replicas names the "
        "objective of each."
        if len(objectives) > 1
        else ""
    )
    search = " If the highest or the lowest of several candidate rates is kept, extend the search." if rates > 1 else ""
    return (
        "After each epoch (epoch 0: before the first step) all training and validation samples go through the network. The kept "
        "epoch is the one of highest validation accuracy; all other figures show the network with its parameters. An error or "
        f"loss of zero is drawn at half the smallest other one, since the axis is logarithmic.{search}{several}"
    )


def _early(kept: pl.DataFrame, curves: pl.DataFrame) -> str:
    """How early the best epochs lie."""
    best = kept["best_epoch"].drop_nulls().sort()
    if best.is_empty():
        return ""
    last = curves["epoch"].max()
    if best[0] == best[-1]:
        return f"Kept: epoch {best[0]} of {last!s}."
    return f"Kept: epochs {best[0]} to {best[-1]} of {last!s}."


def _panels(kept: pl.DataFrame, others: pl.DataFrame, context: Context) -> alt.FacetChart:
    base = alt.Chart(width=context.options.width * 0.8, height=context.options.height * 0.85).encode(
        x=alt.X("epoch:Q").title("epoch").axis(tickMinStep=1, grid=False)
    )
    y = y_of("value", ERROR, tickCount=5).scale(type="log", nice=False).title(None)
    data = pl.concat([kept.with_columns(role="split"), others.with_columns(role=pl.lit("other"))], how="diagonal")
    tooltip = [alt.Tooltip("rate:N", title="learning rate")]
    candidates = (
        base.mark_line(strokeWidth=1, color=PALE)
        .encode(y=y, detail="rate:N", tooltip=tooltip)
        .transform_filter("datum.role == 'other'")
    )
    lines = (
        base.mark_line(point={"opacity": 0, "size": 40})
        .encode(
            y=y,
            color=alt.Color("role:N")
            .scale(domain=list(SPLITS), range=[COLOURS[split] for split in SPLITS])
            .legend(None),
            strokeWidth=alt.StrokeWidth("role:O")
            .scale(domain=list(SPLITS), range=[WIDTHS[split] for split in SPLITS])
            .legend(None),
            order="epoch:Q",
            tooltip=tooltip,
        )
        .transform_filter("datum.role != 'other'")
    )
    rule = base.mark_rule(strokeDash=[2, 2], color=NEUTRAL).encode(x="max(best_epoch):Q")
    return alt.layer(candidates, lines, rule, data=data).facet(
        facet=alt.Facet("network:N").title(None).sort(kept["network"].unique(maintain_order=True).to_list()),
        columns=PANELS_IN_A_ROW,
    )
