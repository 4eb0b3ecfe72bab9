"""How much of a layer is off for a typical sample?

Formula: the share of a split's samples with ``theta = 0`` at a node, averaged over the nodes of the layer that
are not dead on the training split (Pretorius 2020, table 5.2).
Needs: the activations of a layer, on the training split too. Gives: a share in [0, 1] per split; null where
all nodes are dead, the split has no sample or the net diverged. Cost: one comparison per value.
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.analyses.layers import RecordedLayer, finite_nodes
from nodescope.recording import LayerActivations

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
    on_J, finite = _on_counts(layer, train), bool(finite_nodes(train).all())
    alive = on_J > 0
    rows = []
    for split in options.splits:
        samples = train.z.shape[1]
        on_in_split, finite_in_split = on_J, finite
        if split != "train":
            activations = layer.read(split)
            samples = activations.z.shape[1]
            on_in_split, finite_in_split = _on_counts(layer, activations), bool(finite_nodes(activations).all())
        known = finite and finite_in_split and alive.any() and samples
        off = 1.0 - float(on_in_split[alive].mean()) / samples if known else None
        rows.append({"split": split, "sparsity": off})
    return pl.DataFrame(rows, schema_overrides={"sparsity": pl.Float64})


def _on_counts(layer: RecordedLayer, activations: LayerActivations) -> NDArray[np.int64]:
    """Number of samples for which each node is on [J]; counting row by row is several times faster than by axis."""
    return np.array([np.count_nonzero(row) for row in layer.theta(activations)], np.int64)
