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

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import BANDWIDTH, Bandwidth, Bins, LayerOptions
from nodescope.config.fields import Splits
from nodescope.numerics.binning import binning
from nodescope.storage.columns import CLASS, KIND, NODE, VALUE, Column, Quantity, nodes_by_classes, number_of

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer
    from nodescope.recording import LayerActivations


class NodeHistograms(LayerOptions):
    """Histograms of each class at every node of the kept nets, for the node card of the report."""

    splits: Splits = Field(["train"], description="splits to measure")
    bins: Bins = Field(30, description="bins of each histogram")
    bandwidth: Bandwidth = BANDWIDTH


def measure(layer: "RecordedLayer", options: NodeHistograms) -> Parts:
    """Columns split, node, class, kind, low, high, minimum, maximum, bandwidth, counts."""
    for split in options.splits:
        activations = layer.read(split)
        for kind in activations.metadata.kinds:
            values_JN = activations.z if kind == "pre" else activations.a()
            found = _histograms(values_JN, activations, options.bins, activations.z if kind == "post" else None)
            h = None if kind == "post" else _bandwidths(activations, options.bandwidth)
            yield {"split": split, "kind": kind, "bandwidth": h, **found}


def _bandwidths(activations: "LayerActivations", rule: float | str) -> NDArray[np.float64]:
    """Of each node and class; NaN where the class has no sample or the node a value that is not finite."""
    from nodescope.numerics import kernel_density

    slices = activations.class_slices()
    return np.array(
        [
            kernel_density.bandwidth(z_N[samples], rule) if finite and samples.stop > samples.start else np.nan
            for z_N, finite in zip(activations.z, activations.finite_nodes(), strict=True)
            for samples in slices
        ]
    )


def _histograms(
    values_JN: NDArray[np.float32], activations: "LayerActivations", bins: int, inputs_JN: NDArray[np.float32] | None
) -> dict[str, Any]:
    """Columns node, class, low, high, minimum, maximum, counts."""
    nodes, classes = len(values_JN), activations.n_classes
    ends_J4 = np.full((nodes, 4), np.nan)
    counts_JCB = np.ma.zeros((nodes, classes, bins), np.uint32)
    first_N = activations.labels.astype(np.int64) * bins  # where the counts of a sample's class begin
    for node in range(nodes):
        found = binning(values_JN[node], bins, None if inputs_JN is None else inputs_JN[node])
        if found is None:
            counts_JCB[node] = np.ma.masked
            continue
        low, high = found.low, found.high
        values_N = values_JN[node].astype(np.float64)  # the range of float32 values may exceed what float32 holds
        scaled_N = (np.clip(values_N, low, high) - low) * (bins / (high - low))
        bin_N = np.minimum(scaled_N.astype(np.int64), bins - 1)
        counts_JCB[node] = np.bincount(first_N + bin_N, minlength=classes * bins).reshape(classes, bins)
        ends_J4[node] = low, high, min(low, found.minimum), max(high, found.maximum)
    names = ("low", "high", "minimum", "maximum")
    ends = {name: np.repeat(ends_J4[:, i], classes) for i, name in enumerate(names)}
    return {**nodes_by_classes(nodes, classes), **ends, "counts": counts_JCB.reshape(-1, bins)}


ANALYSIS = Analysis(
    title="histograms of every node",
    job="nodes",
    order=100,
    options=NodeHistograms,
    columns=(
        NODE,
        CLASS,
        KIND,
        Column("low", "float64", "left end of the first bin, as far as all bins are equally wide", VALUE),
        Column("high", "float64", "right end of the last bin, likewise", VALUE),
        Column("minimum", "float64", "smallest value of the node, which the first bin holds", VALUE),
        Column("maximum", "float64", "largest value of the node, which the last bin holds", VALUE),
        Column(
            "bandwidth",
            "float64",
            "of the kernel density estimate of z; null for kind post and where the class has no sample",
            Quantity("bandwidth", range=(0.0, None)),
        ),
        Column("counts", "list[uint32]", "samples of the class in each bin", number_of("samples")),
    ),
    measure=measure,
    states="kept",
)
