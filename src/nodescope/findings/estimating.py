"""From collected tables to estimates: a value of each network, averaged over configurations within each seed, then over seeds.

The seed is the unit: networks of one seed share initial weights and batches (methods, section 6).
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.findings.finding import Tables
from nodescope.numerics.intervals import Estimate, combined_errors, over_grid, over_seeds, t_quantile
from nodescope.study.axes import CONFIGURATION, Configurations

#: The splits in the order in which they are preferred.
TO_DESCRIBE, TO_CLAIM = ("train", "test", "validation"), ("test", "validation", "train")


def split_of(table: pl.LazyFrame, preferred: Sequence[str]) -> str:
    """The split to look at: the first of the preferred that has a row, else the first there is; empty without rows."""
    there = table.select(pl.col("split").unique(maintain_order=True)).collect()["split"].to_list()
    return next((split for split in preferred if split in there), there[0] if there else "")


def rows_of(tables: Tables, name: str, *columns: str, **where: object) -> pl.DataFrame:
    """Rows of a table whose columns have the values of ``where``: configuration, seed and some columns."""
    wanted = tables[name].filter(*(pl.col(column) == value for column, value in where.items()))
    return wanted.select(CONFIGURATION, "seed", *columns).collect()


def over_networks(frame: pl.DataFrame, value: str, *further: str) -> Estimate:
    """Over networks: averaged over configurations (and ``further`` columns) within each seed, then over the seeds.

    Parameters
    ----------
    frame
        ``configuration``, ``seed``, the further columns and ``value``; null is a network without one.
    """
    return over_grid(by_case(frame, value, *further))


def with_sample_error(estimate: Estimate, error: float) -> tuple[float, float]:
    """The 95 % interval of a mean over networks that share their samples, whose own noise is known.

    Of one seed it has the noise of the samples alone.

    Parameters
    ----------
    error
        Standard error over the samples. It is known, not estimated from the seeds, which counts in the degrees of freedom
        (Satterthwaite).
    """
    assert estimate.centre is not None
    errors, freedoms = ([estimate.seed_error], [estimate.freedom]) if estimate.seed_error is not None else ([], [])
    total, freedom = combined_errors([*errors, error], [*freedoms, math.inf])
    half = t_quantile(freedom) * total if total else 0.0
    return estimate.centre - half, estimate.centre + half


def by_case(frame: pl.DataFrame, value: str, *further: str) -> NDArray[np.float64]:
    """Values [configurations, seeds]; NaN where a network has none."""
    known = frame.drop_nulls(value)
    if known.is_empty():
        return np.empty((0, 0))
    seeds = known["seed"].unique().sort().to_list()
    wide = known.pivot("seed", index=[CONFIGURATION, *further], values=value, maintain_order=True, sort_columns=False)
    return wide.select(*map(str, seeds)).cast(pl.Float64).fill_null(np.nan).to_numpy()


def per_configuration(frame: pl.DataFrame, value: str) -> dict[str, Estimate]:
    """The mean of each configuration over its seeds; without those that have no value."""
    known = frame.drop_nulls(value)
    return {
        str(name): over_seeds(of_one[value].to_numpy())
        for (name,), of_one in known.group_by(CONFIGURATION, maintain_order=True)
    }


def counted_per_network(frame: pl.DataFrame, part: str, whole: str) -> pl.DataFrame:
    """A share of each network: ``part``, ``whole`` and ``value``, their ratio, summed over its layers; null where one is."""
    known = frame.group_by(CONFIGURATION, "seed", maintain_order=True).agg(
        pl.col(part).sum(), pl.col(whole).sum(), known=pl.col(part).is_not_null().all()
    )
    value = pl.when("known", pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))
    return known.with_columns(value=value).drop("known")


def first_and_last_layer(frame: pl.DataFrame, value: str) -> pl.DataFrame:
    """``configuration``, ``seed``, ``first``, ``last`` and ``change`` of networks with several layers, of whose first and last
    the value is known."""
    ordered = frame.sort("layer")
    ends = ordered.group_by(CONFIGURATION, "seed", maintain_order=True).agg(
        first=pl.col(value).first(), last=pl.col(value).last(), layers=pl.col("layer").n_unique()
    )
    known = ends.filter(pl.col("layers") > 1).drop("layers").drop_nulls()
    return known.with_columns(change=pl.col("last") - pl.col("first"))


def first_and_last_state(frame: pl.DataFrame, value: str, first: str, last: str) -> pl.DataFrame:
    """``configuration``, ``seed``, ``first``, ``last`` and ``change``: means over the layers that are known in both states."""
    keys = [CONFIGURATION, "seed"]
    of_layer = [*keys, *(["layer"] if "layer" in frame.columns else [])]
    one, other = (
        frame.filter(pl.col("state") == state).select(*of_layer, pl.col(value).alias(name))
        for state, name in ((first, "first"), (last, "last"))
    )
    both = one.join(other, on=of_layer, maintain_order="left").drop_nulls()
    means = both.group_by(keys, maintain_order=True).agg(pl.col("first", "last").mean())
    return means.with_columns(change=pl.col("last") - pl.col("first"))


def layer_means(frame: pl.DataFrame, value: str) -> list[tuple[int, float]]:
    """The mean of each layer over all networks that have it."""
    means = frame.drop_nulls(value).group_by("layer").agg(pl.col(value).mean()).sort("layer")
    return [(int(layer), float(mean)) for layer, mean in means.iter_rows()]


def pairs_along(configurations: Configurations, axis: str, one: object, other: object) -> list[tuple[str, str]]:
    """The configurations that differ in an axis alone: (with ``one``, with ``other``)."""

    def rest(keys: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
        return tuple((name, value) for name, value in keys.items() if name != axis)

    with_other = {rest(keys): name for name, keys in configurations.keys.items() if keys[axis] == other}
    firsts = ((name, rest(keys)) for name, keys in configurations.keys.items() if keys[axis] == one)
    return [(name, with_other[key]) for name, key in firsts if key in with_other]
