"""The dimension tables of a study: its networks and their layers, by which every other table can be looked up.

Both are keyed by ``configuration``, the identifier. What is not known is null.
"""

from collections.abc import Mapping

import polars as pl

from nodescope.storage.columns import Column, Quantity, Table, number_of, share
from nodescope.storage.tables import read_table
from nodescope.study.axes import CONFIGURATION, Configurations
from nodescope.study.descriptions import NetworkDescription
from nodescope.study.layout import StudyFiles

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
        Column(
            "source",
            "string",
            "where the network comes from: family, trained here; module, a network of your own; recordings, made elsewhere",
        ),
        Column(
            "parameters",
            "int64",
            "weights, biases and what else is trained, output layer included; null where they are not known",
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


def layers_table(descriptions: Mapping[str, NetworkDescription]) -> pl.DataFrame:
    """The table ``layers``, from the descriptions of configurations by identifier."""
    rows = [
        {"configuration": identifier, **layer}
        for identifier, description in descriptions.items()
        for layer in description.layers
    ]
    return pl.DataFrame(rows, schema=LAYERS.schema())


def networks_table(
    configurations: Configurations, descriptions: Mapping[str, NetworkDescription], files: StudyFiles
) -> pl.DataFrame:
    """The table ``networks``, of the configurations that have a description; their table ``accuracy`` is there."""
    frames = [
        _by_split(read_table(files.table_of("accuracy", identifier)))
        .with_columns(
            source=pl.lit(description.source),
            parameters=pl.lit(description.parameters, pl.Int64),
            states=pl.lit(pl.Series([list(description.states)])).first(),
        )
        .select(
            pl.lit(identifier).alias(CONFIGURATION),
            *(pl.col(name).cast(dtype) for name, dtype in NETWORKS.schema().items()),
        )
        for identifier, description in descriptions.items()
    ]
    return configurations.collected(pl.concat(frames))


def _by_split(accuracy: pl.DataFrame) -> pl.DataFrame:
    """One row per seed, from one per seed and split."""
    of_split = [
        pl.col("accuracy").filter(pl.col("split") == split).first().alias(f"{split}_accuracy") for split in SPLITS
    ]
    by_seed = accuracy.group_by("seed", maintain_order=True)
    return by_seed.agg(pl.col("learning_rate").first(), pl.col("best_epoch").first(), *of_split)
