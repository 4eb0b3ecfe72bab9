"""How are the pre-activations and activations of each class distributed at a node?

Formula: histograms of ``z`` (kind ``pre``) and ``a = T(z)`` (kind ``post``) per class over equal bins that the
classes of a node share, from the node's smallest to its largest value;
where few values lie far out, the first and the last bin are wider than the others (`nodescope.numerics.binning`). In a
layer with positions a sample counts once, with the mean of ``z`` and the mean of ``T(z)`` over them.
Needs: the activations of a layer. Gives: one row per split, chosen node, class, kind and bin; bins and count are
null where the net diverged. Cost: one pass over the chosen nodes.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.measuring.layers import RecordedLayer, chosen_nodes
from nodescope.numerics.binning import Binning, binning
from nodescope.recording import LayerActivations

if TYPE_CHECKING:
    from nodescope.config.analyses import Distributions

COLUMNS = {
    "state": pl.String,
    "split": pl.String,
    "layer": pl.Int32,
    "node": pl.Int32,
    "class": pl.Int32,
    "kind": pl.String,
    "bin_left": pl.Float64,
    "bin_right": pl.Float64,
    "count": pl.Int64,
}


def measure(layer: RecordedLayer, options: "Distributions") -> pl.DataFrame:
    """Columns split, node, class, kind, bin_left, bin_right, count."""
    frames = []
    for split in options.splits:
        activations = layer.read(split)
        for kind, values_JN in (("pre", activations.z), ("post", activations.a())):
            for node in chosen_nodes(options, len(values_JN)):
                found = binning(values_JN[node], options.bins, activations.z[node] if kind == "post" else None)
                for frame in _histograms(values_JN[node], activations, options.bins, found):
                    frames.append(frame.with_columns(split=pl.lit(split), node=pl.lit(node), kind=pl.lit(kind)))
    return pl.concat(frames, how="vertical_relaxed")


def _histograms(
    values_N: NDArray[np.float32], activations: LayerActivations, bins: int, found: Binning | None
) -> Iterator[pl.DataFrame]:
    """Columns class, bin_left, bin_right, count for each class."""
    for c, samples in enumerate(activations.class_slices()):
        columns: dict[str, Any]
        if found is None:
            columns = {"bin_left": [None], "bin_right": [None], "count": [None]}
        else:
            edges = found.edges(bins)
            columns = {"bin_left": edges[:-1], "bin_right": edges[1:], "count": found.counts(values_N[samples], bins)}
        yield pl.DataFrame(
            columns, schema_overrides={"bin_left": pl.Float64, "bin_right": pl.Float64, "count": pl.Int64}
        ).with_columns(pl.lit(c).alias("class"))
