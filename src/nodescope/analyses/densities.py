"""What smooth density stands behind the histogram of a class at a node?

Formula: the Gaussian kernel density estimate of ``z`` on the class's samples that the continuous system uses
(see `nodescope.analyses.layer_accuracy`), at equally spaced points over the node's range, which the classes share,
less what few values lie far out (`nodescope.numerics.binning`). In a layer with
positions, of the mean of ``z`` over them, like the histogram; the continuous system takes the mean of ``T(z)`` there.
Needs: the activations of a layer. Gives: one row per split, chosen node, class and point; ``z`` and ``density`` are
null where the net diverged, ``density`` where the class has no sample. Cost: one table per node and class.
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.measuring.layers import RecordedLayer, chosen_nodes
from nodescope.numerics import kernel_density
from nodescope.numerics.binning import binning

if TYPE_CHECKING:
    from nodescope.config.analyses import Densities

COLUMNS = {
    "state": pl.String,
    "split": pl.String,
    "layer": pl.Int32,
    "node": pl.Int32,
    "class": pl.Int32,
    "z": pl.Float64,
    "density": pl.Float64,
}


def measure(layer: RecordedLayer, options: "Densities") -> pl.DataFrame:
    """Columns split, node, class, z, density (per unit of z)."""
    frames = []
    for split in options.splits:
        activations = layer.read(split)
        for node in chosen_nodes(options, activations.n_nodes):
            z_N = activations.z[node]
            points = _points(z_N, options.points)
            for c, samples in enumerate(activations.class_slices()):
                density = _density(z_N[samples], points, options.bandwidth)
                columns = {"z": points, "density": density}
                frames.append(
                    pl.DataFrame(columns, nan_to_null=True).with_columns(
                        pl.lit(c).alias("class"), split=pl.lit(split), node=pl.lit(node)
                    )
                )
    return pl.concat(frames)


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
    h = kernel_density.bandwidth(z_N, rule)
    return np.exp(kernel_density.fit(z_N, h, float(points[0]), float(points[-1]))(points))
