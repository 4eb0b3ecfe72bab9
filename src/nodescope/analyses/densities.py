"""What smooth density stands behind the histogram of a class at a node?

Formula: the Gaussian kernel density estimate of ``z`` on the class's samples that the continuous system uses
(see `nodescope.analyses.layer_accuracy`), at equally spaced points over the node's range, which the classes share,
less what few values lie far out (`nodescope.numerics.binning`). In a layer with
positions, of the mean of ``z`` over them, like the histogram; the continuous system takes the mean of ``T(z)`` there.
Needs: the activations of a layer. Gives: one row per split, chosen node, class and point; ``z`` and ``density`` are
null where the net diverged, ``density`` where the class has no sample. Cost: one table per node and class.
"""

from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import BANDWIDTH, Bandwidth, NodeChoice
from nodescope.config.fields import MAYBE_IN_QUOTES
from nodescope.numerics.binning import binning
from nodescope.storage.columns import CLASS, NODE, Column, Quantity

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer


class Densities(NodeChoice):
    """Kernel density estimate of the pre-activations of each class at chosen nodes."""

    bandwidth: Bandwidth = BANDWIDTH
    points: Annotated[int, Field(strict=True, ge=2, le=10000), MAYBE_IN_QUOTES] = Field(
        120, description="number of points at which the density is evaluated"
    )


def measure(layer: "RecordedLayer", options: Densities) -> Parts:
    """Columns split, node, class, z, density (per unit of z)."""
    for split in options.splits:
        activations = layer.read(split)
        for node in options.chosen(activations.n_nodes):
            z_N = activations.z[node]
            points = _points(z_N, options.points)
            for c, samples in enumerate(activations.class_slices()):
                density = _density(z_N[samples], points, options.bandwidth)
                yield {"split": split, "node": node, "class": c, "z": points, "density": density}


def _points(z_N: NDArray[np.float32], count: int) -> NDArray[np.float64]:
    """Equally spaced over the values, those far out apart; one NaN where they are not finite or there are none."""
    found = binning(z_N, count)
    if found is None:
        return np.array([np.nan])
    alike = found.minimum == found.maximum
    margin = 0.0 if alike else 0.05 * (found.high - found.low)
    return np.linspace(found.low - margin, found.high + margin, count)


def _density(z_N: NDArray[np.float32], points: NDArray[np.float64], rule: float | str) -> NDArray[np.float64]:
    if not len(z_N) or not np.isfinite(points).all():
        return np.full(len(points), np.nan)
    from nodescope.numerics import kernel_density

    h = kernel_density.bandwidth(z_N, rule)
    return np.exp(kernel_density.fit(z_N, h, float(points[0]), float(points[-1]))(points))


ANALYSIS = Analysis(
    title="kernel densities at single nodes",
    job="classifiers",
    order=90,
    options=Densities,
    columns=(
        NODE,
        CLASS,
        Column("z", "float64", "pre-activation at which the density is evaluated", Quantity("pre-activation z")),
        Column(
            "density",
            "float64",
            "per unit of z; null where the class has no sample or the network diverged",
            Quantity("density", range=(0.0, None)),
        ),
    ),
    measure=measure,
)
