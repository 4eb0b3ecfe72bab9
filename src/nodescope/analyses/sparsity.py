"""How much of a layer is off for a typical sample?

Formula: the share of a split's samples with ``theta = 0`` at a node, averaged over the nodes of the layer that
are not dead on the training split (of recordings without one, on the first split there is). In a layer with positions:
the share of all positions of
the samples.
Needs: the activations of a layer, on the training split too. Gives: a share in [0, 1] per split; null where
all nodes are dead, the split has no sample or the net diverged. Cost: one comparison per value.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nodescope.analyses import Analysis, Parts, Summary
from nodescope.config.analysis_fields import LayerOptions
from nodescope.storage.columns import LAYER, MEAN_OVER_SEEDS, SPLIT, STATE, Column, Table, share

if TYPE_CHECKING:
    import polars as pl

    from nodescope.measuring.layers import RecordedLayer
    from nodescope.recording import LayerActivations

SPARSITY = share("sparsity")


class Sparsity(LayerOptions):
    """Share of samples for which a node is off, averaged over the nodes of a layer that are not dead."""


def measure(layer: "RecordedLayer", options: Sparsity) -> Parts:
    """Columns split, sparsity."""
    reference = layer.reference_split
    on_in_training_J, training_is_finite = _on_counts(layer, layer.read(reference))
    alive_J = on_in_training_J > 0
    for split in options.splits:
        activations = layer.read(split)
        switches = int(layer.switch_counts(activations).sum())
        on_J, finite = (on_in_training_J, training_is_finite) if split == reference else _on_counts(layer, activations)
        known = training_is_finite and finite and alive_J.any() and switches
        yield {"split": split, "sparsity": 1.0 - float(on_J[alive_J].mean()) / switches if known else None}


def _on_counts(layer: "RecordedLayer", activations: "LayerActivations") -> tuple[NDArray[np.int64], bool]:
    """How often each node is on [J], over samples and positions, and whether all values are finite."""
    return layer.active_counts(activations).sum(axis=1), bool(layer.finite_nodes(activations).all())


def over_seeds(sparsity: "pl.DataFrame") -> "pl.DataFrame":
    """Key columns, state, split, layer, mean, standard_error, seeds (Pretorius 2020, table 5.2)."""
    from nodescope.storage.tables import mean_over_seeds

    return mean_over_seeds(sparsity, "sparsity")


ANALYSIS = Analysis(
    title="sparsity",
    job="nodes",
    order=40,
    options=Sparsity,
    columns=(
        Column(
            "sparsity",
            "float64",
            "share of the samples for which a node that is not dead is off; null where all are dead, the split has no "
            "sample or the network diverged",
            SPARSITY,
        ),
    ),
    measure=measure,
    summaries=(
        Summary(
            Table(
                "sparsity_summary",
                "Sparsity of each layer over the seeds.",
                (STATE, SPLIT, LAYER, Column("mean", "float64", "over the seeds", SPARSITY), *MEAN_OVER_SEEDS),
                keys="configuration",
            ),
            over_seeds,
        ),
    ),
)
