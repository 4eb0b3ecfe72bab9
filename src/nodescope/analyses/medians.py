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
from numpy.typing import NDArray

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.storage.columns import CLASS, NODE, Column, Quantity, nodes_by_classes

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer

Activate = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Medians(LayerOptions):
    """Median activation of each class at every node."""


def measure(layer: "RecordedLayer", options: Medians) -> Parts:
    """Columns split, node, class, median."""
    for split in options.splits:
        activations = layer.read(split)
        keeps_order = activations.positions == 1 and activations.metadata.is_monotone
        values_JN = activations.z if keeps_order else activations.a()
        activate = activations.metadata.activate if keeps_order else None
        median_JC = np.full((len(values_JN), activations.n_classes), np.nan, np.float32)
        for c, samples in enumerate(activations.class_slices()):
            if samples.start < samples.stop:
                median_JC[:, c] = _medians(values_JN[:, samples], activate)
        median_JC[~layer.finite_nodes(activations)] = np.nan
        yield {"split": split, **nodes_by_classes(*median_JC.shape), "median": median_JC.ravel()}


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


ANALYSIS = Analysis(
    title="medians of the activations",
    job="nodes",
    order=10,
    options=Medians,
    columns=(
        NODE,
        CLASS,
        Column(
            "median",
            "float32",
            "median activation of the class; null where it has no sample or the network diverged",
            Quantity("median activation"),
        ),
    ),
    measure=measure,
)
