"""How much of a layer is off for a typical sample?

Formula: the share of a split's samples with ``theta = 0`` at a node, averaged over the nodes of the layer that
are not dead on the training split. In a layer with positions: the share of all positions of
the samples.
Needs: the activations of a layer, on the training split too. Gives: a share in [0, 1] per split; null where
all nodes are dead, the split has no sample or the net diverged. Cost: one comparison per value.
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.measuring.layers import RecordedLayer, active_counts, finite_nodes
from nodescope.recording import LayerActivations

if TYPE_CHECKING:
    from nodescope.config.analyses import Sparsity

COLUMNS = {
    "state": pl.String,
    "split": pl.String,
    "layer": pl.Int32,
    "sparsity": pl.Float64,
}


def measure(layer: RecordedLayer, options: "Sparsity") -> pl.DataFrame:
    """Columns split, sparsity."""
    train = layer.read("train")
    on_in_training_J, training_is_finite = _on_counts(layer, train)
    alive_J = on_in_training_J > 0
    rows = []
    for split in options.splits:
        activations = train if split == "train" else layer.read(split)
        switches = activations.n_samples * activations.positions
        on_J, finite = (on_in_training_J, training_is_finite) if split == "train" else _on_counts(layer, activations)
        known = training_is_finite and finite and alive_J.any() and switches
        rows.append({"split": split, "sparsity": 1.0 - float(on_J[alive_J].mean()) / switches if known else None})
    return pl.DataFrame(rows, schema_overrides={"sparsity": pl.Float64})


def _on_counts(layer: RecordedLayer, activations: LayerActivations) -> tuple[NDArray[np.int64], bool]:
    """How often each node is on [J], over samples and positions, and whether all values are finite."""
    return active_counts(layer, activations).sum(axis=1), bool(finite_nodes(activations).all())
