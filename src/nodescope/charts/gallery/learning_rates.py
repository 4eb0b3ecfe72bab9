"""Validation accuracy per epoch for each candidate learning rate."""

import altair as alt
import polars as pl

from nodescope.charts.axes import y_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.tables import quantity_of
from nodescope.messages.words import counted
from nodescope.study.axes import CONFIGURATION

CHART = Chart(section="performance", order=110, tables=("learning_curves", "replicas"), needs_training=True,
              needs_values=("learning_curves.learning_rate",))  # fmt: skip

ACCURACY = quantity_of("replicas", "validation_accuracy")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure: a panel per configuration."""
    # Of networks that were trained elsewhere the rate is not known.
    curves, replicas = (tables[name].drop_nulls("learning_rate") for name in ("learning_curves", "replicas"))
    curves = curves.filter(pl.col("epoch") > 0)
    net = [CONFIGURATION, "learning_rate"]
    chosen = replicas.filter("chosen").select(*net, "chosen").unique(maintain_order=True)
    mean = over_seeds(
        curves.filter(pl.col("split") == "validation").drop("split", "loss", "mean_squared_error"), "accuracy"
    )
    data = (
        context.with_network(mean)
        .join(chosen, on=net, how="left", maintain_order="left")
        .with_columns(
            pl.col("chosen").fill_null(value=False),
            rate=pl.col("learning_rate").round_sig_figs(3).cast(pl.String),
        )
    )
    rates = data.sort("learning_rate")["rate"].unique(maintain_order=True).to_list()
    base = alt.Chart(width=context.options.width, height=context.options.height).encode(
        x=alt.X("epoch:Q").title("epoch"),
        y=y_of("mean", ACCURACY).scale(zero=False),
        color=alt.Color("rate:O").title("learning rate").sort(rates).scale(domain=rates, scheme="viridis"),
    )
    lines = base.mark_line(strokeWidth=1, opacity=0.8, point={"opacity": 0, "size": 40})
    thick = base.mark_line(strokeWidth=3, point={"opacity": 0, "size": 40})
    shown = data.select("configuration", "network", "seed", "rate", "chosen", "epoch", "mean").drop_nulls()
    chart = alt.layer(
        lines.transform_filter("!datum.chosen"), thick.transform_filter("datum.chosen"), data=shown
    ).facet(column=alt.Column("network:N").title(None))
    return [
        Figure(
            name="learning-rates",
            title="Choice of the learning rate",
            caption="Validation accuracy after each epoch for every candidate learning rate; the thick line is the selected rate. "
            f"{_chosen_sentence(chosen, context)}",
            about="If the highest or lowest of several candidates is selected, extend the search.",
            chart=chart,
            quantities={"mean": ACCURACY},
            view={"seed": seed_view(mean)},
            per_configuration=True,
            shown_in=ShownIn("learning-curves"),
        )
    ]


def _chosen_sentence(chosen: pl.DataFrame, context: Context) -> str:
    counts = chosen.group_by("learning_rate", maintain_order=True).agg(CONFIGURATION).sort("learning_rate")
    parts = []
    for rate, configurations in counts.iter_rows():
        words = (
            context.configurations.label(configurations[0])
            if len(configurations) == 1
            else counted(len(configurations), "configuration")
        )
        parts.append(f"{rate:.3g} ({words})")
    return f"Kept: {', '.join(parts)}."
