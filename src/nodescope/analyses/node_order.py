"""In which order are the nodes of a layer drawn, so that like stands beside like?

Formula: ``class`` sorts by preferred class, second class, falling margin (see the analysis ``selectivity``), node. The others
put the two nearest of two sub-orders side by side while average linkage joins them (Gruvaeus & Wainer 1972), and turn the
whole so that lower classes come first: ``profile`` by the distance ``1 - r`` of the class means of two nodes, ``similarity``
by ``1 - |r|`` of their activations. Constant nodes are last (methods, section 7).
Needs: the activations of a layer; ``class`` and ``profile`` need two classes that have samples.
Gives: of the kept networks one row per split, order and node, for all states of the layer; rank is null where the split has no
sample or the net diverged. Cost: class means and correlations, and one average linkage, O(J^2).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.analyses.selectivity import ordered_classes
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Splits
from nodescope.storage.columns import NODE, Column, number_of

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer

#: Differences beyond these digits are rounding.
DIGITS = 9

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class NodeOrder(LayerOptions):
    """Orders of the nodes of a layer in which similar nodes are neighbours, from the kept networks."""

    splits: Splits = Field(["train"], description="splits to measure")


def measure(layer: "RecordedLayer", options: NodeOrder) -> Parts:
    """Columns split, order, node, rank."""
    for split in options.splits:
        nodes = np.arange(layer.read(split).n_nodes)
        for name, order_J in orders(layer, split).items():
            ranks_J = None
            if order_J is not None:
                ranks_J = np.empty(len(nodes), np.int64)
                ranks_J[order_J] = nodes
            yield {"split": split, "order": name, "node": nodes, "rank": ranks_J}


def orders(layer: "RecordedLayer", split: str) -> Mapping[str, Ints | None]:
    """The nodes of a layer in each order; None where nothing is known."""
    found = layer.sums(split)
    with_classes = layer.read(split).n_classes > 1
    names = ("class", "profile", "similarity") if with_classes else ("similarity",)
    if not found.known:
        return dict.fromkeys(names)
    result: dict[str, Ints | None] = {name: None for name in names}
    constant_J = found.samples.constant
    varies, constant = np.flatnonzero(~constant_J), np.flatnonzero(constant_J)
    preferred_J = None
    if len(found.present) > 1:
        first, second, _, margin_J = ordered_classes(found.class_means, found.present)
        preferred_J = first
        by_class = np.lexsort((np.arange(len(first)), -np.round(margin_J, DIGITS), second, first, constant_J))
        means_VC = found.class_means[np.ix_(varies, found.present)]
        by_profile = neighbours(1 - _correlations_of_rows(means_VC), first[varies])
        result |= {"class": by_class, "profile": np.concatenate([varies[by_profile], constant])}
    r_VV = layer.correlations(split)[np.ix_(varies, varies)]
    by_similarity = neighbours(1 - np.abs(r_VV), None if preferred_J is None else preferred_J[varies])
    result["similarity"] = np.concatenate([varies[by_similarity], constant])
    return result


def _correlations_of_rows(values_VC: Floats) -> Floats:
    """Pearson correlation of all pairs of rows; 0 where one of them is constant."""
    centred = values_VC - values_VC.mean(axis=1, keepdims=True)
    norm = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    unit = np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 0)
    return np.clip(unit @ unit.T, -1, 1)


def neighbours(distance_VV: Floats, preferred_V: Ints | None) -> Ints:
    """An order in which near ones are neighbours: average linkage that joins sub-orders at their nearest ends.

    Of equally near ends the first of AB, AB', A'B, A'B' is taken, where A' is A from the back. The whole is turned if its last
    half has the lower mean preferred class.
    """
    n = len(distance_VV)
    if n < 2:
        return np.arange(n)
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    distance_VV = np.round(distance_VV, DIGITS)
    np.fill_diagonal(distance_VV, 0)
    parts = {node: [node] for node in range(n)}
    for step, (u, v, _, _) in enumerate(linkage(squareform(distance_VV, checks=False), "average")):
        a, b = parts.pop(int(u)), parts.pop(int(v))
        ways = ((a, b), (a, b[::-1]), (a[::-1], b), (a[::-1], b[::-1]))
        left, right = min(ways, key=lambda way: distance_VV[way[0][-1], way[1][0]])
        parts[n + step] = left + right
    order = np.array(parts[2 * n - 2])
    if preferred_V is not None and preferred_V[order[-(n // 2) :]].mean() < preferred_V[order[: n // 2]].mean():
        order = order[::-1]
    return order


ANALYSIS = Analysis(
    title="order of the nodes",
    job="nodes",
    order=56,
    options=NodeOrder,
    columns=(
        Column("order", "string", "class, profile or similarity; only the last where samples have no classes"),
        NODE,
        Column(
            "rank",
            "int32",
            "place of the node in the order, from 0; null where it is not defined or the network diverged",
            number_of("rank"),
        ),
    ),
    measure=measure,
    states="kept",
)
