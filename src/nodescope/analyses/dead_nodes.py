"""How many nodes of a layer never switch on?

Formula: node ``j`` is dead iff ``A[j, c] = 0`` for every class ``c``: iff it is on for no
sample, in a layer with positions at no position of any sample.
Needs: the activations of a layer. Gives: number and share per split; null where the net diverged.
Cost: one comparison per value.
"""

from typing import TYPE_CHECKING

import polars as pl

from nodescope.measuring.layers import RecordedLayer, dead_nodes, finite_nodes

if TYPE_CHECKING:
    from nodescope.config.analyses import DeadNodes

COLUMNS = {
    "state": pl.String,
    "split": pl.String,
    "layer": pl.Int32,
    "nodes": pl.Int32,
    "dead": pl.Int32,
    "dead_share": pl.Float64,
}


def measure(layer: RecordedLayer, options: "DeadNodes") -> pl.DataFrame:
    """Columns split, nodes, dead, dead_share."""
    rows = []
    for split in options.splits:
        activations = layer.read(split)
        nodes = activations.n_nodes
        known = activations.n_samples > 0 and finite_nodes(activations).all()
        dead = int(dead_nodes(layer, activations).sum()) if known else None
        rows.append(
            {"split": split, "nodes": nodes, "dead": dead, "dead_share": None if dead is None else dead / nodes}
        )
    return pl.DataFrame(rows, schema_overrides={"dead": pl.Int32, "dead_share": pl.Float64})
