"""Which value does each node take for a typical sample of each class?

Formula: the median over the samples of class ``c`` of the activation ``a = T(z)`` at node ``j``
(Pretorius 2020, figures 4.3-4.11, A.1, A.2).
Needs: the activations of a layer. Gives: one value per split, node and class; null where the class has no
sample or the net diverged. Cost: one selection over all values, O(N J).
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.activation_functions import ACTIVATION_FUNCTIONS
from nodescope.analyses.layers import RecordedLayer, finite_nodes, node_class_index
from nodescope.recording import LayerActivations

if TYPE_CHECKING:
    from nodescope.config.schema import Medians

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
        median_JC = np.full((len(activations.z), activations.n_classes), np.nan, np.float32)
        for c, samples in enumerate(activations.class_slices()):
            if samples.start < samples.stop:
                median_JC[:, c] = _medians(activations, samples)
        median_JC[~finite_nodes(activations)] = np.nan
        columns = {**node_class_index(*median_JC.shape), "median": median_JC.ravel()}
        frames.append(pl.DataFrame(columns, nan_to_null=True).with_columns(split=pl.lit(split)))
    return pl.concat(frames)


def _medians(activations: LayerActivations, samples: slice) -> NDArray[np.float32]:
    """Median activation of every node [J] over a range of samples.

    A monotone function keeps the order, so only the values in the middle need it. NumPy selects one place
    several times as fast as two at once (or as ``np.median``), and the next lower value is the largest below it.
    """
    function = ACTIVATION_FUNCTIONS[activations.metadata.activation]
    values_JN = activations.z[:, samples] if function.monotone else function.apply(activations.z[:, samples])
    middle = values_JN.shape[1] // 2
    values_JN = np.partition(values_JN, middle, axis=1)
    upper_J = values_JN[:, middle]
    lower_J = upper_J if values_JN.shape[1] % 2 else values_JN[:, :middle].max(axis=1)
    if function.monotone:
        lower_J, upper_J = function.apply(lower_J), function.apply(upper_J)
    with np.errstate(invalid="ignore"):  # of a diverged net
        median_J: NDArray[np.float32] = np.asarray((lower_J + upper_J) / 2, np.float32)
    return median_J
