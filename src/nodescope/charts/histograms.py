"""Histograms of many values as the charts show them: as densities, smoothed, and added up."""

import math

import altair as alt
import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.charts.context import Context
from nodescope.charts.labels import state_label

#: Histograms that are smoothed at a time.
AT_A_TIME = 512


def with_drawn_ends(histograms: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Draw the first and the last bin as wide as the others, where they take in what lies far out.

    Parameters
    ----------
    histograms
        With bin_left, bin_right, count (see `nodescope.numerics.binning`).
    columns
        Those that tell one histogram from another.

    Returns
    -------
    DataFrame
        With bin_left and bin_right as they are drawn, and of an end that was cut and is not empty ``end``, ``≤`` or ``≥``,
        and ``reaches``, the smallest or the largest value; both are null elsewhere.
    """
    left, right, place = pl.col("bin_left"), pl.col("bin_right"), pl.int_range(pl.len()).over(columns)
    width = (right - left).get(1, null_on_oob=True).over(columns)
    cut = (pl.len().over(columns) > 2) & (right - left > 1.001 * width)
    first, last = cut & (place == 0), cut & (place == pl.len().over(columns) - 1)
    counted = pl.col("count") > 0
    return histograms.with_columns(
        bin_left=pl.when(first).then(right - width).otherwise(left),
        bin_right=pl.when(last).then(left + width).otherwise(right),
        end=pl.when(first & counted).then(pl.lit("≤")).when(last & counted).then(pl.lit("≥")),
        reaches=pl.when(first & counted).then(left).when(last & counted).then(right),
    )


def marks_of_ends(base: alt.Chart, y: str) -> alt.Chart:
    """A sign over each bar that takes in what lies beyond it; ``base`` is without marks and ``y`` how high the bars are."""
    return (
        base.transform_filter("isValid(datum.end)")
        .transform_calculate(middle="(datum.bin_left + datum.bin_right) / 2")
        .mark_text(dy=-5, fontSize=11, color="#555555")
        .encode(x="middle:Q", y=f"{y}:Q", text="end:N")
    )


def with_curves(histograms: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Put a curve over each histogram, and give both as a density and added up.

    Parameters
    ----------
    histograms
        With bin_left, bin_right, count, all of as many bins, the rows of each one after another; those whose counts are
        null are left out.
    columns
        Those that tell one histogram from another.

    Returns
    -------
    DataFrame
        ``columns``, bin_left, bin_right, end, reaches (see `with_drawn_ends`) and ``shape``. For the shape ``density`` the
        columns ``height`` (share of the values per unit of value) and ``curve`` (the same smoothed by a Gaussian kernel whose
        bandwidth follows Silverman's rule, from the bins) at the place ``at``; for ``cumulative`` the share of the values up
        to the bin's right end, in both.
    """
    known = with_drawn_ends(histograms.drop_nulls("count").select(*columns, "bin_left", "bin_right", "count"), columns)
    bins = len(known) // max(1, known.select(pl.struct(columns).n_unique()).item())
    left, right, count = (
        known[name].to_numpy().reshape(-1, max(1, bins)) for name in ("bin_left", "bin_right", "count")
    )
    share = count / np.maximum(1, count.sum(axis=1, keepdims=True))
    smoothed = np.empty_like(share)
    for begin in range(0, len(share), AT_A_TIME):
        part = slice(begin, begin + AT_A_TIME)
        smoothed[part] = _smoothed(left[part], right[part], count[part])
    added = share.cumsum(axis=1)
    density = {"height": share / (right - left), "curve": smoothed, "at": (left + right) / 2}
    cumulative = {"height": added, "curve": added, "at": right}
    return pl.concat(
        known.drop("count").with_columns(
            **{name: pl.Series(values.ravel(), dtype=pl.Float64) for name, values in shown.items()}, shape=pl.lit(shape)
        )
        for shape, shown in (("density", density), ("cumulative", cumulative))
    )


def _smoothed(left: NDArray[np.float64], right: NDArray[np.float64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """The densities at the middle of each bin [histogram, bin]."""
    total, middle = count.sum(axis=1, keepdims=True), (left + right) / 2
    share = count / total
    mean = (share * middle).sum(axis=1, keepdims=True)
    spread = np.sqrt((share * (middle - mean) ** 2).sum(axis=1, keepdims=True))
    # Within a bin nothing is known.
    width = np.maximum(1.06 * spread * total**-0.2, right[:, :1] - left[:, :1])[:, :, None]
    kernel = np.exp(-(((middle[:, :, None] - middle[:, None, :]) / width) ** 2) / 2) / (width * math.sqrt(2 * math.pi))
    density: NDArray[np.float64] = (kernel @ share[:, :, None])[:, :, 0]
    return density


#: The columns of `with_quantiles`.
QUANTILES = {"q5": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}


def with_quantiles(histograms: pl.DataFrame, zeros: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Quantiles of histograms, one row each.

    Within a bin values are taken as evenly spread, but for those that are exactly zero.

    Parameters
    ----------
    histograms
        With bin_left, bin_right, count; those whose counts are null are left out.
    zeros
        The share of values that are exactly zero, ``zero_share``, for each.
    columns
        Those that tell one histogram from another.

    Returns
    -------
    DataFrame
        ``columns`` and `QUANTILES`.
    """
    known = histograms.drop_nulls("count").join(zeros, on=columns, how="left", nulls_equal=True, maintain_order="left")
    found = known.group_by(columns, maintain_order=True).agg(
        pl.struct("bin_left", "bin_right", "count", "zero_share")
        .map_batches(_quantiles, return_dtype=pl.List(pl.Float64), returns_scalar=True)
        .alias("quantiles")
    )
    return found.with_columns(pl.col("quantiles").list.get(i).alias(name) for i, name in enumerate(QUANTILES)).drop(
        "quantiles"
    )


def _quantiles(bins: pl.Series) -> list[float]:
    left, right, count = (bins.struct.field(name).to_numpy() for name in ("bin_left", "bin_right", "count"))
    total = float(count.sum())
    if not total:
        return [math.nan] * len(QUANTILES)
    at_zero = (bins.struct.field("zero_share")[0] or 0.0) * total
    edges, weights = [float(left[0])], [0.0]
    for begin, end, number in zip(left, right, count, strict=True):
        if begin <= 0 <= end and at_zero:
            rest = max(0.0, number - at_zero)
            before = rest * (0 - begin) / (end - begin) if end > begin else 0.0
            edges += [0.0, 0.0]
            weights += [before, min(at_zero, float(number))]
            number, at_zero = rest - before, 0.0
        edges.append(float(end))
        weights.append(float(number))
    reached = np.cumsum(weights) / total
    return [float(np.interp(share, reached, edges)) for share in QUANTILES.values()]


def before_and_after(histograms: pl.DataFrame, context: Context, columns: list[str], title: str) -> alt.FacetChart:
    """Histograms of the first and the last state over each other: a row per ``row``, a column per network.

    Parameters
    ----------
    histograms
        With state, ``row``, bin_left, bin_right, count, and the key columns.
    columns
        Those that tell one histogram from another, beside state, row and network.
    title
        Of the horizontal axis.
    """
    ends = context.ends
    named = context.with_network(histograms.filter(pl.col("state").is_in(ends)))
    told = ["configuration", "network", "state", "row", *columns]
    data = with_curves(named, told).with_columns(
        when=pl.col("state").replace_strict({state: state_label(state) for state in ends})
    )
    data = data.drop("state")
    colour = (
        alt.Color("when:N")
        .title(None)
        .scale(domain=list(map(state_label, ends)), range=["#228833", "#4477aa"][: len(ends)])
    )
    if len(ends) == 1:
        colour = colour.legend(None)
    base = alt.Chart(width=context.options.width * 0.8, height=90)
    bars = base.mark_rect(opacity=0.35).encode(
        x=alt.X("bin_left:Q").title(title),
        x2="bin_right:Q",
        y=alt.Y("height:Q").title("density").axis(tickCount=3, format="~g"),
        y2=alt.datum(0),
        color=colour,
    )
    curve = base.mark_line(strokeWidth=1.5).encode(
        x=alt.X("at:Q").title(title), y=alt.Y("curve:Q").title("density"), color=colour
    )
    return (
        alt.layer(bars, curve, marks_of_ends(base, "height"), data=data)
        .facet(
            row=alt.Row("row:N").title(None).sort(named["row"].unique(maintain_order=True).to_list()),
            column=alt.Column("network:N").title(None),
        )
        .resolve_scale(x="independent", y="independent")
    )
