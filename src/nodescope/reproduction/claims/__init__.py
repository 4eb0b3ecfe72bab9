"""The claims of the reproduced works, each judged by a function of the collected tables."""

import polars as pl

from nodescope.reproduction.cases import Tables
from nodescope.reproduction.claims import (
    accuracy,
    activity,
    initialisations,
    local_gradients,
    medians,
    patterns,
    systems,
)
from nodescope.reproduction.claims.claim import PRETORIUS, Claim
from nodescope.reproduction.judging import NOT_RUN, Judgement, NotRun

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

#: The networks that a work is about, where it is about one kind.
NETWORKS = {PRETORIUS: pl.col("model") == "mlp"}

COLUMNS = {
    "claim": pl.String,
    "work": pl.String,
    "place": pl.String,
    "statement": pl.String,
    "verdict": pl.String,
    "statistic": pl.Float64,
    "standard_error": pl.Float64,
    "cases": pl.Int32,
    "evidence": pl.String,
    "measure": pl.String,
    "rule": pl.String,
    "charts": pl.String,
}


def judge_claims(tables: Tables) -> pl.DataFrame:
    """One row per claim, see `COLUMNS`; ``charts`` names the kinds of charts to look at, with commas."""
    rows = []
    for claim in CLAIMS:
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
                "cases": judgement.cases,
                "evidence": judgement.evidence,
                "measure": claim.statistic,
                "rule": claim.rule,
                "charts": ", ".join(claim.charts),
            }
        )
    return pl.DataFrame(rows, schema=COLUMNS)


def judge_claim(claim: Claim, tables: Tables) -> Judgement:
    """The judgement of one claim; that it was not run where what it needs is not there."""
    try:
        return claim.judge(_networks_of(claim.work, tables))
    except NotRun as reason:
        return Judgement(NOT_RUN, None, None, 0, f"Not run: {reason}.")


def _networks_of(work: str, tables: Tables) -> Tables:
    if work not in NETWORKS:
        return tables
    return {name: frame.filter(NETWORKS[work]) if "model" in frame.columns else frame for name, frame in tables.items()}
