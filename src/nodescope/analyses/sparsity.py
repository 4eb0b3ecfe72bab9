"""How much of a layer is off for a typical sample?

Formula: the share of a split's samples with ``theta = 0`` at a node, averaged over the nodes of the layer that
are not dead on the training split (Pretorius 2020, table 5.2).
Needs: the activations of a layer, on the training split too. Gives: a share in [0, 1] per split; null where
all nodes are dead, the split has no sample or the net diverged. Cost: one comparison per value.
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from nodescope.analyses.layers import RecordedLayer, dead_nodes, finite_nodes

if TYPE_CHECKING:
    from nodescope.config.schema import Sparsity

COLUMNS = {
    "state": pl.String,
    "split": pl.String,
    "layer": pl.Int32,
    "sparsity": pl.Float64,
}


def measure(layer: RecordedLayer, options: "Sparsity") -> pl.DataFrame:
    """Columns split, sparsity."""
    train = layer.read("train")
    alive = ~dead_nodes(layer, train)
    train_is_finite = finite_nodes(train).all()
    rows = []
    for split in options.splits:
        activations = train if split == "train" else layer.read(split)
        samples = activations.z.shape[1]
        known = train_is_finite and alive.any() and samples and finite_nodes(activations).all()
        off = None
        if known:
            on_J = np.count_nonzero(layer.theta(activations), axis=1)
            off = 1.0 - float(on_J[alive].mean()) / samples
        rows.append({"split": split, "sparsity": off})
    return pl.DataFrame(rows, schema_overrides={"sparsity": pl.Float64})
