"""How many nodes of a layer never switch on?

Formula: node ``j`` is dead iff ``A[j, c] = 0`` for every class ``c``: iff it is on for no
sample, in a layer with positions at no position of any sample.
Needs: the activations of a layer. Gives: number and share per split; null where the net diverged.
Cost: one comparison per value.
"""

from typing import TYPE_CHECKING

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.storage.columns import NODES, Column, number_of, share

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer


class DeadNodes(LayerOptions):
    """Nodes that are on for no sample of any class."""


def measure(layer: "RecordedLayer", options: DeadNodes) -> Parts:
    """Columns split, nodes, dead, dead_share."""
    for split in options.splits:
        activations = layer.read(split)
        nodes = activations.n_nodes
        known = activations.n_samples > 0 and layer.finite_nodes(activations).all()
        dead = int(layer.dead_nodes(activations).sum()) if known else None
        yield {"split": split, "nodes": nodes, "dead": dead, "dead_share": None if dead is None else dead / nodes}


ANALYSIS = Analysis(
    title="dead nodes",
    job="nodes",
    order=30,
    options=DeadNodes,
    columns=(
        NODES,
        Column(
            "dead",
            "int32",
            "nodes that are on for no sample; null where the split has none or the network diverged",
            number_of("dead nodes"),
        ),
        Column("dead_share", "float64", "their share of the layer's nodes", share("dead nodes")),
    ),
    measure=measure,
)
