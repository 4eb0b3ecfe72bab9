"""A value of each seed and its mean over the seeds, and which of them a figure shows at first."""

import polars as pl

from nodescope.storage.tables import mean_over_seeds

#: The value of the column ``seed`` of what is a mean over the seeds.
MEAN = "mean"


def over_seeds(frame: pl.DataFrame, value: str) -> pl.DataFrame:
    """Each seed's value, and the mean over the seeds: as `mean_over_seeds` with ``seed``, which is a text or ``mean``.

    Of a single seed there is no mean.

    Parameters
    ----------
    frame
        ``configuration``, ``seed``, further columns, and ``value`` as the last.
    """
    mean = mean_over_seeds(frame, value).with_columns(seed=pl.lit(MEAN))
    each = frame.rename({value: "mean"}).with_columns(
        pl.col("seed").cast(pl.String),
        standard_error=pl.lit(None, pl.Float64),
        seeds=pl.col("mean").is_not_null().cast(pl.Int32),
    )
    if frame["seed"].n_unique() == 1:
        return each.select(mean.columns)
    return pl.concat([mean, each.select(mean.columns)], how="vertical_relaxed")


def seed_view(frame: pl.DataFrame) -> str:
    """What a figure of `over_seeds` shows at first: the mean, or the one seed that there is."""
    return str(frame["seed"][0]) if frame["seed"].n_unique() == 1 else MEAN
