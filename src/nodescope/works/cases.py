"""From collected tables to cases: a number for each net, and differences between nets of the same seed."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from nodescope.config.grid import Grid
from nodescope.study.axes import describe_family
from nodescope.works.judging import NotRun

Tables = Mapping[str, pl.DataFrame]

#: The columns by which works tell networks apart.
AXES = ("dataset", "model", *(name for name in Grid.model_fields if name != "variants"), "variant")


def axes_of(frame: pl.DataFrame) -> list[str]:
    """Those of `AXES` that a table has."""
    return [name for name in frame.columns if name in AXES]


def need(tables: Tables, name: str, *conditions: pl.Expr, columns: Sequence[str] = (), what: str = "") -> pl.DataFrame:
    """The rows of a table that fulfil the conditions.

    Raises
    ------
    NotRun
        If the table or a column is missing, or no row is left; ``what`` says what would have to be run.
    """
    if name not in tables:
        raise NotRun(f"the table {name} was not measured")
    missing = [column for column in columns if column not in tables[name].columns]
    if missing:
        raise NotRun(f"the table {name} has no column {missing[0]}")
    found = tables[name].filter(*conditions)
    if found.is_empty():
        raise NotRun(f"it needs {what}" if what else f"no network of the study has what it needs in the table {name}")
    return found


def is_of_networks(frame: pl.DataFrame) -> bool:
    """Whether the rows of a table are of networks: it says of which data set and seed."""
    return {"dataset", "seed"} <= set(frame.columns)


def per_net(frame: pl.DataFrame, value: pl.Expr, *further: str) -> pl.DataFrame:
    """One number per net (and per value of further columns): axes, seed, further, ``value``."""
    keys = [*axes_of(frame), "seed", *further]
    return frame.group_by(keys, maintain_order=True).agg(value=value)


def difference(values: pl.DataFrame, axis: str, first: Any, second: Any) -> pl.DataFrame:
    """``first - second`` on an axis, wherever all else, the seed among it, is equal: the other columns and ``value``.

    Raises
    ------
    NotRun
        If there is no such pair.
    """
    pairs = change(values, axis, first, second)
    if pairs.is_empty():
        raise NotRun(f"it needs networks that differ only in {axis.replace('_', ' ')}: {first} and {second}")
    return pairs


def extremes(values: pl.DataFrame, axis: str) -> pl.DataFrame:
    """The largest value of a numeric axis less the smallest, wherever all else is equal.

    Raises
    ------
    NotRun
        If no two networks differ in the axis alone.
    """
    present = sorted(values[axis].unique())
    if len(present) < 2:
        raise NotRun(f"it needs more than one {axis}; all networks have {axis} {present[0]}")
    return difference(values, axis, present[-1], present[0])


def change(values: pl.DataFrame, axis: str, first: Any, second: Any) -> pl.DataFrame:
    """``first - second`` on an axis within each net or pair of nets: the other columns (``seed`` among them), ``value``."""
    others = [name for name in values.columns if name not in (axis, "value")]
    one = values.filter(pl.col(axis) == first).drop(axis)
    other = values.filter(pl.col(axis) == second).drop(axis)
    pairs = one.join(other, on=others, suffix="_second", nulls_equal=True, maintain_order="left")
    return pairs.select(*others, value=pl.col("value") - pl.col("value_second"))


def last_less_first(values: pl.DataFrame) -> pl.DataFrame:
    """The last hidden layer less the first within each net: the columns without ``layer``.

    Raises
    ------
    NotRun
        If every network has one hidden layer.
    """
    last = _last_layer(values)
    deep = values.filter(last > 1)
    if deep.is_empty():
        raise NotRun("it needs networks of more than one hidden layer")
    place = pl.when(pl.col("layer") == 1).then(pl.lit("first")).when(pl.col("layer") == last).then(pl.lit("last"))
    return change(deep.with_columns(layer=place), "layer", "last", "first")


def as_cases(values: pl.DataFrame) -> pl.DataFrame:
    """Name each row: columns ``case``, ``seed``, ``value``."""
    families = set(values["model"]) if "model" in values.columns else set()
    hidden = {"dataset", "seed", "value", *(["model"] if families <= {"mlp"} else [])}
    names = [
        describe_family({_in_order(name): value for name, value in (row | _layer(row)).items() if name not in hidden})
        or "the networks"
        for row in values.iter_rows(named=True)
    ]
    return values.select(pl.Series("case", names, dtype=pl.String), "seed", "value")


def _in_order(name: str) -> str:
    """A family is said before initialisation and layer, not last as in the names of networks."""
    return "family" if name == "model" else name


def _layer(row: dict[str, Any]) -> dict[str, str]:
    return {"layer": f"layer {row['layer']}"} if "layer" in row else {}


def in_last_layer(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of each network's last hidden layer."""
    return frame.filter(pl.col("layer") == _last_layer(frame))


def _last_layer(frame: pl.DataFrame) -> pl.Expr:
    return pl.col("layer").max().over(axes_of(frame))
