"""Which value does each node take for a typical sample of each class?

Formula: the median over the samples of class ``c`` of the activation ``a = T(z)`` at node ``j``. In a layer with
positions a sample's activation is the mean of ``T(z)``
over them.
Needs: the activations of a layer. Gives: one value per split, node and class; null where the class has no
sample or the net diverged. Cost: one selection over all values, O(N J).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.measuring.layers import RecordedLayer, finite_nodes, node_class_index

if TYPE_CHECKING:
    from nodescope.config.analyses import Medians

Activate = Callable[[NDArray[np.float32]], NDArray[np.float32]]

COLUMNS = {
    "state": pl.String,
    "split": pl.String,
    "layer": pl.Int32,
    "node": pl.Int32,
    "class": pl.Int32,
    "median": pl.Float32,
}


def measure(layer: RecordedLayer, options: "Medians") -> pl.DataFrame:
    """Columns split, node, class, median."""
    frames = []
    for split in options.splits:
        activations = layer.read(split)
        keeps_order = activations.positions == 1 and activations.metadata.is_monotone
        values_JN = activations.z if keeps_order else activations.a()
        activate = activations.metadata.activate if keeps_order else None
        median_JC = np.full((len(values_JN), activations.n_classes), np.nan, np.float32)
        for c, samples in enumerate(activations.class_slices()):
            if samples.start < samples.stop:
                median_JC[:, c] = _medians(values_JN[:, samples], activate)
        median_JC[~finite_nodes(activations)] = np.nan
        columns = {**node_class_index(*median_JC.shape), "median": median_JC.ravel()}
        frames.append(pl.DataFrame(columns, nan_to_null=True).with_columns(split=pl.lit(split)))
    return pl.concat(frames)


def _medians(values_JN: NDArray[np.float32], activate: Activate | None) -> NDArray[np.float32]:
    """Median activation of every node [J], of activations, or of pre-activations and a monotone function.

    A monotone function keeps the order, so only the values in the middle need it. NumPy selects one place
    several times as fast as two at once (or as ``np.median``), and the next lower value is the largest below it.
    """
    middle = values_JN.shape[1] // 2
    values_JN = np.partition(values_JN, middle, axis=1)
    upper_J = values_JN[:, middle]
    lower_J = upper_J if values_JN.shape[1] % 2 else values_JN[:, :middle].max(axis=1)
    if activate is not None:
        lower_J, upper_J = activate(lower_J), activate(upper_J)
    with np.errstate(invalid="ignore"):  # of a diverged net
        median_J: NDArray[np.float32] = np.asarray((lower_J + upper_J) / 2, np.float32)
    return median_J
