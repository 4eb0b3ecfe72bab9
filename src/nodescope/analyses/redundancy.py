"""Which other node of its layer does a node resemble, and how redundant is the layer?

Formula: r is the Pearson correlation of the activations of two nodes over the samples. ``nearest`` is the node of the largest
``|r|``, whose sign is kept: the next layer can turn it, but of a ReLU only r > 0 is a copy. ``similar`` is the number of nodes
with ``|r|`` of at least ``alike``. ``cluster`` numbers the groups of complete linkage on ``1 - |r|`` within which every pair
is that similar. ``linear_redundancy`` is R^2 of a node's activation on all others, ``1 - 1 / (P^-1)_jj`` with P the
correlations and 1e-3 on their diagonal (methods, section 7).
Needs: the activations of a layer. In a layer with positions a sample's activation is the mean over them.
Gives: one row per split and node; null where the node is constant, all others are, or there are fewer than three samples.
Cost: a product of the activations with themselves, O(N J^2).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts, Summary
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Flag, Share, Splits
from nodescope.storage.columns import LAYER, NODE, NODES, SPLIT, STATE, Column, Quantity, Table, number_of, share

if TYPE_CHECKING:
    import polars as pl

    from nodescope.measuring.layers import RecordedLayer

#: Added to the diagonal of the correlations, which are singular where one node is a combination of others.
RIDGE = 1e-3

#: Differences beyond these digits are rounding: of equal correlations the lower node is the nearest.
DIGITS = 9

Floats = NDArray[np.float64]


class Redundancy(LayerOptions):
    """How similar each node is to the others of its layer."""

    splits: Splits = Field(["train"], description="splits to measure")
    alike: Share = Field(0.9, description="two nodes are similar from this absolute correlation on")
    linear: Flag = Field(False, description="whether to compute linear_redundancy, how well all others predict a node")


def measure(layer: "RecordedLayer", options: Redundancy) -> Parts:
    """Columns split, node, nearest, nearest_correlation, similar, cluster, linear_redundancy."""
    for split in options.splits:
        activations, found = layer.read(split), layer.sums(split)
        nodes = activations.n_nodes
        row: dict[str, Any] = {"split": split, "node": np.arange(nodes)}
        varies = np.flatnonzero(~found.samples.constant) if found.known else np.empty(0, np.int64)
        if len(varies) > 1 and activations.n_samples > 2:
            r_VV = layer.correlations(split)[np.ix_(varies, varies)]
            null = np.ones(nodes, bool)
            null[varies] = False
            for name, of_varying in _of_varying(r_VV, varies, options).items():
                values = np.zeros(nodes, np.ma.getdata(of_varying).dtype)
                values[varies] = np.ma.getdata(of_varying)
                missing = null.copy()
                missing[varies] = np.ma.getmaskarray(of_varying)
                row[name] = np.ma.masked_array(values, missing)
        yield row


def _of_varying(r_VV: Floats, varies: NDArray[np.int64], options: Redundancy) -> dict[str, Any]:
    """Columns of the nodes that are not constant [V], from their correlations."""
    size_VV: Floats = np.abs(r_VV).round(DIGITS)
    np.fill_diagonal(size_VV, -1)
    nearest = size_VV.argmax(axis=1)
    cluster = clusters(size_VV, options.alike)
    columns: dict[str, Any] = {
        "nearest": varies[nearest],
        "nearest_correlation": r_VV[np.arange(len(varies)), nearest],
        "similar": (size_VV >= options.alike).sum(axis=1),
        "cluster": np.ma.masked_array(cluster, cluster < 0),
    }
    if options.linear:
        inverse = np.linalg.inv(r_VV + RIDGE * np.eye(len(r_VV)))
        columns["linear_redundancy"] = np.clip(1 - 1 / np.diag(inverse), 0, 1)
    return columns


def clusters(size_VV: Floats, alike: float) -> NDArray[np.int64]:
    """Groups [V] within which every pair has at least the size ``alike``, by complete linkage; -1 alone.

    Numbered from 0 in the order of their first nodes.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distance_VV = np.round(1 - size_VV, DIGITS)
    np.fill_diagonal(distance_VV, 0)
    tree = linkage(squareform(distance_VV, checks=False), "complete")
    found = fcluster(tree, round(1 - alike, DIGITS), "distance")
    _, first, place, number = np.unique(found, return_index=True, return_inverse=True, return_counts=True)
    of_group = np.full(len(first), -1)
    grouped = np.flatnonzero(number > 1)
    of_group[grouped[np.argsort(first[grouped])]] = np.arange(len(grouped))
    return of_group[place]


def of_layers(table: "pl.DataFrame") -> "pl.DataFrame":
    """Key columns, state, split, layer, nodes, redundant_share, clusters, nearest_size."""
    import polars as pl

    keys = table.columns[: table.columns.index("node")]
    known = pl.col("similar").is_not_null()
    found = pl.when(known.any())
    return table.group_by(keys, maintain_order=True).agg(
        nodes=found.then(known.sum().cast(pl.Int32)),
        redundant_share=found.then((pl.col("similar") > 0).mean()),
        clusters=found.then(pl.col("cluster").drop_nulls().n_unique().cast(pl.Int32)),
        nearest_size=pl.col("nearest_correlation").abs().median(),
    )


ANALYSIS = Analysis(
    title="redundancy of the nodes",
    job="nodes",
    order=54,
    options=Redundancy,
    columns=(
        NODE,
        Column("nearest", "int32", "node of the layer with the largest absolute correlation; null where constant"),
        Column(
            "nearest_correlation",
            "float64",
            "correlation of the activations of the two; null where either does not vary",
            Quantity("correlation with the nearest node", range=(-1.0, 1.0), format=".3f"),
        ),
        Column("similar", "int32", "nodes of the layer that are similar to it", number_of("similar nodes")),
        Column("cluster", "int32", "of nodes that are all similar to each other, from 0; null where it is alone"),
        Column(
            "linear_redundancy",
            "float64",
            "share of the variance of the activation that all other nodes predict; null unless `linear` is set",
            share("predicted by the other nodes"),
        ),
    ),
    measure=measure,
    summaries=(
        Summary(
            Table(
                "redundancy_summary",
                "How redundant each layer is.",
                (
                    STATE,
                    SPLIT,
                    LAYER,
                    Column("nodes", "int32", "nodes that are not constant", NODES.quantity),
                    Column(
                        "redundant_share",
                        "float64",
                        "share of these that are similar to another; null where there are fewer than two",
                        share("redundant nodes"),
                    ),
                    Column("clusters", "int32", "groups of nodes that are all similar", number_of("clusters")),
                    Column(
                        "nearest_size",
                        "float64",
                        "median of the absolute correlation with the nearest node",
                        Quantity("median correlation with the nearest node", range=(0.0, 1.0), format=".3f"),
                    ),
                ),
            ),
            of_layers,
        ),
    ),
)
