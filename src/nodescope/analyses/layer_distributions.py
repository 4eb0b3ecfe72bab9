"""How are all values of a layer distributed?

Formula: histograms of all pre-activations (kind ``pre``) or activations (kind ``post``) of a layer over its nodes and
a split's samples, over equal bins from the smallest to the largest value (methods, sections 3 to 5), of which the first
and the last are wider where few values lie far out (`nodescope.analyses.binning`). Of single nodes and classes
`nodescope.analyses.distributions` gives the same.
Needs: the activations of a layer. Gives: one row per split, kind and bin; bins and count are null where the split has
no sample or the net diverged. Cost: a few passes over the values while they are in a core's cache.
"""

from typing import TYPE_CHECKING

import polars as pl

from nodescope.analyses.layers import RecordedLayer
from nodescope.analyses.moments import HISTOGRAM_COLUMNS, histogram

if TYPE_CHECKING:
    from nodescope.config.schema import LayerDistributions

COLUMNS = {
    "state": pl.String,
    "split": pl.String,
    "layer": pl.Int32,
    "kind": pl.String,
    **HISTOGRAM_COLUMNS,
}


def measure(layer: RecordedLayer, options: "LayerDistributions") -> pl.DataFrame:
    """Columns split, kind, bin_left, bin_right, count."""
    frames = []
    for split in options.splits:
        activations = layer.read(split)
        for kind, values in (("pre", activations.z), ("post", activations.a())):
            found = histogram(values, options.bins, activations.z if kind == "post" else None)
            frames.append(found.with_columns(split=pl.lit(split), kind=pl.lit(kind)))
    return pl.concat(frames)
