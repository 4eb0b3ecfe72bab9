"""Every published number beside ours.

Formula: with our mean over the seeds ``m``, its standard error ``s``, the published value ``p``, its standard error ``e``
where one is printed and one unit ``u`` of its last digit, the difference is ``d = m - p`` and its standard error
``sqrt(s^2 + e^2 + u^2 / 12)``: rounding to ``u`` has the variance ``u^2 / 12``. Its t interval has the degrees of freedom of
Welch and Satterthwaite, those of ``e`` from the seeds that the source tells of (`nodescope.numerics.intervals`). The
numbers of the table are judged together: by Benjamini and Hochberg, of those that are said to differ one in twenty does
not.
"""

import math
from collections.abc import Callable, Collection
from typing import Any

import polars as pl

from nodescope.numerics.intervals import Estimate, benjamini_hochberg, combined_errors
from nodescope.storage.tables import key_columns, mean_over_seeds
from nodescope.works.cases import Tables, per_net
from nodescope.works.published import COLUMNS, KEYS, published_numbers
from nodescope.works.works import BY_CITATION

#: Columns of the table ``scorecard`` after the number, ours, its standard error and the seeds.
FOUND = {
    "difference": pl.Float64,
    "difference_errors": pl.Float64,
    "interval_low": pl.Float64,
    "interval_high": pl.Float64,
    "p_value": pl.Float64,
    "verdict": pl.String,
}

AGREES = "agrees"
DIFFERS = "differs"
UNCLEAR = "cannot tell"
NOT_SCORED = "not scored"
NOT_RUN = "not run"
VERDICTS = (AGREES, DIFFERS, UNCLEAR, NOT_SCORED, NOT_RUN)

#: From how many seeds a printed standard error is.
PUBLISHED_SEEDS = 3

RULE = (
    "Agrees where the 95 % t interval of the difference holds 0: the seeds do not tell the two apart, which says little where "
    "the interval is wide. Differs where they are told apart although so many numbers are looked at (Benjamini and Hochberg, "
    "5 %). Cannot tell: neither, or fewer than two of our seeds have a value. The interval counts our seeds, the published "
    "standard error where one is printed, and the rounding of the last digit. Where all our seeds have the same value and no "
    "error is printed, there is no test: agrees where the two are the same as printed, else cannot tell."
)


def scorecard(tables: Tables, works: Collection[str] = tuple(BY_CITATION)) -> pl.DataFrame:
    """One row per number of the works: its columns, then ``ours``, ``standard_error`` (of ours), ``seeds``, ``difference``
    (ours less published; of shares in fractions), ``difference_errors`` (in standard errors), ``interval_low`` and
    ``interval_high`` (of the difference), ``p_value`` and ``verdict``."""
    own = mean_over_seeds(measured(tables), "value").rename({"mean": "ours"})
    numbers = (
        published_numbers()
        .filter(pl.col("work").is_in(list(works)))
        .join(own, on=KEYS, how="left", nulls_equal=True, maintain_order="left")
    )
    rows = [_beside(row) for row in numbers.iter_rows(named=True)]
    found = benjamini_hochberg([None if row["remark"] else row["p_value"] for row in rows])
    for row, differs in zip(rows, found, strict=True):
        row["verdict"] = _verdict(row, differs=differs)
    return pl.DataFrame(rows, schema={**numbers.schema, **FOUND})


def _beside(row: dict[str, Any]) -> dict[str, Any]:
    """A published number with ours: the difference and its interval."""
    empty = dict.fromkeys(FOUND)
    if row["ours"] is None:
        return {**row, **empty}
    difference = row["ours"] - row["published"]
    if row["standard_error"] is None:
        return {**row, **empty, "difference": difference}
    rounding, published = row["last_digit"] / math.sqrt(12), row["published_error"] or 0.0
    error, freedom = combined_errors(
        [row["standard_error"], published, rounding], [row["seeds"] - 1, PUBLISHED_SEEDS - 1, math.inf]
    )
    estimate = Estimate(difference, row["seeds"], freedom, error)
    low, high = estimate.interval or (None, None)
    # Where neither side has noise of seeds, there is nothing to be tested.
    p = estimate.p_value if row["standard_error"] or published else None
    return {
        **row, **empty, "difference": difference, "difference_errors": difference / error, "interval_low": low,
        "interval_high": high, "p_value": p,
    }  # fmt: skip


def _verdict(row: dict[str, Any], *, differs: bool) -> str:
    if row["seeds"] is None:
        return NOT_RUN
    if row["remark"] is not None:
        return NOT_SCORED
    if row["interval_low"] is None:
        return UNCLEAR
    if differs:
        return DIFFERS
    agrees = row["interval_low"] <= 0 <= row["interval_high"]
    # With no noise at all, equal as far as it is printed.
    same = abs(row["difference"]) <= row["last_digit"] / 2
    return AGREES if (agrees if row["p_value"] is not None else same) else UNCLEAR


def measured(tables: Tables) -> pl.DataFrame:
    """What was measured of the published quantities, by the networks of the published protocol.

    Returns
    -------
    DataFrame
        `KEYS`, ``seed`` and ``value``; keys that a quantity does not have are null.
    """
    parts = [take(tables[name]) for name, take in SOURCES.items() if name in tables]
    empty = pl.DataFrame(schema={**{key: COLUMNS[key] for key in KEYS}, "seed": pl.Int64, "value": pl.Float64})
    return pl.concat([empty, *parts])


def _accuracy(table: pl.DataFrame) -> pl.DataFrame:
    trained = table.filter(pl.col("best_epoch") > 0)  # what is not trained is right by chance
    return _fully_connected(trained, "accuracy", pl.col("accuracy"), state=pl.lit("trained"))


def _dead_share(table: pl.DataFrame) -> pl.DataFrame:
    known = pl.col("dead").is_not_null().all()
    share = per_net(table, pl.when(known).then(pl.col("dead").sum() / pl.col("nodes").sum()), "state", "split")
    return _fully_connected(share, "dead_share", pl.col("value"))


def _sparsity(table: pl.DataFrame) -> pl.DataFrame:
    return _fully_connected(table, "sparsity", pl.col("sparsity"))


def _fully_connected(table: pl.DataFrame, quantity: str, value: pl.Expr, **more: pl.Expr) -> pl.DataFrame:
    """The rows of fully connected networks as Pretorius (2020) trains them: further axes at their defaults."""
    usual = {axis: condition for axis, condition in USUAL.items() if axis in table.columns}
    nets = table.filter(pl.col("model") == "mlp", *usual.values()).drop(*usual)
    strange = [name for name in key_columns(nets) if name not in KEYS and name != "model"]
    if strange:  # an axis whose values are all departures from the published protocol
        nets = nets.clear()
    return _with_keys(nets.with_columns(quantity=pl.lit(quantity), value=value, **more))


def _with_keys(frame: pl.DataFrame) -> pl.DataFrame:
    keys = (
        (pl.col(key) if key in frame.columns else pl.lit(None))
        .cast(COLUMNS[key])
        .alias(key)  # a layer's number as text
        for key in KEYS
    )
    return frame.select(*keys, "seed", pl.col("value").cast(pl.Float64))


def _weight_std(table: pl.DataFrame) -> pl.DataFrame:
    weights = table.filter(pl.col("parameter") == "weight")
    return _small_convolutional(weights, "weight_std", {1: "conv1", 2: "conv2", 3: "conv3", 4: "linear1"})


def _feature_std(table: pl.DataFrame) -> pl.DataFrame:
    features = table.filter(pl.col("kind") == "pre")
    return _small_convolutional(features, "feature_std", {1: "conv1", 2: "conv2", 3: "conv3", 4: "linear1_pre_relu"})


def _small_convolutional(table: pl.DataFrame, quantity: str, layers: dict[int, str]) -> pl.DataFrame:
    """The rows of the network of Park (2022), whose numbers name no depth and width."""
    nets = table.filter(pl.col("model") == "cnn")
    if "initialisation" not in nets.columns:
        nets = nets.clear().with_columns(initialisation=pl.lit(None, pl.String))
    names = pl.col("initialisation").replace(WITH_GAIN)
    published = nets.filter(~pl.col("initialisation").is_in(list(WITH_GAIN.values()))).with_columns(
        initialisation=names, layer=pl.col("layer").replace_strict(layers, default=None, return_dtype=pl.String),
        quantity=pl.lit(quantity), value=pl.col("std"),
    )  # fmt: skip
    return _with_keys(published.drop("depth", "width").drop_nulls("layer"))


#: Initialisations with the gain of Park (2022), the square root of 2, by the name that the work gives them.
WITH_GAIN = {
    "orthogonal_relu": "orthogonal",
    "xavier_uniform_relu": "xavier_uniform",
    "xavier_normal_relu": "xavier_normal",
}

#: The initialisation that Pretorius (2020) uses, where the grid compares several.
USUAL = {
    "initialisation": pl.col("initialisation")
    == pl.when(pl.col("activation") == "relu").then(pl.lit("kaiming_normal")).otherwise(pl.lit("xavier_normal")),
}

SOURCES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "accuracy": _accuracy,
    "dead_nodes": _dead_share,
    "sparsity": _sparsity,
    "weights": _weight_std,
    "statistics": _feature_std,
}
