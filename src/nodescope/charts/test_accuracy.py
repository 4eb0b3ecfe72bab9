"""Figures 3.4, 3.7, 3.10: test accuracy per configuration, mean and standard error over seeds."""

import altair as alt
import polars as pl

from nodescope.charts.context import (
    Context,
    Figure,
    batch_norm_label,
    batch_norm_row,
    describe,
    error_band,
    network_columns,
    over_seeds,
    percent,
    variant_label,
    variant_scale,
)
from nodescope.tables import mean_over_seeds


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """A figure of the test accuracies and a table of the accuracies on all splits."""
    accuracy = tables["accuracy"]
    mean = mean_over_seeds(accuracy.drop("learning_rate", "best_epoch"), "accuracy")
    seeds = over_seeds(accuracy.drop("learning_rate", "best_epoch"), "accuracy")
    return [_figure(seeds, mean.filter(pl.col("split") == "test"), context), _table(mean)]


def _figure(seeds: pl.DataFrame, mean: pl.DataFrame, context: Context) -> Figure:
    named = seeds.with_columns(
        batch_norm_label().alias("norm"),
        variant_label(seeds).alias("label"),
        **error_band(),
    )
    variants = named["label"].unique(maintain_order=True).to_list()
    shown = [*network_columns(seeds), "norm", "label", "seed", "split", "mean", "low", "high"]
    data = named.select(shown).drop_nulls("mean")
    base = alt.Chart(data, width=context.options.width * 0.6, height=context.options.height).encode(
        x=alt.X("depth:O").title("hidden layers").axis(labelAngle=0),
        xOffset=alt.XOffset("label:N").sort(variants),
        color=alt.Color("label:N").title("activation").scale(variant_scale(variants)),
    )
    bars = base.mark_rule().encode(y=alt.Y("low:Q").title("accuracy"), y2="high:Q")
    points = base.mark_point(filled=True, size=60).encode(
        y=alt.Y("mean:Q").title("accuracy").axis(format="%").scale(zero=False),
        shape=alt.Shape("label:N").title("activation").scale(domain=variants),
    )
    chart = alt.layer(bars, points).facet(column=alt.Column("width:O").title("nodes per layer"), row=batch_norm_row())
    return Figure(
        name="test-accuracy",
        title="Test accuracy",
        caption="Accuracy of the kept nets, mean over the seeds; lines span one standard error to either side. "
        f"{_extremes(mean)} Where the lines of two nets overlap, the seeds do not tell them apart.",
        reference="figures 3.4, 3.7, 3.10",
        chart=chart,
        view={"split": "test", "seed": "mean"},
    )


def _extremes(mean: pl.DataFrame) -> str:
    known = mean.drop_nulls("mean").sort("mean")
    if known.is_empty():
        return "No net has a test accuracy: all diverged."
    columns = network_columns(mean)
    worst, best = known.row(0, named=True), known.row(-1, named=True)
    shown = {name: best[name] for name in columns}
    lowest = {name: worst[name] for name in columns}
    return (
        f"Best on test samples: {describe(shown)} ({percent(best['mean'])}); lowest: {describe(lowest)} "
        f"({percent(worst['mean'])})."
    )


def _table(mean: pl.DataFrame) -> Figure:
    columns = ["dataset", *network_columns(mean)]
    wide = mean.pivot("split", index=columns, values=["mean", "standard_error"], maintain_order=True)
    ordered = [f"{value}_{split}" for split in ("train", "validation", "test") for value in ("mean", "standard_error")]
    return Figure(
        name="accuracy-table",
        title="Accuracy on all splits",
        caption="Accuracy of the kept nets as fractions, mean and standard error over the seeds. "
        "An empty entry is a net that diverged, or an error that one seed cannot have.",
        reference="section 4.1",
        table=wide.select(*columns, *(pl.col(name).round(4) for name in ordered)),
    )
