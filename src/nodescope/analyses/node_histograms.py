"""How are the pre-activations and activations of each class distributed at any node?

Formula: histograms of ``z`` (kind ``pre``) and ``a = T(z)`` (kind ``post``) per class over ``len(counts)`` equal bins
that the classes of a node share, from the node's smallest to its largest value, as in
`nodescope.analyses.distributions`, here for every node of the trained net: a row holds a whole histogram, since a row
per bin of every node would be too much. In a layer with positions a sample counts once, as there. The bins lie between
``low`` and ``high``; the first and the last also hold what lies beyond, down to the node's ``minimum`` and up to its
``maximum``, which are ``low`` and ``high`` themselves unless few values lie far out (`nodescope.numerics.binning`).
``bandwidth`` is that of the kernel density estimate of the class's ``z`` (`nodescope.numerics.kernel_density.bandwidth`),
null for kind ``post`` and where the class has no sample.
Needs: the activations of a layer. Gives: one row per split, node, class and kind; all numbers are null where the net
diverged or the split has no sample. Cost: one pass over the layer for each kind.
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.measuring.layers import RecordedLayer, finite_nodes
from nodescope.numerics import kernel_density
from nodescope.numerics.binning import binning
from nodescope.recording import LayerActivations

if TYPE_CHECKING:
    from nodescope.config.analyses import NodeHistograms

COLUMNS = {
    "state": pl.String,
    "split": pl.String,
    "layer": pl.Int32,
    "node": pl.Int32,
    "class": pl.Int32,
    "kind": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "minimum": pl.Float64,
    "maximum": pl.Float64,
    "bandwidth": pl.Float64,
    "counts": pl.List(pl.UInt32),
}

#: Measured on the nets as they are kept, not before and during training.
KEPT_STATE_ONLY = True


def measure(layer: RecordedLayer, options: "NodeHistograms") -> pl.DataFrame:
    """Columns split, node, class, kind, low, high, minimum, maximum, bandwidth, counts."""
    frames = []
    for split in options.splits:
        activations = layer.read(split)
        for kind, values_JN in (("pre", activations.z), ("post", activations.a())):
            frame = _histograms(values_JN, activations, options.bins, activations.z if kind == "post" else None)
            h = pl.lit(None, pl.Float64) if kind == "post" else _bandwidths(activations, options.bandwidth)
            frames.append(frame.with_columns(bandwidth=h, split=pl.lit(split), kind=pl.lit(kind)))
    return pl.concat(frames)


def _bandwidths(activations: LayerActivations, rule: float | str) -> pl.Series:
    """Of each node and class; null where the class has no sample or the node a value that is not finite."""
    slices = activations.class_slices()
    return pl.Series(
        [
            kernel_density.bandwidth(z_N[samples], rule) if finite and samples.stop > samples.start else None
            for z_N, finite in zip(activations.z, finite_nodes(activations), strict=True)
            for samples in slices
        ],
        dtype=pl.Float64,
    )


def _histograms(
    values_JN: NDArray[np.float32], activations: LayerActivations, bins: int, inputs_JN: NDArray[np.float32] | None
) -> pl.DataFrame:
    """Columns node, class, low, high, minimum, maximum, counts."""
    nodes, classes = len(values_JN), activations.n_classes
    ends_J4 = np.full((nodes, 4), np.nan)
    counts_JCB = np.zeros((nodes, classes, bins), np.uint32)
    first_N = activations.labels.astype(np.int64) * bins  # where the counts of a sample's class begin
    for node in range(nodes):
        found = binning(values_JN[node], bins, None if inputs_JN is None else inputs_JN[node])
        if found is None:
            continue
        low, high = found.low, found.high
        values_N = values_JN[node].astype(np.float64)  # the range of float32 values may exceed what float32 holds
        scaled_N = (np.clip(values_N, low, high) - low) * (bins / (high - low))
        bin_N = np.minimum(scaled_N.astype(np.int64), bins - 1)
        counts_JCB[node] = np.bincount(first_N + bin_N, minlength=classes * bins).reshape(classes, bins)
        ends_J4[node] = low, high, min(low, found.minimum), max(high, found.maximum)
    counts = pl.Series("counts", counts_JCB.reshape(-1, bins)).cast(pl.List(pl.UInt32))
    names = ("low", "high", "minimum", "maximum")
    ends = {name: np.repeat(ends_J4[:, i], classes) for i, name in enumerate(names)}
    keys = {"node": np.repeat(np.arange(nodes), classes), "class": np.tile(np.arange(classes), nodes)}
    frame = pl.DataFrame({**keys, **ends, "counts": counts}, nan_to_null=True)
    return frame.with_columns(pl.when(pl.col("low").is_not_null()).then("counts"))
