"""The numbers that works print, and which of ours stands beside each.

The printed numbers of a work are CSV files in the folder ``printed`` of its package, named after the table or figure that
they are from. A row is a number:

- ``place``: where it stands in the work,
- of `KEYS`, those that the work names: what the number is about,
- ``printed``: the number, to the last printed digit,
- ``printed_error``, ``printed_seeds``: where the work prints one, its standard error, and from how many seeds that is,
- ``unit``: ``%`` of a share, otherwise empty,
- ``remark``: why the number is not scored.

Ours come from the collected tables: ``MEASURED`` in the module ``measured`` of the work's package has for each table that it
needs a function that takes it and returns `KEYS`, ``seed`` and ``value`` (`with_keys`).
"""

from collections.abc import Callable, Collection
from decimal import Decimal
from importlib.resources import files

import polars as pl

from nodescope.works.cases import Tables
from nodescope.works.tables import SCORECARD
from nodescope.works.work import Work

_TYPES = SCORECARD.schema()

#: What a published number is about; where a work names no such thing, null.
KEYS = {
    name: _TYPES[name]
    for name in (
        "quantity", "dataset", "depth", "width", "activation", "batch_norm", "initialisation", "state", "split", "layer",
    )
}  # fmt: skip

#: A number: where it stands, what it is about, and what is printed.
COLUMNS = {
    name: _TYPES[name]
    for name in (
        "work", "place", *KEYS, "published", "published_error", "last_digit", "remark", "published_seeds", "unit",
    )
}  # fmt: skip

#: The unit of shares: fractions in tables, percent for readers.
PERCENT = "%"

Measured = dict[str, Callable[[pl.DataFrame], pl.DataFrame]]


def printed_numbers(works: Collection[Work]) -> pl.DataFrame:
    """One row per number of the works, columns `COLUMNS`: shares as fractions, ``last_digit`` is one unit of the last digit
    that is printed."""
    return pl.concat([pl.DataFrame(schema=COLUMNS), *(_numbers_of(work) for work in works)])


def _numbers_of(work: Work) -> pl.DataFrame:
    folder = files(work.package).joinpath("printed")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".csv")) if folder.is_dir() else []
    # All columns as texts, as they are printed.
    printed = [pl.read_csv(folder.joinpath(name).read_bytes(), infer_schema=False) for name in names]
    if not printed:
        return pl.DataFrame(schema=COLUMNS)
    texts = pl.concat(printed, how="diagonal")
    every = texts.with_columns(
        pl.lit(None, pl.String).alias(name)
        for name in (*KEYS, "printed_error", "printed_seeds", "unit", "remark")
        if name not in texts.columns
    )
    divisor = pl.when(pl.col("unit") == PERCENT).then(100.0).otherwise(1.0)
    return every.with_columns(
        pl.col("batch_norm") == "true",
        work=pl.lit(work.citation),
        published=pl.col("printed").cast(pl.Float64) / divisor,
        published_error=pl.col("printed_error").cast(pl.Float64) / divisor,
        published_seeds=pl.col("printed_seeds"),
        last_digit=_last_digit(every["printed"]) / divisor,
    ).select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())


def _last_digit(printed: pl.Series) -> pl.Series:
    return printed.map_elements(lambda text: float(Decimal(1).scaleb(Decimal(text).as_tuple().exponent)), pl.Float64)  # type: ignore[arg-type]  # printed numbers are finite


def measured(tables: Tables, work: Work) -> pl.DataFrame:
    """Ours of the quantities that a work prints, by the networks of its protocol: `KEYS`, ``seed`` and ``value``."""
    module = work.module("measured")
    taken: Measured = {} if module is None else module.MEASURED
    empty = pl.DataFrame(schema={**KEYS, "seed": pl.Int64, "value": pl.Float64})
    return pl.concat([empty, *(take(tables[name]) for name, take in taken.items() if name in tables)])


def with_keys(frame: pl.DataFrame) -> pl.DataFrame:
    """`KEYS`, ``seed`` and ``value`` of a frame; keys that it does not have are null."""
    keys = (
        (pl.col(key) if key in frame.columns else pl.lit(None)).cast(dtype).alias(key)  # a layer's number as text
        for key, dtype in KEYS.items()
    )
    return frame.select(*keys, "seed", pl.col("value").cast(pl.Float64))
