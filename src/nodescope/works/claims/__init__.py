"""The claims of the reproduced works, each judged by a function of the collected tables."""

from collections.abc import Collection

import polars as pl

from nodescope.works.cases import Tables
from nodescope.works.claims import accuracy, activity, initialisations, local_gradients, medians, patterns, systems
from nodescope.works.claims.claim import Claim
from nodescope.works.judging import NOT_RUN, Judgement, NotRun
from nodescope.works.works import BY_CITATION, Work

__all__ = ["CLAIMS", "Claim", "judge_claim", "judge_claims"]

CLAIMS: tuple[Claim, ...] = (
    *accuracy.CLAIMS,
    *medians.CLAIMS,
    *activity.CLAIMS,
    *systems.CLAIMS,
    *patterns.CLAIMS,
    *initialisations.CLAIMS,
    *local_gradients.CLAIMS,
)

COLUMNS = {
    "claim": pl.String,
    "work": pl.String,
    "place": pl.String,
    "statement": pl.String,
    "verdict": pl.String,
    "statistic": pl.Float64,
    "standard_error": pl.Float64,
    "interval_low": pl.Float64,
    "interval_high": pl.Float64,
    "seeds": pl.Int32,
    "cases": pl.Int32,
    "evidence": pl.String,
    "measure": pl.String,
    "rule": pl.String,
    "charts": pl.String,
}


def judge_claims(tables: Tables, works: Collection[str] = tuple(BY_CITATION)) -> pl.DataFrame:
    """One row per claim of the works, see `COLUMNS`; ``charts`` names the kinds of charts to look at, with commas."""
    rows = []
    for claim in (claim for claim in CLAIMS if claim.work in works):
        judgement = judge_claim(claim, tables)
        rows.append(
            {
                "claim": claim.name,
                "work": claim.work,
                "place": claim.place,
                "statement": claim.statement,
                "verdict": judgement.verdict,
                "statistic": judgement.statistic,
                "standard_error": judgement.standard_error,
                "interval_low": judgement.interval_low,
                "interval_high": judgement.interval_high,
                "seeds": judgement.seeds,
                "cases": judgement.cases,
                "evidence": judgement.evidence,
                "measure": claim.statistic,
                "rule": claim.rule,
                "charts": ", ".join(claim.charts),
            }
        )
    return pl.DataFrame(rows, schema=COLUMNS)


def judge_claim(claim: Claim, tables: Tables) -> Judgement:
    """The judgement of one claim; that it was not run where what it needs is not there, or its work speaks of others."""
    try:
        return claim.judge(_spoken_of(BY_CITATION[claim.work], tables, of_any_data=claim.of_any_data))
    except NotRun as reason:
        return Judgement(NOT_RUN, evidence=f"Not run: {reason}.")


def _spoken_of(work: Work, tables: Tables, *, of_any_data: bool) -> Tables:
    """The rows of the data sets and networks that a work speaks of.

    Raises
    ------
    NotRun
        If there are networks, but none of them is.
    """
    found = {}
    for name, frame in tables.items():
        if not {"dataset", "model", "activation"} <= set(frame.columns):
            found[name] = frame
            continue
        here = frame if of_any_data else frame.filter(pl.col("dataset").is_in(work.datasets))
        if here.is_empty() and len(frame):
            others = ", ".join(frame["dataset"].unique(maintain_order=True))
            raise NotRun(f"{work.citation} speaks of {', '.join(work.datasets)}, not of {others}")
        known = pl.col("activation").is_in(work.activations) if work.activations else pl.lit(value=True)
        found[name] = here.filter(pl.col("model").is_in(work.families), known)
        if found[name].is_empty() and len(here):
            raise NotRun(f"{work.citation} speaks of {work.networks}, which the study does not have")
    return found
