"""The dimension tables of a study: its networks and their layers, by which every other table can be looked up.

Both are keyed by ``configuration``, the identifier. ``networks`` has one row per configuration and seed:

=====================  ========  ============================================================================================
configuration          text
dataset, model, axes             as in every table: the axes that the study names, as depth and width
seed                   int64
source                 text      where the network comes from: ``family``, trained here
parameters             int64     weights, biases and what else is trained, output layer included
learning_rate          float64   that was chosen; null of networks that are not trained
best_epoch             int32     whose parameters are kept; null where there is none
states                 list      that are recorded, in the order of training
train_accuracy         float64   share of the samples of the split; likewise ``validation_accuracy`` and ``test_accuracy``
=====================  ========  ============================================================================================

``layers`` has one row per configuration and layer, in the order of computation, the output last:

=====================  ========  ============================================================================================
configuration          text
layer                  int32     from 1, as in every table; the output has the number after the last hidden layer
name                   text      of the module in the network
kind                   text      ``linear`` or ``convolution``
nodes                  int64     of a convolution: channels
positions              int64     at which each node has a value; 1 in a fully connected layer
activation             text      activation function; ``identity`` of the output
parameters             int64     see `nodescope.families.layers.Layer`; over all layers they add up to those of the network
fan_in                 int64     weights of one node
=====================  ========  ============================================================================================

What is not known is null.
"""

import math
from collections.abc import Sequence
from typing import Any

import polars as pl

from nodescope.config.study import Study
from nodescope.storage.tables import read_table
from nodescope.study.configurations import Configuration, configurations_of, states_of
from nodescope.study.layout import StudyFiles
from nodescope.study.shapes import layers_of

SPLITS = ("train", "validation", "test")

LAYERS = {
    "configuration": pl.String,
    "layer": pl.Int32,
    "name": pl.String,
    "kind": pl.String,
    "nodes": pl.Int64,
    "positions": pl.Int64,
    "activation": pl.String,
    "parameters": pl.Int64,
    "fan_in": pl.Int64,
}
#: Columns of `networks_table` after the axes.
NETWORKS: dict[str, Any] = {
    "seed": pl.Int64,
    "source": pl.String,
    "parameters": pl.Int64,
    "learning_rate": pl.Float64,
    "best_epoch": pl.Int32,
    "states": pl.List(pl.String),
    **{f"{split}_accuracy": pl.Float64 for split in SPLITS},
}


def layers_table(
    study: Study, input_shape: tuple[int, ...], n_classes: int, identifiers: Sequence[str] | None = None
) -> pl.DataFrame:
    """The table ``layers``, of all configurations or of some."""
    rows = [
        {
            "configuration": configuration.identifier,
            "layer": number,
            "name": layer.name,
            "kind": layer.kind,
            "nodes": layer.nodes,
            "positions": math.prod(layer.positions),
            "activation": layer.activation,
            "parameters": layer.parameters,
            "fan_in": layer.fan_in,
        }
        for configuration in _chosen(study, identifiers)
        for number, layer in enumerate(layers_of(study, configuration, input_shape, n_classes), start=1)
    ]
    return pl.DataFrame(rows, schema=LAYERS)


def networks_table(
    study: Study,
    files: StudyFiles,
    input_shape: tuple[int, ...],
    n_classes: int,
    identifiers: Sequence[str] | None = None,
) -> pl.DataFrame:
    """The table ``networks``, of all configurations or of some; their table ``accuracy`` is there."""
    frames = []
    for configuration in _chosen(study, identifiers):
        layers = layers_of(study, configuration, input_shape, n_classes)
        axes = {"configuration": configuration.identifier, **configuration.keys()}
        known = (
            _by_split(read_table(files.table_of("accuracy", configuration.identifier)))
            .with_columns(
                source=pl.lit("family"),
                parameters=pl.lit(sum(layer.parameters for layer in layers), pl.Int64),
                states=pl.lit(pl.Series([states_of(study)])).first(),
            )
            .select(pl.col(name).cast(dtype) for name, dtype in NETWORKS.items())
        )
        frames.append(known.select([pl.lit(value).alias(name) for name, value in axes.items()] + [pl.all()]))
    return pl.concat(frames)


def _by_split(accuracy: pl.DataFrame) -> pl.DataFrame:
    """One row per seed, from one per seed and split."""
    of_split = [
        pl.col("accuracy").filter(pl.col("split") == split).first().alias(f"{split}_accuracy") for split in SPLITS
    ]
    by_seed = accuracy.group_by("seed", maintain_order=True)
    return by_seed.agg(pl.col("learning_rate").first(), pl.col("best_epoch").first(), *of_split)


def _chosen(study: Study, identifiers: Sequence[str] | None) -> list[Configuration]:
    every = configurations_of(study)
    return every if identifiers is None else [each for each in every if each.identifier in identifiers]
