"""Which configuration is best, and is it?

The best is chosen on validation samples. Said where it is better than at least one other after Holm's correction, with the
noise of seeds and of test samples, and, with several seeds, where it is not: that is a result too. One seed tells nothing.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from nodescope.findings.comparisons import DIFFERENCE, TEST_ACCURACY
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import ONE_SEED, clipped, interval, listing, number_word, signless
from nodescope.findings.small_charts import dots
from nodescope.findings.studied import Studied
from nodescope.numerics.intervals import REAL
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(
    chapter="performance", rank=10, tables=("comparisons", "accuracy"), figure="comparisons", needs_training=True
)

#: Means of accuracies that differ by less are equal.
ROUNDING = 1e-9


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    table = tables["comparisons"].collect()
    best = table.filter("is_best")
    others = table.filter(~pl.col("is_best"), pl.col("difference").is_not_null()).sort("difference", descending=True)
    if best.is_empty() or others.is_empty() or best["value"][0] is None:
        return
    name, value, samples = best["best"][0], best["value"][0], int(best["samples"][0])
    real = others.filter(pl.col("verdict") == REAL)
    worse, better = real.filter(pl.col("difference") < 0), real.filter(pl.col("difference") > 0)
    nearest = others.row(0, named=True)
    low, high = clipped(nearest["interval_low"], nearest["interval_high"], DIFFERENCE)
    equal = _equally_good(tables)
    chosen = f"{name}, which is best on validation samples"
    if equal > 1:
        chosen = f"{name}, the first of {number_word(equal)} that are equally good on validation samples"
    reaches = f"classifies {TEST_ACCURACY.text(value)} of the {samples:,} test samples correctly"
    reason = ""
    if others["seeds"].max() == 1:
        sentence = f"{_with_dot(chosen)} {reaches}; whether another configuration differs from it cannot be told."
        reason = ONE_SEED
    elif better.is_empty() and len(worse) == len(others):
        sentence = f"{_with_dot(chosen)} {reaches}, more than {_each(len(others))}: the smallest lead is {_lead(nearest, samples)}."
    elif len(worse) or len(better):
        than = [
            f"it is better than {number_word(len(worse))} of the {number_word(len(others))} others"
            if len(worse)
            else "",
            f"worse than {listing([studied.label(each) for each in better['configuration']])}" if len(better) else "",
        ]
        words = " and ".join(part for part in than if part)
        words = words if len(worse) else f"it is {words}"
        sentence = f"{_with_dot(chosen)} {reaches}; {words}, beyond the noise of seeds and test samples."
    else:
        farthest = max(others.iter_rows(named=True), key=lambda row: abs(row["difference"]))
        low, high = clipped(farthest["interval_low"], farthest["interval_high"], DIFFERENCE)
        nearest = farthest
        seeds = number_word(int(others["seeds"].max()), begins=True)  # type: ignore[arg-type]  # whole numbers
        sentence = (
            f"{seeds} seeds do not tell {_any(len(others))} from {chosen} ({TEST_ACCURACY.text(value)} of {samples:,} test "
            f"samples): the largest difference is {_difference(farthest, samples, studied)}."
        )
    rows = [
        (studied.label(row["configuration"]), row["difference"], row["interval_low"], row["interval_high"])
        for row in others.iter_rows(named=True)
    ]
    yield Found(
        sentence=sentence, value=nearest["difference"], low=low, high=high, quantity=DIFFERENCE, reason=reason,
        chart=dots(rows, DIFFERENCE, zero=True), view={"split": "test"},
    )  # fmt: skip


def _equally_good(tables: Tables) -> int:
    """How many configurations have the highest mean accuracy on validation samples: of equal ones the first is called the best."""
    rows = tables["accuracy"].filter(pl.col("split") == "validation")
    means = rows.group_by(CONFIGURATION).agg(pl.col("accuracy").mean()).drop_nulls()
    is_equal = pl.col("accuracy") >= pl.col("accuracy").max() - ROUNDING
    return max(1, int(means.select(is_equal.sum()).collect().item()))


def _with_dot(words: str) -> str:
    """The chosen configuration as the beginning of a sentence that goes on."""
    return f"{words}," if "," in words else words


def _each(number: int) -> str:
    return "the other configuration" if number == 1 else f"each of the other {number_word(number)} configurations"


def _any(number: int) -> str:
    return "the other configuration" if number == 1 else f"any of the other {number_word(number)} configurations"


def _lead(row: dict[str, Any], samples: int) -> str:
    low, high = clipped(-row["interval_high"], -row["interval_low"], DIFFERENCE)
    size = f"{signless(DIFFERENCE, row['difference'])}, or {_of_samples(row['difference'], samples)}"
    return f"{size} ({interval(low, high, DIFFERENCE)})"


def _difference(row: dict[str, Any], samples: int, studied: Studied) -> str:
    said = interval(*clipped(row["interval_low"], row["interval_high"], DIFFERENCE), DIFFERENCE)
    size = f"{DIFFERENCE.text(row['difference'])}, or {_of_samples(row['difference'], samples)}"
    return f"that of {studied.label(row['configuration'])}, {size}{f' ({said})' if said else ''}"


def _of_samples(difference: float, samples: int) -> str:
    """A difference as a number of test samples."""
    number = abs(difference) * samples
    if number < 0.95:
        return "less than one test sample"
    return f"about {number_word(round(number))} of {samples:,} test samples"
