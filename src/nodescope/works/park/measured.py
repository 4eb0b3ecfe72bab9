"""Ours beside the printed standard deviations of weights (figure 2) and features (figure 3), before and after training."""

import polars as pl

from nodescope.works.printed import Measured, with_keys

#: Initialisations with the gain of the work, the square root of 2, by the name that the work gives them.
WITH_GAIN = {
    "orthogonal_relu": "orthogonal",
    "xavier_uniform_relu": "xavier_uniform",
    "xavier_normal_relu": "xavier_normal",
}


def weight_std(table: pl.DataFrame) -> pl.DataFrame:
    """Of the weights of each layer, without its biases."""
    weights = table.filter(pl.col("parameter") == "weight")
    return _as_published(weights, "weight_std", {1: "conv1", 2: "conv2", 3: "conv3", 4: "linear1"})


def feature_std(table: pl.DataFrame) -> pl.DataFrame:
    """Of the pre-activations of each layer."""
    features = table.filter(pl.col("kind") == "pre")
    return _as_published(features, "feature_std", {1: "conv1", 2: "conv2", 3: "conv3", 4: "linear1_pre_relu"})


def _as_published(table: pl.DataFrame, quantity: str, layers: dict[int, str]) -> pl.DataFrame:
    """The rows of the network of the work, whose numbers name no depth and width."""
    nets = table.filter(pl.col("model") == "cnn")
    if "initialisation" not in nets.columns:
        nets = nets.clear().with_columns(initialisation=pl.lit(None, pl.String))
    names = pl.col("initialisation").replace(WITH_GAIN)
    published = nets.filter(~pl.col("initialisation").is_in(list(WITH_GAIN.values()))).with_columns(
        initialisation=names, layer=pl.col("layer").replace_strict(layers, default=None, return_dtype=pl.String),
        quantity=pl.lit(quantity), value=pl.col("std"),
    )  # fmt: skip
    return with_keys(published.drop("depth", "width").drop_nulls("layer"))


MEASURED: Measured = {"weights": weight_std, "statistics": feature_std}
