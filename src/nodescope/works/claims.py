"""Judge the claims of works."""

from collections.abc import Collection

import polars as pl

from nodescope.works.cases import Tables, is_of_networks
from nodescope.works.claim import Claim
from nodescope.works.judging import NOT_RUN, Judgement, NotRun
from nodescope.works.tables import CLAIMS
from nodescope.works.work import Work


def claims_of(work: Work) -> tuple[Claim, ...]:
    """The claims of a work."""
    module = work.module("claims")
    claims: tuple[Claim, ...] = () if module is None else module.CLAIMS
    return claims


def judge_claims(tables: Tables, works: Collection[Work]) -> pl.DataFrame:
    """One row per claim of the works, see `nodescope.works.tables.CLAIMS`."""
    rows = []
    for work in works:
        for claim in claims_of(work):
            judgement = judge_claim(claim, work, tables)
            rows.append(
                {
                    "claim": claim.name,
                    "work": work.citation,
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
    return pl.DataFrame(rows, schema=CLAIMS.schema())


def judge_claim(claim: Claim, work: Work, tables: Tables) -> Judgement:
    """The judgement of one claim of a work; "not run" if the tables lack what it needs, or the work speaks of others."""
    try:
        spoken_of = _spoken_of(work, tables, of_any_data=claim.of_any_data)
        _require_axes(claim, spoken_of)
        return claim.judge(spoken_of)
    except NotRun as reason:
        return Judgement(NOT_RUN, evidence=f"Not run: {reason}.")


def _require_axes(claim: Claim, tables: Tables) -> None:
    """Raise `NotRun` if no table of networks has a column for an axis that the claim is about."""
    columns = [frame.columns for frame in tables.values() if is_of_networks(frame)]
    missing = [axis for axis in claim.axes if columns and not any(axis in names for names in columns)]
    if missing:
        raise NotRun(f"the study has no axis {' and no axis '.join(missing)}")


def _spoken_of(work: Work, tables: Tables, *, of_any_data: bool) -> Tables:
    """The rows of the data sets and networks that a work speaks of.

    Raises
    ------
    NotRun
        If there are networks, but none of them is.
    """
    found = {}
    for name, frame in tables.items():
        if not is_of_networks(frame):
            found[name] = frame
            continue
        here = frame if of_any_data else frame.filter(pl.col("dataset").is_in(work.datasets))
        if here.is_empty() and len(frame):
            others = ", ".join(frame["dataset"].unique(maintain_order=True))
            raise NotRun(f"{work.citation} speaks of {', '.join(work.datasets)}, not of {others}")
        found[name] = here.filter(_is_in(here, "model", work.families), _is_in(here, "activation", work.activations))
        if found[name].is_empty() and len(here):
            raise NotRun(f"{work.citation} speaks of {work.networks}, which the study does not have")
    return found


def _is_in(frame: pl.DataFrame, column: str, values: tuple[str, ...]) -> pl.Expr:
    """Whether a column has one of the values; no values: any, and no such column: none."""
    if not values:
        return pl.lit(value=True)
    return pl.col(column).is_in(values) if column in frame.columns else pl.lit(value=False)
