"""Verdicts on claims: the rules, each applied to cases.

A case is one comparison that the claim makes, say ReLU against sigmoid at one depth: a value for each seed. Cases are
frames with the columns ``case`` (in words), ``seed`` and ``value`` (null where a net diverged). The seed is the unit: the
cases of one seed share data and initial weights, so a statement on all of them averages within each seed and takes the t
interval over the seeds (`nodescope.numerics.intervals`). Single cases are corrected for their number (Holm).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from nodescope.numerics.intervals import ALPHA, Estimate, holm, over_grid, over_seeds

HOLDS = "holds"
FAILS = "does not hold"
UNCLEAR = "cannot tell"
NOT_RUN = "not run"
VERDICTS = (HOLDS, FAILS, UNCLEAR, NOT_RUN)

SIGN_RULE = (
    "Holds where the 95 % t interval over the seeds of {value}, averaged over all cases within each seed, lies above 0 and no "
    "case alone lies clearly below (its own t test, corrected for the number of cases); does not hold where that interval "
    "lies below 0, or a case clearly does; otherwise cannot tell, as with one seed, or where all seeds give the same."
)
BOUND_RULE = (
    "Holds where the 95 % t interval over the seeds of every case lies where {value} is {bound}; does not hold where a case "
    "clearly lies outside (its own t test, corrected for the number of cases); otherwise cannot tell, as with one seed."
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
    statistic, standard_error, interval_low, interval_high : float or None
        The mean of the cases, its standard error over the seeds and its t interval; None for fewer than two seeds.
    seeds, cases : int
        How many seeds and comparisons there are.
    evidence : str
        What decided, in words.
    """

    verdict: str
    statistic: float | None = None
    standard_error: float | None = None
    interval_low: float | None = None
    interval_high: float | None = None
    seeds: int = 0
    cases: int = 0
    evidence: str = ""


def judge_sign(cases: pl.DataFrame) -> Judgement:
    """Are the values above 0? See `SIGN_RULE`."""
    of_case, whole = _estimates(cases)
    lowest = min(of_case, key=lambda name: of_case[name].centre or 0.0)
    if whole.seeds < 2:
        return _judgement(UNCLEAR, whole, of_case, _one_seed(of_case))
    if whole.equal_in_all_seeds:
        return _judgement(UNCLEAR, whole, of_case, f"Equal in all {whole.seeds} seeds, so there is no test.")
    corrected = holm([estimate.p_value for estimate in of_case.values()])
    against = {
        name: estimate
        for (name, estimate), p in zip(of_case.items(), corrected, strict=True)
        if p is not None and p <= ALPHA and (estimate.centre or 0.0) < 0
    }
    low, high = whole.interval or (-math.inf, math.inf)
    verdict = FAILS if against or high < 0 else HOLDS if low > 0 else UNCLEAR
    return _judgement(verdict, whole, of_case, f"Lowest of {len(of_case)}: {_words(lowest, of_case[lowest])}.")


def judge_bounds(cases: pl.DataFrame, *, low: float = -math.inf, high: float = math.inf) -> Judgement:
    """Are the values within bounds? See `BOUND_RULE`."""
    of_case, whole = _estimates(cases)
    miss = {name: max(low - (e.centre or 0.0), (e.centre or 0.0) - high) for name, e in of_case.items()}
    farthest = max(miss, key=lambda name: miss[name])
    if any(estimate.seeds < 2 for estimate in of_case.values()):
        return _judgement(UNCLEAR, whole, of_case, _one_seed(of_case))
    missed = {name: high if (of_case[name].centre or 0.0) > high else low for name in of_case if miss[name] > 0}
    # What is equal in all seeds, outside the bound, leaves nothing to be tested.
    p_values = [
        0.0 if of_case[name].equal_in_all_seeds else of_case[name].p_value_beside(bound)
        for name, bound in missed.items()
    ]
    # All cases count, not only those that miss.
    corrected = holm([*p_values, *[1.0] * (len(of_case) - len(missed))])
    within = [low <= e.interval[0] and e.interval[1] <= high for e in of_case.values() if e.interval is not None]
    outside = any(p is not None and p <= ALPHA for p in corrected)
    verdict = FAILS if outside else HOLDS if all(within) else UNCLEAR
    place = "Farthest out" if verdict != HOLDS else "Nearest to the bound"
    return _judgement(verdict, whole, of_case, f"{place} of {len(of_case)}: {_words(farthest, of_case[farthest])}.")


def judge_all(judgements: Iterable[Judgement]) -> Judgement:
    """A claim of several parts: holds where all hold, does not where one does not; the statistic is the first part's."""
    parts = list(judgements)
    verdicts = [part.verdict for part in parts]
    verdict = next((v for v in (FAILS, UNCLEAR) if v in verdicts), HOLDS)
    first = parts[0]
    return Judgement(
        verdict, first.statistic, first.standard_error, first.interval_low, first.interval_high, first.seeds,
        sum(part.cases for part in parts), " ".join(part.evidence for part in parts),
    )  # fmt: skip


def _estimates(cases: pl.DataFrame) -> tuple[dict[str, Estimate], Estimate]:
    """Each case over its seeds, and all cases together; cases without a value are left out."""
    known = cases.drop_nulls("value")
    if known.is_empty():
        raise NotRun("every net that it compares has diverged" if len(cases) else "nothing to compare was run")
    seeds = known["seed"].unique(maintain_order=True).to_list()
    wide = known.pivot("seed", index="case", values="value", maintain_order=True, sort_columns=False)
    values = wide.select(*map(str, seeds)).cast(pl.Float64).fill_null(math.nan).to_numpy()
    of_case = {name: over_seeds(row) for name, row in zip(wide["case"], values, strict=True)}
    return of_case, over_grid(values)


def _judgement(verdict: str, whole: Estimate, of_case: dict[str, Estimate], evidence: str) -> Judgement:
    low, high = whole.interval or (None, None)
    return Judgement(verdict, whole.centre, whole.standard_error, low, high, whole.seeds, len(of_case), evidence)


def _one_seed(of_case: dict[str, Estimate]) -> str:
    lacking = sum(estimate.seeds < 2 for estimate in of_case.values())
    return f"{lacking} of {len(of_case)} cases have fewer than two seeds, so no interval."


def _words(name: str, estimate: Estimate) -> str:
    if estimate.interval is None:
        return f"{name}: {estimate.centre:+.4f}"
    low, high = estimate.interval
    return f"{name}: {estimate.centre:+.4f} ({low:+.4f} to {high:+.4f})"
