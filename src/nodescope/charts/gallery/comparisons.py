"""Every configuration compared with the best one: is the difference of test accuracy more than chance?"""

import altair as alt
import polars as pl

from nodescope.charts.axes import x_of
from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure
from nodescope.charts.tables import quantity_of
from nodescope.findings.comparisons import TEST_ACCURACY
from nodescope.numerics.intervals import CANNOT_TELL, ON_THIS_TEST_SET, REAL
from nodescope.study.axes import CONFIGURATION

CHART = Chart(
    section="performance",
    order=20,
    tables=("comparisons", "accuracy"),
    needs_accuracy=True,
    needs_values=("accuracy.accuracy",),
)

COLOURS = {REAL: "#228833", ON_THIS_TEST_SET: "#4477aa", "in all seeds": "#ccbb44", CANNOT_TELL: "#777777"}
DIFFERENCE = quantity_of("comparisons", "difference")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """The differences with their intervals as a figure, and as a table."""
    comparisons, accuracy = tables["comparisons"], tables["accuracy"]
    known = comparisons.drop_nulls("difference")
    shown = [_table(comparisons, context)]
    return shown if known.is_empty() else [_figure(comparisons, accuracy, context), *shown]


def _figure(comparisons: pl.DataFrame, accuracy: pl.DataFrame, context: Context) -> Figure:
    columns = context.configurations.columns
    kind = pl.when(pl.col("verdict").str.starts_with("in all")).then(pl.lit("in all seeds")).otherwise("verdict")
    named = context.with_network(comparisons).drop_nulls("difference").with_columns(found=kind)
    order = named["network"].to_list()
    ends = named.select(
        *columns, "network", "found", "verdict", "difference", low="interval_low", high="interval_high"
    )  # fmt: skip
    points = _per_seed(named.select(*columns, "network"), comparisons, accuracy)
    base = alt.Chart(width=context.options.width * 1.5, height=alt.Step(18)).encode(
        y=alt.Y("network:N").title(None).sort(order).axis(labelLimit=300)
    )
    colour = alt.Color("found:N").title(None).scale(domain=list(COLOURS), range=list(COLOURS.values()))
    x = x_of("difference", DIFFERENCE)
    tooltip = ["network:N", "verdict:N", "difference:Q", "low:Q", "high:Q"]
    seeds = base.mark_tick(thickness=1, size=10, color="#999999").encode(x=x, tooltip=["network:N", "seed:N"])
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q").title(DIFFERENCE.axis_title), x2="high:Q", color=colour
    )
    centres = base.mark_point(filled=True, size=60).encode(x=x, color=colour, tooltip=tooltip)
    zero = alt.Chart().mark_rule(strokeDash=[3, 3], color="#777777").encode(x=alt.datum(0))
    layers = [zero, seeds.properties(data=points), centres.properties(data=ends)]
    if context.words.several_seeds:
        layers.insert(2, bars.properties(data=ends.drop_nulls("low")))
    return Figure(
        name="comparisons",
        title="Every configuration compared with the best",
        caption=f"{_what_is_shown(named, context)} {_counts(named)} {sample_words(named['samples'][0])}",
        chart=alt.layer(*layers),
        quantity="difference",
    )


def _per_seed(named: pl.DataFrame, comparisons: pl.DataFrame, accuracy: pl.DataFrame) -> pl.DataFrame:
    """The difference of each seed that both have, beside the columns that name the configurations."""
    of_test = accuracy.filter(pl.col("split") == "test").select(CONFIGURATION, "seed", "accuracy")
    of_best = comparisons.filter("is_best")
    best = of_test.join(of_best, on=CONFIGURATION, how="semi").select("seed", best="accuracy")
    differences = of_test.join(best, on="seed").select(
        CONFIGURATION, "seed", difference=pl.col("accuracy") - pl.col("best")
    )
    return (
        named.join(differences, on=CONFIGURATION, maintain_order="left")
        .drop_nulls("difference")
        .with_columns(pl.col("seed").cast(pl.String))
    )


def _what_is_shown(known: pl.DataFrame, context: Context) -> str:
    chosen = f"The best, {known['best'][0]}, is selected by validation accuracy"
    if not context.words.several_seeds:
        return (
            f"{chosen}. Difference in test accuracy from the best, {context.words.mean}: the variation with the seed is "
            "unknown."
        )
    return (
        f"{chosen}. Difference in test accuracy from the best: ticks are seeds (paired), lines are 95 % t intervals, "
        "which account for the variation of both seeds and test samples. Colours (Holm-corrected for the number of "
        "configurations): real, the interval excludes 0; on this test set, it excludes 0 only if the variation of "
        "test samples is ignored; in all seeds, not significant, but with the same sign for every seed."
    )


def _counts(named: pl.DataFrame) -> str:
    counts = dict(named["found"].value_counts().iter_rows())
    words = "; ".join(f"{verdict}: {counts[verdict]}" for verdict in COLOURS if verdict in counts)
    return f"Of {len(named)} compared, {words}."


def sample_words(samples: int | None) -> str:
    """What one sample of the test set weighs."""
    return "" if not samples else f"One sample of {samples:,} is {100 / samples:.2g} points."


def _table(comparisons: pl.DataFrame, context: Context) -> Figure:
    columns = context.configurations.columns
    numbers = ["value", "difference"]
    if context.words.several_seeds:
        numbers += ["seed_error", "sample_error", "interval_low", "interval_high", "p_corrected"]
    of_one = [] if context.words.several_seeds else [pl.col("mcnemar_p").round(4)]
    best = comparisons["best"].drop_nulls()
    seeds = ", over the seeds that both configurations have" if context.words.several_seeds else ""
    beside = (
        " The standard errors are over the seeds and over the test samples; the interval and the Holm-corrected p "
        "value include both."
        if context.words.several_seeds
        else f" The values are {context.words.mean}, so the variation with the seed is unknown. "
        "McNemar's exact p tests whether the two networks differ in accuracy on new samples."
    )
    return Figure(
        name="comparisons-table",
        title="Every configuration compared with the best: values",
        caption="Every network diverged, so there is nothing to compare."
        if best.is_empty()
        else f"Test accuracy, and its difference from the best on validation samples, {best[0]}{seeds}.{beside} "
        "The best configuration itself has no difference."
        + (" Rows without numbers: every network diverged." if comparisons["value"].null_count() else ""),
        table=comparisons.select(
            *columns, *(pl.col(name).round(4) for name in numbers), "seeds", "samples", "verdict", *of_one
        ).rename({"value": "test_accuracy", "difference": "less_the_best"}),
        quantities={"test_accuracy": TEST_ACCURACY, "less_the_best": DIFFERENCE},
    )
