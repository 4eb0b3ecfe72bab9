"""For which share of each class's samples is each node on?

Formula: ``A[j, c]`` = share of the samples of class ``c`` with ``theta = 1`` at node ``j``; theta = 1 iff
``z`` exceeds the threshold. In a layer with positions: the share of all
positions of those samples.
Needs: the activations of a layer. Gives: a share in [0, 1] per split, node and class; null where the class has
no sample or the net diverged. Cost: one comparison per value.
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from nodescope.measuring.layers import RecordedLayer, active_counts, class_counts, finite_nodes, node_class_index

if TYPE_CHECKING:
    from nodescope.config.analyses import Activity

COLUMNS = {
    "state": pl.String,
    "split": pl.String,
    "layer": pl.Int32,
    "node": pl.Int32,
    "class": pl.Int32,
    "active_share": pl.Float64,
}


def measure(layer: RecordedLayer, options: "Activity") -> pl.DataFrame:
    """Columns split, node, class, active_share."""
    frames = []
    for split in options.splits:
        activations = layer.read(split)
        switches_C = class_counts(activations) * activations.positions
        with np.errstate(invalid="ignore"):
            share_JC = active_counts(layer, activations) / np.where(switches_C, switches_C, np.nan)
        share_JC[~finite_nodes(activations)] = np.nan
        columns = {**node_class_index(*share_JC.shape), "active_share": share_JC.ravel()}
        frames.append(pl.DataFrame(columns, nan_to_null=True).with_columns(split=pl.lit(split)))
    return pl.concat(frames)
