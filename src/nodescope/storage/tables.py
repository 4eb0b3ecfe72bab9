"""Tables on disk: read, write, put together, summarise. Tidy: one value per row, missing is null."""

from pathlib import Path
from typing import Any

import polars as pl

from nodescope.messages.errors import DamagedFileError
from nodescope.storage.columns import CLASS, Column, Table
from nodescope.storage.digests import check_digest, digested_path
from nodescope.storage.files import atomic_path

CLASSES = Table(
    "classes",
    "What the classes are called that other tables number.",
    (
        Column("dataset", "string", "name of the data set"),
        CLASS,
        Column("class_name", "string", "name of the class"),
    ),
    keys="none",
)

#: What the one class is called that samples without classes are measured as.
ALL_SAMPLES = "all samples"


def read_table(path: str | Path) -> pl.DataFrame:
    """Read a table.

    Raises
    ------
    DamagedFileError
        If it is damaged or not Parquet.
    """
    try:
        check_digest(path)
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError, ValueError) as error:
        raise _damaged(path, error) from error


def scan_table(path: str | Path) -> pl.LazyFrame:
    """A table that is read where it is needed; its schema is read at once.

    Raises
    ------
    DamagedFileError
        If it is damaged or not Parquet.
    """
    try:
        check_digest(path)
        frame = pl.scan_parquet(path)
        frame.collect_schema()
    except (OSError, pl.exceptions.PolarsError, ValueError) as error:
        raise _damaged(path, error) from error
    return frame


def _damaged(path: str | Path, error: Exception) -> DamagedFileError:
    return DamagedFileError(f"The table {path} cannot be read ({error}). Hint: delete it; the next run recreates it.")


def write_table(frame: pl.DataFrame, parquet: str | Path, csv: str | Path | None = None) -> None:
    """Write a table as Parquet, with its checksum, and as CSV where a path is given; whole or not at all."""
    with digested_path(parquet) as temporary:
        _write_parquet(frame, temporary)
    if csv is not None:
        _write_csv(frame, csv)


def export_table(frame: pl.DataFrame, parquet: str | Path, csv: str | Path) -> None:
    """Write a table that is read by people alone, without a checksum; whole or not at all."""
    with atomic_path(parquet) as temporary:
        _write_parquet(frame, temporary)
    _write_csv(frame, csv)


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd", compression_level=3)


def _write_csv(frame: pl.DataFrame, path: str | Path) -> None:
    with atomic_path(path) as temporary:
        _without_lists(frame).write_csv(temporary)


def _without_lists(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists as texts, ``3 0 1``: CSV knows none."""
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(lists).cast(pl.List(pl.String)).list.join(" "))


def of_configuration(frame: pl.DataFrame, configuration: str, columns: dict[str, Any]) -> pl.DataFrame:
    """A table of one configuration: ``configuration``, ``seed``, and the other columns, with their types.

    Parameters
    ----------
    frame
        With ``seed`` and the columns named in ``columns``.
    configuration
        Its identifier.
    columns
        Names and polars types of the other columns, in order.
    """
    return frame.select(
        pl.lit(configuration).alias("configuration"),
        pl.col("seed").cast(pl.Int64),
        *(pl.col(name).cast(dtype) for name, dtype in columns.items()),
    )


def class_names_of(classes: list[str]) -> list[str]:
    """What the classes are called that tables number, from those of a data set, which may have none."""
    return classes or [ALL_SAMPLES]


def classes_table(dataset: str, classes: list[str]) -> pl.DataFrame:
    """Columns ``dataset``, ``class`` and ``class_name``: what the classes are called that other tables number.

    A table of its own, since the names in every row would make the text files of the tables of nodes larger by a tenth
    and more.

    >>> classes_table("iris", ["setosa", "versicolor"]).join(pl.DataFrame({"class": [1]}, {"class": pl.Int32}), on="class")
    shape: (1, 3)
    ┌─────────┬───────┬────────────┐
    │ dataset ┆ class ┆ class_name │
    │ ---     ┆ ---   ┆ ---        │
    │ str     ┆ i32   ┆ str        │
    ╞═════════╪═══════╪════════════╡
    │ iris    ┆ 1     ┆ versicolor │
    └─────────┴───────┴────────────┘
    """
    # A folder's name may hold bytes that are no text.
    names = class_names_of(classes)
    texts = [name.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for name in names]
    return pl.DataFrame(
        {"dataset": [dataset] * len(names), "class": range(len(names)), "class_name": texts}, CLASSES.schema()
    )


def mean_over_seeds(frame: pl.DataFrame, value: str) -> pl.DataFrame:
    """Mean and standard error of a column over the seeds, for each combination of the columns before it.

    Parameters
    ----------
    frame
        Key columns with ``seed``, further columns, and ``value`` as the last.

    Returns
    -------
    DataFrame
        The other columns without ``seed``, then ``mean``, ``standard_error`` (``s / sqrt(n)``, s with n - 1; null
        for a single seed) and ``seeds``, the number n of seeds with a value. Nulls do not count; a mean of none is null.
    """
    keys = [name for name in frame.columns if name not in ("seed", value)]
    present = pl.col(value).drop_nulls()
    return frame.group_by(keys, maintain_order=True).agg(
        mean=present.mean(),
        standard_error=present.std() / present.len().cast(pl.Float64).sqrt(),
        seeds=present.len().cast(pl.Int32),
    )
