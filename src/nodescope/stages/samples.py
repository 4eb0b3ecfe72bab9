"""Draw the samples that the tables of a study name."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from nodescope.datasets import load
from nodescope.datasets.samples import SAMPLES, samples_table
from nodescope.storage.tables import scan_table, write_table
from nodescope.study.layout import StudyFiles


def draw_samples(files: StudyFiles, dataset: str | Path, naming: Sequence[str]) -> None:
    """Write the table ``samples`` of a study.

    Parameters
    ----------
    files
        Where its collected tables lie.
    dataset
        The prepared data set.
    naming
        The tables that name samples, in a column ``sample``.
    """
    columns = [scan_table(files.table(name)).select(pl.col("sample").unique().drop_nulls()) for name in naming]
    named = pl.concat(columns).unique().collect()["sample"]
    write_table(samples_table(load(dataset), named), files.table(SAMPLES.name), files.table(SAMPLES.name, "csv"))
