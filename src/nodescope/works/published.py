"""The numbers that the reproduced works print, as they come with the package in ``published/*.csv``.

Pretorius (2020): accuracies (sections 4.1, 5.3.1, 6.3.2), table 5.1 (dead nodes) and table 5.2 (sparsity). Park (2022):
standard deviations of weights and features before and after training (figures 2 and 3).
"""

from decimal import Decimal
from importlib.resources import files

import polars as pl

from nodescope.works import works

PRETORIUS, PARK = works.PRETORIUS.citation, works.PARK.citation

COLUMNS = {
    "work": pl.String,
    "place": pl.String,
    "quantity": pl.String,
    "dataset": pl.String,
    "depth": pl.Int32,
    "width": pl.Int32,
    "activation": pl.String,
    "batch_norm": pl.Boolean,
    "initialisation": pl.String,
    "state": pl.String,
    "split": pl.String,
    "layer": pl.String,
    "published": pl.Float64,
    "published_error": pl.Float64,
    "last_digit": pl.Float64,
    "remark": pl.String,
}

#: What a published number is about; where a work names no such thing, null.
KEYS = (
    "quantity",
    "dataset",
    "depth",
    "width",
    "activation",
    "batch_norm",
    "initialisation",
    "state",
    "split",
    "layer",
)

#: Quantities that are shares: fractions in tables, percent for readers.
SHARES = ("accuracy", "dead_share", "sparsity")

MISPRINT = (
    "for 8-layer ReLU the printed means of layers 1 to 4 are the same with and without batch normalisation to "
    "the last digit, which looks like a misprint"
)


def published_numbers() -> pl.DataFrame:
    """One row per number, columns `COLUMNS`; shares as fractions. A ``remark`` says why a number is not scored."""
    return pl.concat(
        part.select(
            *(pl.col(n).cast(t) if n in part.columns else pl.lit(None, dtype=t).alias(n) for n, t in COLUMNS.items())
        )
        for part in (_accuracies(), _dead_nodes(), _sparsities(), _weights(), _features())
    )


def _accuracies() -> pl.DataFrame:
    return _share(_read("dissertation_accuracy"), "accuracy_percent").with_columns(
        work=pl.lit(PRETORIUS), place=pl.col("where"), quantity=pl.lit("accuracy"), state=pl.lit("trained")
    )


def _dead_nodes() -> pl.DataFrame:
    return _share(_read("dissertation_table_5_1"), "dead_percent").with_columns(
        work=pl.lit(PRETORIUS), place=pl.lit("table 5.1"), quantity=pl.lit("dead_share"),
        state=pl.lit("trained"), split=pl.lit("train"),
    )  # fmt: skip


def _sparsities() -> pl.DataFrame:
    doubtful = (
        (pl.col("depth") == 8) & (pl.col("activation") == "relu") & pl.col("layer").cast(pl.Int32).is_between(1, 4)
    )
    return (
        _share(_read("dissertation_table_5_2"), "sparsity_percent")
        .with_columns(pl.col("depth").cast(pl.Int32))
        .with_columns(
            work=pl.lit(PRETORIUS), place=pl.lit("table 5.2"), quantity=pl.lit("sparsity"),
            state=pl.lit("trained"), split=pl.lit("train"),
            published_error=pl.col("standard_error").cast(pl.Float64) / 100,
            remark=pl.when(doubtful).then(pl.lit(MISPRINT)),
        )
    )  # fmt: skip


def _weights() -> pl.DataFrame:
    return _park(_read("park_weights")).with_columns(place=pl.lit("figure 2"), quantity=pl.lit("weight_std"))


def _features() -> pl.DataFrame:
    return _park(_read("park_features").rename({"input": "split"})).with_columns(
        place=pl.lit("figure 3"), quantity=pl.lit("feature_std")
    )


def _park(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.rename({"init": "initialisation"}).with_columns(
        work=pl.lit(PARK), dataset=pl.lit("cifar10"), activation=pl.lit("relu"), batch_norm=pl.lit(False),
        published=pl.col("std").cast(pl.Float64), last_digit=_last_digit(frame["std"]),
    )  # fmt: skip


def _share(frame: pl.DataFrame, percent: str) -> pl.DataFrame:
    """Columns ``published`` and ``last_digit`` as fractions, of a column in percent."""
    return frame.with_columns(
        pl.col("batch_norm") == "true",
        published=pl.col(percent).cast(pl.Float64) / 100,
        last_digit=_last_digit(frame[percent]) / 100,
    )


def _last_digit(printed: pl.Series) -> pl.Series:
    """One unit of the last digit that is printed."""
    return printed.map_elements(lambda text: float(Decimal(1).scaleb(Decimal(text).as_tuple().exponent)), pl.Float64)  # type: ignore[arg-type]  # printed numbers are finite


def _read(name: str) -> pl.DataFrame:
    """A file with all columns as texts, as they are printed."""
    source = files("nodescope.works").joinpath("published", f"{name}.csv")
    return pl.read_csv(source.read_bytes(), infer_schema=False)
