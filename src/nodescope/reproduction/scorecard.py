"""Every published number beside ours.

Formula: with our mean over the seeds ``m``, its standard error ``s``, the published value ``p``, its standard error ``e``
where one is printed and one unit ``u`` of its last digit, the difference is ``d = m - p``, counted in standard errors
``d / sqrt(s^2 + e^2 + u^2 / 12)``: rounding to ``u`` has the variance ``u^2 / 12``, and keeps the error from being 0.
"""

from collections.abc import Callable

import polars as pl

from nodescope.reproduction.cases import Tables, network_keys, per_net
from nodescope.reproduction.published import COLUMNS, KEYS, published_numbers
from nodescope.tables import mean_over_seeds

AGREES = "agrees"
DIFFERS = "differs"
UNCLEAR = "cannot tell"
NOT_SCORED = "not scored"
NOT_RUN = "not run"
VERDICTS = (AGREES, DIFFERS, UNCLEAR, NOT_SCORED, NOT_RUN)

#: Ours and the published value differ where more than this many standard errors lie between them.
TOLERANCE_ERRORS = 3.0

RULE = (
    "Agrees where ours and the published value are at most three standard errors apart, differs where more; the error counts "
    "our seeds, the published standard error where one is printed, and the rounding of the last digit. Cannot tell: fewer "
    "than two of our seeds have a value."
)


def scorecard(tables: Tables) -> pl.DataFrame:
    """One row per published number: its columns, then ``ours``, ``standard_error``, ``seeds``, ``difference`` (ours less
    published; of shares in fractions), ``difference_errors`` (in standard errors) and ``verdict``."""
    own = mean_over_seeds(measured(tables), "value").rename({"mean": "ours"})
    numbers = published_numbers().join(own, on=KEYS, how="left", nulls_equal=True, maintain_order="left")
    difference = pl.col("ours") - pl.col("published")
    variance = (
        pl.col("standard_error") ** 2 + pl.col("published_error").fill_null(0) ** 2 + pl.col("last_digit") ** 2 / 12
    )
    return numbers.with_columns(difference=difference, difference_errors=difference / variance.sqrt()).with_columns(
        verdict=pl.when(pl.col("seeds").is_null())
        .then(pl.lit(NOT_RUN))
        .when(pl.col("remark").is_not_null())
        .then(pl.lit(NOT_SCORED))
        .when(pl.col("difference_errors").is_null())
        .then(pl.lit(UNCLEAR))
        .when(pl.col("difference_errors").abs() <= TOLERANCE_ERRORS)
        .then(pl.lit(AGREES))
        .otherwise(pl.lit(DIFFERS))
    )


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
    return _fully_connected(table, "accuracy", pl.col("accuracy"), state=pl.lit("trained"))


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
    strange = [name for name in network_keys(nets) if name not in KEYS and name != "model"]
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
