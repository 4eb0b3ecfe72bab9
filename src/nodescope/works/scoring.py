"""Score a study: its collected tables against the numbers and claims of the works that it names."""

from typing import TYPE_CHECKING

import polars as pl

from nodescope.works.cases import Tables
from nodescope.works.claims import judge_claims
from nodescope.works.differences import differences
from nodescope.works.protocol import source_dataset
from nodescope.works.registry import works_of
from nodescope.works.scorecard import scorecard

if TYPE_CHECKING:
    from nodescope.config.study import FamilyStudy


def score(tables: Tables, study: "FamilyStudy") -> dict[str, pl.DataFrame]:
    """The tables `nodescope.study.contents.SCORE_TABLES` of a study.

    Parameters
    ----------
    tables
        Its collected tables, of `nodescope.study.contents.SCORED_TABLES` as many as there are.
    study
        Its settings.
    """
    works = works_of(study.works)
    name = pl.lit(source_dataset(study, {dataset for work in works for dataset in work.datasets})).alias("dataset")
    # Claims compare networks along axes; the name of a configuration would set apart those that differ in one alone.
    of_axes = {table: frame.drop("configuration", strict=False) for table, frame in tables.items()}
    named = {
        table: frame.with_columns(name) if "dataset" in frame.columns else frame for table, frame in of_axes.items()
    }
    return {
        "scorecard": scorecard(named, works),
        "claims": judge_claims(named, works),
        "differences": differences(study),
    }
