"""How are the pre-activations and activations of each class distributed at a node?

Formula: histograms of ``z`` (kind ``pre``) and ``a = T(z)`` (kind ``post``) per class over equal bins that the
classes of a node share, from the node's smallest to its largest value;
where few values lie far out, the first and the last bin are wider than the others (`nodescope.numerics.binning`). In a
layer with positions a sample counts once, with the mean of ``z`` and the mean of ``T(z)`` over them.
Needs: the activations of a layer. Gives: one row per split, chosen node, class, kind and bin; bins and count are
null where the net diverged. Cost: one pass over the chosen nodes.
"""

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import Bins, NodeChoice
from nodescope.numerics.binning import binning
from nodescope.storage.columns import CLASS, HISTOGRAM, KIND, NODE

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer


class Distributions(NodeChoice):
    """Histograms of pre-activations and activations of each class at chosen nodes."""

    bins: Bins = Field(60, description="bins of each histogram")


def measure(layer: "RecordedLayer", options: Distributions) -> Parts:
    """Columns split, node, class, kind, bin_left, bin_right, count."""
    for split in options.splits:
        activations = layer.read(split)
        for kind in activations.metadata.kinds:
            values_JN = activations.z if kind == "pre" else activations.a()
            for node in options.chosen(len(values_JN)):
                values_N = values_JN[node]
                found = binning(values_N, options.bins, activations.z[node] if kind == "post" else None)
                place = {"split": split, "node": node, "kind": kind}
                if found is None:
                    yield place | {"class": np.arange(activations.n_classes)}
                    continue
                edges = found.edges(options.bins)
                counts_CB = found.counts_by_class(values_N, activations.labels, activations.n_classes, options.bins)
                yield place | {
                    "class": np.repeat(np.arange(activations.n_classes), options.bins),
                    "bin_left": np.tile(edges[:-1], activations.n_classes),
                    "bin_right": np.tile(edges[1:], activations.n_classes),
                    "count": counts_CB.ravel(),
                }


ANALYSIS = Analysis(
    title="distributions at single nodes",
    job="nodes",
    order=80,
    options=Distributions,
    columns=(NODE, CLASS, KIND, *HISTOGRAM),
    measure=measure,
)
