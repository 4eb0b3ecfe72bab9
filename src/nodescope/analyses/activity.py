"""For which share of each class's samples is each node on?

Formula: ``A[j, c]`` = share of the samples of class ``c`` with ``theta = 1`` at node ``j``; theta = 1 iff
``z`` exceeds the threshold. In a layer with positions: the share of all
positions of those samples.
Needs: the activations of a layer. Gives: a share in [0, 1] per split, node and class; null where the class has
no sample or the net diverged. Cost: one comparison per value.
"""

from typing import TYPE_CHECKING

import numpy as np

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.storage.columns import CLASS, NODE, Column, nodes_by_classes, share

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer


class Activity(LayerOptions):
    """Share of each class's samples for which a node is on."""


def measure(layer: "RecordedLayer", options: Activity) -> Parts:
    """Columns split, node, class, active_share."""
    for split in options.splits:
        activations = layer.read(split)
        switches_C = layer.switch_counts(activations)
        with np.errstate(invalid="ignore"):
            share_JC = layer.active_counts(activations) / np.where(switches_C, switches_C, np.nan)
        share_JC[~layer.finite_nodes(activations)] = np.nan
        yield {"split": split, **nodes_by_classes(*share_JC.shape), "active_share": share_JC.ravel()}


ANALYSIS = Analysis(
    title="activity of the nodes",
    job="nodes",
    order=20,
    options=Activity,
    columns=(
        NODE,
        CLASS,
        Column(
            "active_share",
            "float64",
            "share of the class's samples for which the node is on; null where it has none or the network diverged",
            share("active share"),
        ),
    ),
    measure=measure,
)
