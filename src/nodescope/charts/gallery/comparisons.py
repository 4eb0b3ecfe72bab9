"""Every configuration compared with the best one, as a table."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.tables import quantity_of
from nodescope.findings.comparisons import TEST_ACCURACY

CHART = Chart(
    section="performance",
    order=20,
    tables=("comparisons", "accuracy"),
    needs_accuracy=True,
    needs_values=("accuracy.accuracy",),
)

DIFFERENCE = quantity_of("comparisons", "difference")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """The differences with their errors; the page shows them beside the accuracies."""
    comparisons = tables["comparisons"]
    several = context.words.several_seeds
    numbers = ["value", "difference"]
    if several:
        numbers += ["seed_error", "sample_error", "interval_low", "interval_high", "p_corrected"]
    of_one = [] if several else [pl.col("mcnemar_p").round(4)]
    best = comparisons["best"].drop_nulls()
    caption = (
        "Every network diverged, so there is nothing to compare."
        if best.is_empty()
        else f"Test accuracy, and its difference from {best[0]}, the best on validation samples, {context.words.mean}."
    )
    about = (
        "Differences are paired by seed and test sample, over the seeds that both configurations have. The standard errors are "
        "over the seeds and over the test samples; interval and Holm-corrected p value include both."
        if several
        else "McNemar's exact p tests whether the two networks differ in accuracy on new samples; how much they vary with the "
        "seed is unknown."
    )
    return [
        Figure(
            name="comparisons-table",
            title="Every configuration compared with the best: values",
            caption=caption,
            about=about,
            table=comparisons.select(
                *context.configurations.columns, *(pl.col(name).round(4) for name in numbers), "seeds", "samples", "verdict",
                *of_one,
            ).rename({"value": "test_accuracy", "difference": "less_the_best"}),
            quantities={"test_accuracy": TEST_ACCURACY, "less_the_best": DIFFERENCE},
            shown_in=ShownIn("test-accuracy"),
        )
    ]  # fmt: skip
