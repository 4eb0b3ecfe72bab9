"""Which node does a node resemble at other times, and in networks that were trained from other seeds?

Formula: r is the Pearson correlation over the samples of the activations of a node of the kept network and of one of the same
layer in another state, or of the kept network of another seed. ``nearest`` is the node of the largest ``|r|``, of equal ones
the lower; ``same_correlation`` is r with the node of the same number, which in another state is the node itself (methods,
section 7).
Needs: the activations of a layer in several states or seeds, of the same samples. In a layer with positions a sample's
activation is the mean over them.
Gives: one row per seed, layer, node, and other state or seed, of which there is a limit; null where the node is constant, all
others are, a network diverged or the samples differ. Cost: a product of the activations of two networks, O(N J^2), for each pair.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Index, Splits
from nodescope.storage.columns import LAYER, NODE, SPLIT, Column, Quantity

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer
    from nodescope.measuring.recordings import RecordedNetworks

#: Differences beyond these digits are rounding: of equal correlations the lower node is the nearest.
DIGITS = 9

Floats = NDArray[np.float64]


class Kin(LayerOptions):
    """Which node of the same layer each node resembles most: in the other states, and in the other seeds."""

    splits: Splits = Field(["test"], description="splits to measure")
    seeds: Index = Field(3, description="other seeds that each is compared with: those that follow it in the list")


def measure(networks: "RecordedNetworks", options: Kin) -> Parts:
    """Columns seed, split, layer, node, other_seed, other_state, nearest, nearest_correlation, same_correlation."""
    kept, seeds = networks.states[-1], networks.seeds
    for number in networks.layers():
        for place, seed in enumerate(seeds):
            layer = networks.layer(seed, kept, number)
            # Two layers are in memory at once: what is read of another is let go with it.
            for state in networks.states[:-1]:
                yield from _of_pair(layer, networks.layer(seed, state, number), number, options)
            for step in range(1, min(options.seeds, len(seeds) - 1) + 1):
                other_seed = seeds[(place + step) % len(seeds)]
                yield from _of_pair(layer, networks.layer(other_seed, kept, number), number, options)


def _of_pair(layer: "RecordedLayer", other: "RecordedLayer", number: int, options: Kin) -> Parts:
    for split in options.splits:
        if split not in layer.splits or split not in other.splits:
            continue
        yield {
            "seed": layer.seed,
            "split": split,
            "layer": number,
            "node": np.arange(layer.read(split).n_nodes),
            "other_seed": other.seed,
            "other_state": other.state,
            **_nearest(between(layer, other, split), same_seed=layer.seed == other.seed),
        }


def between(layer: "RecordedLayer", other: "RecordedLayer", split: str) -> Floats | None:
    """Correlations [J, K] of the nodes of two recordings; NaN of constant nodes, None where the two cannot be compared."""
    one, two = layer.read(split), other.read(split)
    same = np.array_equal(one.samples, two.samples)
    if not (same and one.n_samples > 2 and layer.sums(split).known and other.sums(split).known):
        return None
    found_JK = np.zeros((one.n_nodes, two.n_nodes))
    for first, second in zip(layer.normalised(split), other.normalised(split), strict=True):
        found_JK += first @ second.T
    return np.clip(found_JK, -1, 1)


def _nearest(r_JK: Floats | None, *, same_seed: bool) -> dict[str, Any]:
    """Columns nearest, nearest_correlation, same_correlation [J]."""
    if r_JK is None:
        return {}
    size_JK = np.round(np.abs(r_JK), DIGITS)
    known_J = ~np.isnan(size_JK).all(axis=1)
    nearest_J = np.where(np.isnan(size_JK), -1, size_JK).argmax(axis=1)
    nodes = np.arange(len(r_JK))
    columns: dict[str, Any] = {
        "nearest": np.ma.masked_array(nearest_J, ~known_J),
        "nearest_correlation": np.where(known_J, r_JK[nodes, nearest_J], np.nan),
    }
    if same_seed and r_JK.shape[0] == r_JK.shape[1]:
        columns["same_correlation"] = np.diag(r_JK)
    return columns


CORRELATION = Quantity("correlation", range=(-1.0, 1.0), format=".3f")

ANALYSIS = Analysis(
    title="kin of the nodes",
    job="nodes",
    order=58,
    options=Kin,
    columns=(
        SPLIT,
        LAYER,
        NODE,
        Column("other_seed", "int64", "of the network that the kept one is compared with"),
        Column("other_state", "string", "of that network"),
        Column("nearest", "int32", "node of that network with the largest absolute correlation; null where constant"),
        Column(
            "nearest_correlation",
            "float64",
            "correlation with it; null where either is constant or a network diverged",
            CORRELATION,
        ),
        Column("same_correlation", "float64", "with the node of the same number; null for other seeds", CORRELATION),
    ),
    measure=measure,
    scope="configuration",
)
