"""Which value does each node take for a typical sample of each class?

Formula: the median over the samples of class ``c`` of the activation ``a = T(z)`` at node ``j``
(Pretorius 2020, figures 4.3-4.11, A.1, A.2).
Needs: the activations of a layer. Gives: one value per split, node and class; null where the class has no
sample or the net diverged. Cost: one selection over all values, O(N J).
"""

import numpy as np
import polars as pl

from nodescope.analyses.layers import RecordedLayer, node_class_index
from nodescope.config.schema import Medians

COLUMNS = {
    "state": pl.String,
    "split": pl.String,
    "layer": pl.Int32,
    "node": pl.Int32,
    "class": pl.Int32,
    "median": pl.Float32,
}


def measure(layer: RecordedLayer, options: Medians) -> pl.DataFrame:
    """Columns split, node, class, median."""
    frames = []
    for split in options.splits:
        activations = layer.read(split)
        a_JN = activations.a()
        median_JC = np.full((len(a_JN), activations.n_classes), np.nan, np.float32)
        for c, samples in enumerate(activations.class_slices()):
            if samples.start < samples.stop:
                median_JC[:, c] = np.median(a_JN[:, samples], axis=1)
        median_JC[~np.isfinite(median_JC)] = np.nan
        columns = {**node_class_index(*median_JC.shape), "median": median_JC.ravel()}
        frames.append(pl.DataFrame(columns, nan_to_null=True).with_columns(split=pl.lit(split)))
    return pl.concat(frames)
