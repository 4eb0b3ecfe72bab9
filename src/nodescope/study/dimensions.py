"""The dimension tables of a study: its networks and their layers, by which every other table can be looked up.

Both are keyed by ``configuration``, the identifier. What is not known is null.
"""

import math
from collections.abc import Sequence

import polars as pl

from nodescope.config.study import Study
from nodescope.storage.columns import Column, Quantity, Table, number_of, share
from nodescope.storage.tables import read_table
from nodescope.study.configurations import Configuration, configurations_of, states_of
from nodescope.study.layout import StudyFiles
from nodescope.study.shapes import layers_of

SPLITS = ("train", "validation", "test")

LAYERS = Table(
    "layers",
    "Every layer of every configuration, in the order of computation, the output last. Lies in `results/STUDY/` itself.",
    (
        Column("configuration", "string", "identifier"),
        Column("layer", "int32", "from 1, as in every table; the output has the number after the last hidden layer"),
        Column("name", "string", "of the module in the network"),
        Column("kind", "string", "linear or convolution"),
        Column("nodes", "int64", "of a convolution: channels", number_of("nodes")),
        Column(
            "positions", "int64", "at which each node has a value; 1 in a fully connected layer", number_of("positions")
        ),
        Column("activation", "string", "activation function; identity of the output"),
        Column("parameters", "int64", "over all layers they add up to those of the network", number_of("parameters")),
        Column("fan_in", "int64", "weights of one node", number_of("weights of a node")),
    ),
    keys="none",
)

NETWORKS = Table(
    "networks",
    "Every network: one row per configuration and seed, with the identifier of the configuration first. Lies in `results/STUDY/` "
    "itself.",
    (
        Column("seed", "int64", "of the network"),
        Column("source", "string", "where the network comes from: family, trained here"),
        Column(
            "parameters",
            "int64",
            "weights, biases and what else is trained, output layer included",
            number_of("parameters"),
        ),
        Column(
            "learning_rate",
            "float64",
            "that was chosen; null of networks that are not trained",
            Quantity("learning rate", range=(0.0, None)),
        ),
        Column(
            "best_epoch", "int32", "epoch whose parameters are kept; null where there is none", number_of("best epoch")
        ),
        Column("states", "list[string]", "that are recorded, in the order of training"),
        *(
            Column(
                f"{split}_accuracy",
                "float64",
                f"on the {split} samples; null where it is not known",
                share(f"{split} accuracy"),
            )
            for split in SPLITS
        ),
    ),
    keys="configuration",
)


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
    return pl.DataFrame(rows, schema=LAYERS.schema())


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
            .select(pl.col(name).cast(dtype) for name, dtype in NETWORKS.schema().items())
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
