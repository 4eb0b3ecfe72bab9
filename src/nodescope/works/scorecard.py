"""Every published number beside ours.

Formula: with our mean over the seeds ``m``, its standard error ``s``, the published value ``p``, its standard error ``e``
where one is printed and one unit ``u`` of its last digit, the difference is ``d = m - p`` and its standard error
``sqrt(s^2 + e^2 + u^2 / 12)``: rounding to ``u`` has the variance ``u^2 / 12``. Its t interval has the degrees of freedom of
Welch and Satterthwaite, those of ``e`` from the seeds that the source tells of (`nodescope.numerics.intervals`). The
numbers of the table are judged together: by Benjamini and Hochberg, of those that are said to differ one in twenty does
not.
"""

import math
from collections.abc import Collection
from typing import Any

import polars as pl

from nodescope.numerics.intervals import Estimate, benjamini_hochberg, combined_errors
from nodescope.storage.tables import mean_over_seeds
from nodescope.works.cases import Tables
from nodescope.works.printed import KEYS, measured, printed_numbers
from nodescope.works.tables import SCORECARD
from nodescope.works.work import Work

#: What is found by putting a number beside ours.
FOUND = ("difference", "difference_errors", "interval_low", "interval_high", "p_value")

AGREES = "agrees"
DIFFERS = "differs"
UNCLEAR = "cannot tell"
NOT_SCORED = "not scored"
NOT_RUN = "not run"
VERDICTS = (AGREES, DIFFERS, UNCLEAR, NOT_SCORED, NOT_RUN)

RULE = (
    "Agrees where the 95 % t interval of the difference holds 0: the seeds do not tell the two apart, which says little where "
    "the interval is wide. Differs where they are told apart although so many numbers are looked at (Benjamini and Hochberg, "
    "5 %). Cannot tell: neither, or fewer than two of our seeds have a value. The interval counts our seeds, the published "
    "standard error where one is printed, and the rounding of the last digit. Where all our seeds have the same value and no "
    "error is printed, there is no test: agrees where the two are the same as printed, else cannot tell."
)


def scorecard(tables: Tables, works: Collection[Work]) -> pl.DataFrame:
    """Every number that the works print beside ours.

    Returns
    -------
    DataFrame
        One row per number, see `nodescope.works.tables.SCORECARD`.
    """
    rows = [_beside(row) for work in works for row in _with_ours(tables, work).iter_rows(named=True)]
    found = benjamini_hochberg([None if row["remark"] else row["p_value"] for row in rows])
    for row, differs in zip(rows, found, strict=True):
        row["verdict"] = _verdict(row, differs=differs)
    return pl.DataFrame(rows, schema=SCORECARD.schema())


def _with_ours(tables: Tables, work: Work) -> pl.DataFrame:
    """The numbers that a work prints, each with ours, its standard error and the number of seeds."""
    own = mean_over_seeds(measured(tables, work), "value").rename({"mean": "ours"})
    return printed_numbers([work]).join(own, on=list(KEYS), how="left", nulls_equal=True, maintain_order="left")


def _beside(row: dict[str, Any]) -> dict[str, Any]:
    """A published number with ours: the difference and its interval."""
    empty = dict.fromkeys(FOUND)
    if row["ours"] is None:
        return {**row, **empty}
    difference = row["ours"] - row["published"]
    if row["standard_error"] is None:
        return {**row, **empty, "difference": difference}
    rounding, published = row["last_digit"] / math.sqrt(12), row["published_error"] or 0.0
    freedom_of_published = math.inf if row["published_seeds"] is None else row["published_seeds"] - 1
    error, freedom = combined_errors(
        [row["standard_error"], published, rounding], [row["seeds"] - 1, freedom_of_published, math.inf]
    )
    estimate = Estimate(difference, row["seeds"], freedom, error)
    low, high = estimate.interval or (None, None)
    # Where neither side has noise of seeds, there is nothing to be tested.
    p = estimate.p_value if row["standard_error"] or published else None
    return {
        **row, **empty, "difference": difference, "difference_errors": difference / error, "interval_low": low,
        "interval_high": high, "p_value": p,
    }  # fmt: skip


def _verdict(row: dict[str, Any], *, differs: bool) -> str:
    if row["seeds"] is None:
        return NOT_RUN
    if row["remark"] is not None:
        return NOT_SCORED
    if row["interval_low"] is None:
        return UNCLEAR
    if differs:
        return DIFFERS
    agrees = row["interval_low"] <= 0 <= row["interval_high"]
    # With no noise at all, equal as far as it is printed.
    same = abs(row["difference"]) <= row["last_digit"] / 2
    return AGREES if (agrees if row["p_value"] is not None else same) else UNCLEAR
