"""Verdicts on claims: the rules, each applied to cases.

A case is one comparison that the claim makes, say ReLU against sigmoid at one depth: a value with its standard error
over the seeds. Cases are frames with the columns ``case`` (in words), ``value`` and ``standard_error`` (null where
fewer than two seeds have a value).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

HOLDS = "holds"
FAILS = "does not hold"
UNCLEAR = "cannot tell"
NOT_RUN = "not run"
VERDICTS = (HOLDS, FAILS, UNCLEAR, NOT_RUN)

#: The mean of all cases is clearly off a bound where it is by more than this many of its standard errors; a single case
#: by more than that many of its own, since with many cases and few seeds one strays now and then.
CLEAR_MEAN = 2.0
CLEAR_CASE = 3.0

SIGN_RULE = (
    "Holds where the mean of {value} over all cases exceeds 0 by more than two standard errors and no case lies below 0 by "
    "more than three of its own; does not hold where the mean lies below 0 by more than two, or a case by more than three; "
    "otherwise cannot tell."
)
BOUND_RULE = (
    "Holds where {value} is {bound} in every case; does not hold where a case misses that by more than three of its standard "
    "errors; otherwise cannot tell."
)


class NotRun(Exception):
    """What the claim is about is not among the tables; the message says what is missing."""


@dataclass(frozen=True)
class Judgement:
    """What became of a claim.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`.
    statistic, standard_error : float or None
        The mean of the cases' values and its standard error.
    cases : int
        How many comparisons were made.
    evidence : str
        What decided, in words.
    """

    verdict: str
    statistic: float | None
    standard_error: float | None
    cases: int
    evidence: str


def judge_sign(cases: pl.DataFrame) -> Judgement:
    """Are the values above 0? See `SIGN_RULE`."""
    known = _known(cases)
    mean, error = _mean(known)
    against = known.filter(pl.col("value") < -CLEAR_CASE * pl.col("standard_error"))
    if error is None:
        return Judgement(UNCLEAR, mean, None, len(known), _one_seed(known))
    if len(against) or mean < -CLEAR_MEAN * error:
        verdict = FAILS
    elif mean > CLEAR_MEAN * error:
        verdict = HOLDS
    else:
        verdict = UNCLEAR
    lowest = known.sort("value").head(1)
    decisive = lowest if against.is_empty() else against.sort("value")
    return Judgement(verdict, mean, error, len(known), f"Lowest of {len(known)}: {_words(decisive.head(1))}.")


def judge_bounds(cases: pl.DataFrame, *, low: float = -math.inf, high: float = math.inf) -> Judgement:
    """Are the values within bounds? See `BOUND_RULE`."""
    known = _known(cases).with_columns(miss=pl.max_horizontal(low - pl.col("value"), pl.col("value") - high))
    mean, error = _mean(known)
    farthest = known.sort("miss", descending=True).head(1)
    if error is None:
        return Judgement(UNCLEAR, mean, None, len(known), _one_seed(known))
    clear = known.filter(pl.col("miss") > CLEAR_CASE * pl.col("standard_error"), pl.col("miss") > 0)
    if len(clear):
        verdict = FAILS
    elif (known["miss"] <= 0).all():
        verdict = HOLDS
    else:
        verdict = UNCLEAR
    place = "Farthest out" if verdict != HOLDS else "Nearest to the bound"
    return Judgement(verdict, mean, error, len(known), f"{place} of {len(known)}: {_words(farthest)}.")


def judge_all(judgements: Iterable[Judgement]) -> Judgement:
    """A claim of several parts: holds where all hold, does not where one does not; the statistic is the first part's."""
    parts = list(judgements)
    verdicts = [part.verdict for part in parts]
    verdict = next((v for v in (FAILS, UNCLEAR) if v in verdicts), HOLDS)
    return Judgement(
        verdict,
        parts[0].statistic,
        parts[0].standard_error,
        sum(part.cases for part in parts),
        " ".join(part.evidence for part in parts),
    )


def _known(cases: pl.DataFrame) -> pl.DataFrame:
    known = cases.drop_nulls("value")
    if known.is_empty():
        raise NotRun("every net that it compares has diverged" if len(cases) else "nothing to compare was run")
    return known


def _mean(cases: pl.DataFrame) -> tuple[float, float | None]:
    """Mean of the values, and its standard error where every case has one."""
    values, errors = cases["value"].to_list(), cases["standard_error"].to_list()
    mean = math.fsum(values) / len(values)
    if any(error is None for error in errors):
        return mean, None
    return mean, math.sqrt(math.fsum(error**2 for error in errors)) / len(errors)


def _one_seed(cases: pl.DataFrame) -> str:
    lacking = cases.filter(pl.col("standard_error").is_null())
    return f"{len(lacking)} of {len(cases)} cases have fewer than two seeds, so no standard error."


def _words(case: pl.DataFrame) -> str:
    row = case.row(0, named=True)
    return f"{row['case']}: {row['value']:+.4f} ± {row['standard_error']:.4f}"
