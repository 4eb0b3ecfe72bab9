"""Compare the tables of two results folders: what a change of code, settings or machine did to the numbers.

Rows are matched by their identity: all columns that hold no measured value, which are the texts, the booleans and the
whole numbers before the first column of floats. Values are compared exactly; a null equals a null.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from nodescope.messages.errors import NodescopeError
from nodescope.storage.tables import read_table


@dataclass(frozen=True)
class Difference:
    """What differs in a table, or in one of its columns.

    Attributes
    ----------
    study, table : str
    what : str
        A sentence.
    column : str or None
        None where it concerns the table as a whole.
    rows : int
        How many rows differ.
    largest : float or None
        Largest absolute difference of a column of numbers; None for others, and where only nulls differ.
    where : str
        The identity of the row with the largest difference.
    is_new : bool
        Whether something was added (a table, a column); everything that was there before may still be equal.
    """

    study: str
    table: str
    what: str
    column: str | None = None
    rows: int = 0
    largest: float | None = None
    where: str = ""
    is_new: bool = False

    def __str__(self) -> str:
        place = f"{self.study}/{self.table}" + (f".{self.column}" if self.column else "")
        return f"{place}: {self.what}" + (f" ({self.where})" if self.where else "")


def compare_results(before: str | Path, after: str | Path) -> tuple[int, list[Difference]]:
    """Compare every table of every study of two results folders.

    Returns
    -------
    int
        How many tables both have.
    list of Difference
        Empty where all are equal.

    Raises
    ------
    NodescopeError
        If one of them is no results folder, or a table is damaged.
    """
    tables = [_tables_of(Path(folder)) for folder in (before, after)]
    both = [name for name in tables[0] if name in tables[1]]
    differences = [Difference(*name, "only before") for name in tables[0] if name not in tables[1]]
    differences += [Difference(*name, "only after", is_new=True) for name in tables[1] if name not in tables[0]]
    for name in both:
        differences += compare_tables(*name, read_table(tables[0][name]), read_table(tables[1][name]))
    return len(both), differences


def _tables_of(results: Path) -> dict[tuple[str, str], Path]:
    found = {(path.parents[1].name, path.stem): path for path in sorted(results.glob("*/tables/*.parquet"))}
    if not found:
        raise NodescopeError(
            f"{results} has no tables. Hint: pass the results folder of a finished run; it contains "
            "STUDY/tables/*.parquet."
        )
    return found


def compare_tables(study: str, table: str, before: pl.DataFrame, after: pl.DataFrame) -> Iterator[Difference]:
    """Compare two tables, column by column, over the rows that both have."""
    for name in before.columns:
        if name not in after.columns:
            yield Difference(study, table, "column only before", name)
    for name in after.columns:
        if name not in before.columns:
            yield Difference(study, table, "column only after", name, is_new=True)
    common = [name for name in before.columns if name in after.columns]
    identity = _identity(before.select(common))
    left, right = before.select(common), after.select(common)
    if not left.select(identity).equals(right.select(identity)):
        left, right, only_left, only_right = _matched(left, right, identity)
        for rows, what in ((only_left, "before"), (only_right, "after")):
            if rows.height:
                yield Difference(
                    study,
                    table,
                    f"{rows.height} rows only {what}",
                    rows=rows.height,
                    where=_named(rows.row(0, named=True)),
                )
    for name in common:
        if name not in identity:
            yield from _compare_column(study, table, left.select(identity), left[name], right[name])


def _identity(frame: pl.DataFrame) -> list[str]:
    names = []
    measured = False
    for name, dtype in frame.schema.items():
        measured |= dtype.is_float() or dtype.is_nested()
        if not dtype.is_nested() and not dtype.is_float() and (not measured or not dtype.is_integer()):
            names.append(name)
    return names


def _matched(
    left: pl.DataFrame, right: pl.DataFrame, identity: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Both in one order of rows, and the identities of the rows that only one has.

    Rows of equal identity are matched in the order in which they stand.
    """
    number = (pl.int_range(pl.len()).over(identity) if identity else pl.int_range(pl.len())).alias("_number")
    left, right = left.with_columns(number), right.with_columns(number)
    keys = [*identity, "_number"]
    right = right.with_columns(pl.col(key).cast(dtype) for key, dtype in left.select(keys).schema.items())
    only_left = left.join(right, on=keys, how="anti", nulls_equal=True).select(identity)
    only_right = right.join(left, on=keys, how="anti", nulls_equal=True).select(identity)
    shared = left.select(keys).join(right.select(keys), on=keys, how="semi", nulls_equal=True, maintain_order="left")
    of_left = shared.join(left, on=keys, how="left", nulls_equal=True, maintain_order="left")
    of_right = shared.join(right, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return of_left, of_right, only_left, only_right


def _compare_column(
    study: str, table: str, identity: pl.DataFrame, before: pl.Series, after: pl.Series
) -> Iterator[Difference]:
    differs = before.ne_missing(after)
    rows = int(differs.sum())
    if not rows:
        return
    largest, place = None, int(differs.arg_true()[0])
    if before.dtype.is_numeric() and after.dtype.is_numeric():
        distance = (before.cast(pl.Float64) - after.cast(pl.Float64)).abs().set(~differs, None)
        found = distance.arg_max()
        if found is not None:
            largest, place = float(distance[found]), found
    of_all = f"{rows} of {len(before)} values differ"
    values = f"{_short(before[place])} before, {_short(after[place])} after"
    what = f"{of_all}, the largest by {largest:.6g}: {values}" if largest is not None else f"{of_all}: {values}"
    yield Difference(study, table, what, before.name, rows, largest, _named(identity.row(place, named=True)))


def _short(value: object) -> str:
    """A value in a few words: a histogram is a list of many counts."""
    text = str(value.to_list() if isinstance(value, pl.Series) else value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _named(row: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)
