"""Learning curves of single networks, the kept epoch marked."""

from dataclasses import dataclass

import altair as alt
import polars as pl

from nodescope.charts.axes import y_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.tables import quantity_of
from nodescope.study import words
from nodescope.study.axes import CONFIGURATION

CHART = Chart(section="performance", order=40, tables=("learning_curves", "accuracy", "replicas"), needs_training=True,
              needs_values=("replicas.objective",))  # fmt: skip


@dataclass(frozen=True)
class Loss:
    """Where a loss stands in the table of learning curves, and the title of its axis."""

    column: str
    title: str


#: By their names in the configuration.
LOSSES = {
    "cross_entropy": Loss("loss", f"{words.LOSSES['cross_entropy']} (nats)"),
    "mean_squared_error": Loss("mean_squared_error", words.LOSSES["mean_squared_error"]),
}

SPLIT_COLOURS = alt.Scale(domain=["train", "validation"], range=["#4477aa", "#ee6677"])


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: what was trained on above accuracy, a column per configuration."""
    curves, accuracy = tables["learning_curves"], tables["accuracy"]
    objectives = [name for name in LOSSES if name in tables["replicas"]["objective"].unique()]
    losses = [LOSSES[name].column for name in objectives]
    net = [CONFIGURATION, "seed", "learning_rate"]
    kept = accuracy.select(*net, "best_epoch").unique(maintain_order=True)
    shown = context.with_network(curves).join(kept, on=net, maintain_order="left")
    data = shown.select("configuration", "network", "seed", "epoch", "split", *losses, "accuracy", "best_epoch")
    chart = alt.vconcat(
        *(_panels(data, LOSSES[name].column, LOSSES[name].title, context) for name in objectives),
        _panels(data, "accuracy", None, context),
    )
    return [
        Figure(
            name="learning-curves",
            title="Learning curves of single networks",
            caption="Loss and accuracy on the training and validation split after each epoch (epoch 0: before the "
            "first step). The dotted line marks the epoch whose parameters are kept (the state trained in all other "
            f"figures). {_early(kept, curves)}{_objectives(objectives)}",
            chart=chart,
            view={"seed": str(curves["seed"][0])},
            per_configuration=True,
            quantity="accuracy",
        )
    ]


def _objectives(objectives: list[str]) -> str:
    """That the networks were not all trained with the same loss."""
    if len(objectives) < 2:
        return ""
    return (
        " Not all networks were trained with the same loss. Both losses are shown for all networks; the column "
        "objective of the table replicas holds the one used in training."
    )


def _early(kept: pl.DataFrame, curves: pl.DataFrame) -> str:
    """How early the best epochs lie."""
    best = kept["best_epoch"].drop_nulls().sort()
    if best.is_empty():
        return ""
    if best[0] == best[-1]:
        nets = "the net" if len(best) == 1 else f"all {len(best)} nets"
        return f"The kept epoch of {nets} is {best[0]} of {curves['epoch'].max()!s}."
    return (
        f"The kept epochs of the {len(best)} nets lie between {best[0]} and {best[-1]} of {curves['epoch'].max()!s}, "
        f"half of them up to {best[(len(best) - 1) // 2]}."
    )


def _panels(data: pl.DataFrame, column: str, title: str | None, context: Context) -> alt.FacetChart:
    quantity = quantity_of("learning_curves", column)
    base = alt.Chart(data, width=context.options.width, height=context.options.height * 0.75)
    lines = base.mark_line(point={"opacity": 0, "size": 40}).encode(
        x=alt.X("epoch:Q").title("epoch"),
        y=y_of(column, quantity).title(title or quantity.axis_title).scale(zero=False),
        color=alt.Color("split:N").scale(SPLIT_COLOURS),
    )
    rule = base.mark_rule(strokeDash=[2, 2]).encode(x="max(best_epoch):Q")
    return alt.layer(lines, rule).facet(column=alt.Column("network:N").title(None))
