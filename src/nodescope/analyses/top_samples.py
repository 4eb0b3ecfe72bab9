"""Which samples drive a node most, which least, and which typically?

Formula: the k samples with the largest pre-activation z, the k with the smallest, and k at the evenly spaced ranks
``round((i + 1/2) N / k - 1/2)`` of the falling order. Of equal values the lower sample comes first. z, not the activation:
the samples for which a ReLU is off would all tie. In a layer with positions a sample's value is the largest z over its
positions, and ``position`` says where that is (methods, section 7).
Needs: the activations of a layer. Gives: of the kept networks, k rows per split, node and end, or as many as there are
samples; ``sample`` and ``z`` are null where the node is constant or the net diverged. Cost: a sort of the values of each
node.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Count, Splits
from nodescope.storage.columns import NODE, Column, Quantity

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer
    from nodescope.recording import LayerActivations

ENDS = ("most", "least", "spread")


class TopSamples(LayerOptions):
    """The samples that drive each node of the kept networks most, least, and at evenly spaced ranks in between."""

    splits: Splits = Field(["test"], description="splits to measure")
    samples: Count = Field(16, description="samples of each node and end")


def measure(layer: "RecordedLayer", options: TopSamples) -> Parts:
    """Columns split, node, end, rank, sample, label, position, z."""
    for split in options.splits:
        activations = layer.read(split)
        nodes, n = activations.n_nodes, activations.n_samples
        k = min(options.samples, n)
        if not k:
            yield {"split": split, "node": np.arange(nodes)}
            continue
        places_JEK, null_J, values_JN = _places(activations, k)
        shape = places_JEK.shape
        node_JEK = np.broadcast_to(np.arange(nodes)[:, None, None], shape)
        null = np.broadcast_to(null_J[:, None, None], shape).ravel()
        columns: dict[str, NDArray[Any]] = {
            "sample": activations.samples[places_JEK],
            "z": values_JN[node_JEK, places_JEK],
        }
        if activations.is_labelled:
            columns["label"] = activations.labels[places_JEK]
        each_JN = activations.each() if activations.positions > 1 else None
        if each_JN is not None:
            columns["position"] = _positions(activations, each_JN, places_JEK)
        yield {
            "split": split,
            "node": node_JEK.ravel(),
            "end": np.broadcast_to(np.array(ENDS)[None, :, None], shape).ravel(),
            "rank": np.broadcast_to(np.arange(1, k + 1), shape).ravel(),
            **{name: np.ma.masked_array(values.ravel(), null) for name, values in columns.items()},
        }


def _places(
    activations: "LayerActivations", k: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float32]]:
    """Places of the samples of each node and end [J, 3, k], the nodes without any [J], and the values [J, N]."""
    from nodescope.numerics.moments import are_constant
    from nodescope.numerics.ordering import ascending

    values_JN = activations.z if activations.positions == 1 else activations.largest()
    n = values_JN.shape[1]
    places_JEK = np.zeros((len(values_JN), len(ENDS), k), np.int64)
    null_J = np.full(len(values_JN), not activations.finite_nodes().all())
    by_sample = np.argsort(activations.samples, kind="stable")
    spread = np.clip(np.round((np.arange(k) + 0.5) * n / k - 0.5).astype(np.int64), 0, n - 1)
    for node, values_N in enumerate(values_JN):
        null_J[node] = null_J[node] or are_constant(float(values_N.min()), float(values_N.max()))
        if null_J[node]:
            continue
        falling = ascending(-values_N[by_sample])
        places_JEK[node, 0] = falling[:k]
        places_JEK[node, 1] = ascending(values_N[by_sample])[:k]
        places_JEK[node, 2] = falling[spread]
    return by_sample[places_JEK], null_J, values_JN


def _positions(
    activations: "LayerActivations", each_JN: NDArray[np.float32], places_JEK: NDArray[np.int64]
) -> NDArray[np.int64]:
    """At which of its positions a sample has its largest value [J, 3, k]; of equal ones the first."""
    begins = np.concatenate([[0], np.cumsum(activations.position_counts(), dtype=np.int64)])
    found = [
        int(each_JN[node, begins[place] : begins[place + 1]].argmax())
        for node, of_node in enumerate(places_JEK)
        for place in of_node.ravel()
    ]
    return np.array(found, np.int64).reshape(places_JEK.shape)


ANALYSIS = Analysis(
    title="samples that drive the nodes",
    job="nodes",
    order=46,
    options=TopSamples,
    columns=(
        NODE,
        Column("end", "string", "most, least, or spread: evenly spaced ranks from the largest to the smallest"),
        Column("rank", "int32", "place within the end, from 1: of most the largest first, of least the smallest"),
        Column("sample", "int32", "in the prepared data set; null where the node is constant or the network diverged"),
        Column("label", "int32", "class of the sample; null where samples have no classes"),
        Column("position", "int32", "of the largest value, from 0; null of layers without positions, or of a summary"),
        Column("z", "float32", "pre-activation; the largest over the positions", Quantity("pre-activation z")),
    ),
    measure=measure,
    states="kept",
)
