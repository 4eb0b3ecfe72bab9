"""The table of what is seen of a network while it trains."""

from dataclasses import replace

from nodescope.storage.columns import DESCRIBED_PATTERNS, NODES, Column, Table, number_of, share
from nodescope.training.tables import COUNTED, DISTINCT_SHARE, similarities_with

#: Times that a layer is compared with.
COMPARED = ("initial", "previous")

FOLLOWED = Table(
    "followed",
    "Layers of a network at the looks at it. What follows `patterns` is null where the layer has a value that is not finite; a "
    "similarity also where the reference has, or where there is none.",
    (
        Column("step", "int64", "of training, from 0", replace(number_of("step"), coordinate=True)),
        Column("layer", "int32", "in the order of computation, from 1"),
        Column("layer_name", "string", "of the layer in the network"),
        NODES,
        COUNTED,
        Column("share_on", "float64", "share of the switches that are on", share("switches that are on")),
        Column(
            "sparsity",
            "float64",
            "share of the switches that are off at nodes that are not dead; null where all are dead",
            share("sparsity"),
        ),
        Column("dead_nodes", "int32", "nodes that are on nowhere", number_of("dead nodes")),
        Column("always_on_nodes", "int32", "nodes that are off nowhere", number_of("nodes always on")),
        *DESCRIBED_PATTERNS,
        DISTINCT_SHARE,
        *similarities_with(COMPARED),
    ),
)

#: Columns that are measured: all but those that say when and where.
MEASURED = tuple(column.name for column in FOLLOWED.columns[5:])
