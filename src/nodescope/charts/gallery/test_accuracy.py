"""Test accuracy per configuration."""

import altair as alt
import polars as pl

from nodescope.charts.axes import y_of
from nodescope.charts.context import (
    Context,
    Figure,
    batch_norm_label,
    batch_norm_row,
    describe,
    network_columns,
    over_seeds,
    percent,
    seed_view,
    variant_label,
    variant_scale,
)
from nodescope.charts.tables import quantity_of
from nodescope.findings.divergence import results_of
from nodescope.storage.columns import of_means
from nodescope.storage.tables import mean_over_seeds

ACCURACY = quantity_of("accuracy", "accuracy")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """A figure of the test accuracies and a table of the accuracies on all splits."""
    accuracy = tables["accuracy"].drop("learning_rate", "best_epoch")
    mean = mean_over_seeds(accuracy, "accuracy")
    results = mean_over_seeds(results_of(accuracy, tables["replicas"]), "accuracy")
    seeds = over_seeds(accuracy, "accuracy")
    return [_figure(seeds, results.filter(pl.col("split") == "test"), context), _table(mean, context)]


def _figure(seeds: pl.DataFrame, results: pl.DataFrame, context: Context) -> Figure:
    named = context.with_spread(seeds, "test-accuracy", bounds=(0, 1)).with_columns(
        batch_norm_label().alias("norm"),
        variant_label(seeds).alias("label"),
    )
    variants = named["label"].unique(maintain_order=True).to_list()
    shown = [*network_columns(seeds), "norm", "label", "seed", "split", "mean", "low", "high"]
    data = named.select(shown).drop_nulls("mean")
    base = alt.Chart(data, width=context.options.width * 0.6, height=context.options.height).encode(
        x=alt.X("depth:O").title("hidden layers").axis(labelAngle=0),
        xOffset=alt.XOffset("label:N").sort(variants),
        color=alt.Color("label:N").title("activation").scale(variant_scale(variants)),
    )
    bars = base.mark_rule().encode(y=alt.Y("low:Q").title(ACCURACY.axis_title), y2="high:Q")
    points = base.mark_point(filled=True, size=60).encode(
        y=y_of("mean", ACCURACY).scale(zero=False),
        shape=alt.Shape("label:N").title("activation").scale(domain=variants),
    )
    chart = alt.layer(bars, points).facet(column=alt.Column("width:O").title("nodes per layer"), row=batch_norm_row())
    return Figure(
        name="test-accuracy",
        title="Test accuracy",
        caption=f"Accuracy of the {context.words.kept}, {context.spread_words('test-accuracy')}. {_extremes(results, context)}"
        f"{_without_result(results)}",
        chart=chart,
        quantities={"mean": ACCURACY},
        view={"split": "test", "seed": seed_view(seeds)},
    )


def _without_result(results: pl.DataFrame) -> str:
    """Which configurations diverged wholly; where all did, that is already said."""
    lost = results.filter(pl.col("mean").is_null()).select(network_columns(results))
    if len(lost) in (0, len(results)):
        return ""
    names = "; ".join(describe(row) for row in lost.iter_rows(named=True))
    return f" Without a result, since every net diverged: {names}."


def _extremes(results: pl.DataFrame, context: Context) -> str:
    known = results.drop_nulls("mean").sort("mean", maintain_order=True)
    if known.is_empty():
        return "No configuration has a result: every net diverged."
    columns = network_columns(results)
    worst, best = known.row(0, named=True), known.row(-1, named=True)
    highest, lowest = ({name: row[name] for name in columns} for row in (best, worst))
    if len(known) == 1:
        return f"{describe(highest)}: {percent(best['mean'])} on test samples."
    return (
        f"Highest on test samples: {describe(highest)} ({percent(best['mean'])}); lowest: {describe(lowest)} "
        f"({percent(worst['mean'])}). "
        + (
            "Whether two of them differ is a question to the differences, paired by seed and by sample, not to whether bars "
            "overlap: see the comparisons."
            if context.words.several_seeds
            else "Whether they differ for more than chance one seed cannot tell."
        )
    )


def _table(mean: pl.DataFrame, context: Context) -> Figure:
    columns = ["dataset", *network_columns(mean)]
    of_splits = context.table_of_means(mean, "accuracy", "accuracy-table")
    values = [name for name in of_splits.columns if name not in (*columns, "model", "split", "seeds")]
    wide = of_splits.pivot("split", index=columns, values=values, maintain_order=True)
    splits = ("train", "validation", "test")
    shown_as = of_means(ACCURACY)
    if len(values) == 1:
        quantities = {f"{split}_accuracy": ACCURACY for split in splits}
        named = {split: f"{split}_accuracy" for split in splits}
    else:
        quantities = {f"{value}_{split}": shown_as[value] for split in splits for value in values if value in shown_as}
        named = {f"{value}_{split}": f"{value}_{split}" for split in splits for value in values}
    empty = " or an error that one seed cannot have" if context.words.several_seeds else ""
    return Figure(
        name="accuracy-table",
        title="Accuracy on all splits",
        caption=f"Accuracy of the {context.words.kept}, {context.spread_words('accuracy-table')}. "
        f"An empty entry is a net that diverged{empty}.",
        table=wide.select(*columns, *(pl.col(name).alias(alias) for name, alias in named.items())),
        quantities=quantities,
    )
