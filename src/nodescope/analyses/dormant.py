"""How many nodes of a layer say next to nothing, measured by the others?

Formula: the score of a node is the mean of ``|a|`` over samples and positions, as a share of the mean of this over the nodes
of the layer. A node is dormant where its score is at most a threshold (Sokar et al. 2023). The centred share takes
``|a - mean a|`` instead: the form for functions whose off is not 0, such as the sigmoid (methods, section 7). In a layer
whose nodes are all 0 every node is dormant.
Needs: the activations of a layer. Where only a summary over positions is recorded, the share is known for functions that
are never negative, and the centred one is not.
Gives: one row per split and threshold; null where the split has no sample or the net diverged. Cost: the sums of a layer.
"""

from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Distinct, NotNegative, Splits
from nodescope.storage.columns import NODES, Column, Quantity, share

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer


class Dormant(LayerOptions):
    """Share of the nodes of a layer whose activations are small beside those of the others."""

    splits: Splits = Field(["train"], description="splits to measure")
    thresholds: Annotated[list[NotNegative], Field(min_length=1), Distinct] = Field(
        [0.0, 0.025, 0.1],
        description="a node is dormant if its mean absolute activation is at most this share of the layer's mean",
    )


def measure(layer: "RecordedLayer", options: Dormant) -> Parts:
    """Columns split, threshold, nodes, dormant_share, dormant_centred_share."""
    for split in options.splits:
        activations, found = layer.read(split), layer.sums(split)
        low = activations.metadata.function.bounds[0]
        size_J = deviation_J = None
        if found.known and found.values is not None:
            size_J, deviation_J = found.values.size, found.values.deviation
            deviation_J = np.where(found.values.constant, 0, deviation_J)  # not the noise of rounding
        elif found.known and low is not None and low >= 0:
            size_J = found.samples.size  # the mean of what is never negative is that of its sizes
        for threshold in options.thresholds:
            yield {
                "split": split,
                "threshold": threshold,
                "nodes": activations.n_nodes,
                "dormant_share": dormant_share(size_J, threshold),
                "dormant_centred_share": dormant_share(deviation_J, threshold),
            }


def dormant_share(size_J: NDArray[np.float64] | None, threshold: float) -> float | None:
    """Share of the nodes whose size is at most ``threshold`` times the mean size; 1 where all are 0."""
    if size_J is None:
        return None
    return float((size_J <= threshold * size_J.mean()).mean())


ANALYSIS = Analysis(
    title="dormant nodes",
    job="nodes",
    order=48,
    options=Dormant,
    columns=(
        Column(
            "threshold",
            "float64",
            "up to which score a node is dormant",
            Quantity("threshold", range=(0.0, None), coordinate=True),
        ),
        NODES,
        Column(
            "dormant_share",
            "float64",
            "share of the nodes that are dormant; null where the split has no sample or the network diverged",
            share("dormant nodes"),
        ),
        Column(
            "dormant_centred_share",
            "float64",
            "the same of distances from a node's mean; null also where only a summary over positions is recorded",
            share("dormant nodes, centred"),
        ),
    ),
    measure=measure,
)
