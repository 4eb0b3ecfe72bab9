"""How are all values of a layer distributed?

Formula: histograms of all pre-activations (kind ``pre``) or activations (kind ``post``) of a layer over its nodes and
a split's samples, over equal bins from the smallest to the largest value (methods, sections 3 to 5), of which the first
and the last are wider where few values lie far out (`nodescope.numerics.binning`). Of single nodes and classes
`nodescope.analyses.distributions` gives the same. In a layer with positions the values at all of them count; where a
summary over the positions is recorded, the inner edges of the bins lie within a thousandth of their value beside those of
equal bins (`nodescope.recording.values`), and the counts are exact.
Needs: the activations of a layer. Gives: one row per split, kind and bin; bins and count are null where the split has
no sample or the net diverged. Cost: a few passes over the values while they are in a core's cache.
"""

from typing import TYPE_CHECKING

import polars as pl

from nodescope.measuring.layers import RecordedLayer
from nodescope.numerics.binning import LOOKED_AT, binning
from nodescope.numerics.moments import HISTOGRAM_COLUMNS, histogram, no_histogram
from nodescope.recording import LayerActivations
from nodescope.recording.values import KINDS, Kind

if TYPE_CHECKING:
    from nodescope.config.analyses import LayerDistributions

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
        z = activations.each()
        for kind in KINDS:
            each = activations.each(kind)
            found = (
                _of_summary(activations, kind, options.bins)
                if each is None
                else histogram(each, options.bins, z if kind == "post" else None)
            )
            frames.append(found.with_columns(split=pl.lit(split), kind=pl.lit(kind)))
    return pl.concat(frames)


def _of_summary(activations: LayerActivations, kind: Kind, bins: int) -> pl.DataFrame:
    """As `nodescope.numerics.moments.histogram`; the bins are found from values at evenly spaced ranks."""
    values = activations.values[kind]
    if not len(values.ends()):
        return no_histogram()
    inputs = activations.values["pre"]
    if kind == "post" and len(inputs.ends()):
        z = inputs.at_ranks(LOOKED_AT)
        a = activations.metadata.activate(z)
        a[a.argmin()], a[a.argmax()] = values.ends()
        found = binning(a, bins, z)
    else:
        found = binning(values.at_ranks(LOOKED_AT), bins)
    if found is None:
        return no_histogram()
    edges, count = values.histogram(found.edges(bins))
    return pl.DataFrame({"bin_left": edges[:-1], "bin_right": edges[1:], "count": count}, schema=HISTOGRAM_COLUMNS)
