"""Test accuracy per configuration."""

from typing import Any

import altair as alt
import polars as pl

from nodescope.charts.axes import y_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.labels import percent
from nodescope.charts.panels import in_panels, panel_columns, panels
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.style import series_scale
from nodescope.charts.tables import quantity_of
from nodescope.findings.divergence import results_of
from nodescope.storage.columns import of_means
from nodescope.storage.tables import mean_over_seeds

CHART = Chart(
    section="performance",
    order=10,
    tables=("accuracy", "replicas"),
    needs_accuracy=True,
    needs_values=("accuracy.accuracy",),
)

ACCURACY = quantity_of("accuracy", "accuracy")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """A figure of the test accuracies and a table of the accuracies on all splits."""
    accuracy = tables["accuracy"].drop("learning_rate", "best_epoch")
    mean = mean_over_seeds(accuracy, "accuracy")
    results = mean_over_seeds(results_of(accuracy, tables["replicas"]), "accuracy")
    seeds = over_seeds(accuracy, "accuracy")
    return [_figure(seeds, results.filter(pl.col("split") == "test"), context), _table(mean, context)]


def _figure(seeds: pl.DataFrame, results: pl.DataFrame, context: Context) -> Figure:
    sizes = [axis for axis in context.configurations.axes if axis.is_size and axis.side is None]
    named = in_panels(
        context.with_spread(seeds, "test-accuracy", bounds=(0, 1)), context, without=[axis.name for axis in sizes]
    )
    series = named["label"].unique(maintain_order=True).to_list()
    shown = [*panel_columns(context), "seed", "split", "mean", "low", "high"]
    data = named.select(shown).drop_nulls("mean")
    base = alt.Chart(data, width=context.options.width * 0.6, height=context.options.height).encode(
        **_places(series, context), color=alt.Color("label:N").title("network").scale(series_scale(series))
    )
    bars = base.mark_rule().encode(y=alt.Y("low:Q").title(ACCURACY.axis_title), y2="high:Q")
    points = base.mark_point(filled=True, size=60).encode(
        y=y_of("mean", ACCURACY).scale(zero=False),
        shape=alt.Shape("label:N").title("network").scale(domain=series),
    )
    chart = panels(alt.layer(bars, points), context, column=sizes[0] if sizes else None, independent=())
    return Figure(
        name="test-accuracy",
        title="Test accuracy",
        caption=f"Accuracy of the {context.words.kept}, {context.spread_words('test-accuracy')}. {_extremes(results, context)}"
        f"{_without_result(results, context)}",
        chart=chart,
        quantities={"mean": ACCURACY},
        view={"split": "test", "seed": seed_view(seeds)},
    )


def _places(series: list[str], context: Context) -> dict[str, Any]:
    """Where a network stands in its panel: by the axis of the columns where there is one, else by its name."""
    column = context.configurations.side("column")
    if column is None:
        return {"x": alt.X("label:N").title(None).sort(series).axis(labelAngle=-40)}
    return {
        "x": alt.X(f"{column.name}:O").title(column.title).axis(labelAngle=0),
        "xOffset": alt.XOffset("label:N").sort(series),
    }


def _without_result(results: pl.DataFrame, context: Context) -> str:
    """Which configurations diverged wholly; where all did, that is already said."""
    lost = results.filter(pl.col("mean").is_null())
    if len(lost) in (0, len(results)):
        return ""
    names = "; ".join(context.network(row) for row in lost.iter_rows(named=True))
    return f" No result because every network diverged: {names}."


def _extremes(results: pl.DataFrame, context: Context) -> str:
    known = results.drop_nulls("mean").sort("mean", maintain_order=True)
    if known.is_empty():
        return "No results: every network diverged."
    worst, best = known.row(0, named=True), known.row(-1, named=True)
    highest, lowest = context.network(best), context.network(worst)
    if len(known) == 1:
        return f"{highest}: {percent(best['mean'])} on test samples."
    return (
        f"Highest on test samples: {highest} ({percent(best['mean'])}); lowest: {lowest} "
        f"({percent(worst['mean'])}). "
        + (
            "Overlapping intervals do not show whether two configurations differ; see the paired comparisons."
            if context.words.several_seeds
            else "One seed is not enough to test whether they differ."
        )
    )


def _table(mean: pl.DataFrame, context: Context) -> Figure:
    columns = context.configurations.columns
    of_splits = context.table_of_means(mean, "accuracy", "accuracy-table")
    values = [
        name
        for name in of_splits.columns
        if name in ("accuracy", "mean", "standard_error", "interval_low", "interval_high")
    ]
    wide = of_splits.pivot("split", index=columns, values=values, maintain_order=True)
    known = set(mean.drop_nulls("mean")["split"])
    splits = [split for split in ("train", "validation", "test") if split in known]
    shown_as = of_means(ACCURACY)
    if len(values) == 1:
        quantities = {f"{split}_accuracy": ACCURACY for split in splits}
        named = {split: f"{split}_accuracy" for split in splits}
    else:
        quantities = {f"{value}_{split}": shown_as[value] for split in splits for value in values if value in shown_as}
        named = {f"{value}_{split}": f"{value}_{split}" for split in splits for value in values}
    shown = wide.select(*columns, *(pl.col(name).alias(alias) for name, alias in named.items()))
    undefined = " or an error that is undefined for one seed" if context.words.several_seeds else ""
    empty = f" Empty: the network diverged{undefined}." if shown.null_count().sum_horizontal().item() else ""
    return Figure(
        name="accuracy-table",
        title="Accuracy on all splits" if len(splits) > 1 else f"Accuracy on {splits[0]} samples",
        caption=f"Accuracy of the {context.words.kept}, {context.spread_words('accuracy-table')}.{empty}",
        table=shown,
        quantities=quantities,
    )
