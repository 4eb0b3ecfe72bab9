"""What kind of node is it: dead, always on, a switch, graded, or stuck at a bound?

Formula: ``on_share`` p is the share of a split's samples, and positions, for which a node is on. ``switch_share`` is the
share of the variance of its activation a that theta explains, ``p (1 - p) (m1 - m0)^2 / var(a)`` with m1 and m0 the means
of a where it is on and where it is off. ``low`` and ``high`` are the shares of a within a tolerance of the bounds of the
activation function. ``form`` is the first that holds: ``constant``, ``saturated`` (``low`` or ``high`` is at least
``stuck``), ``switch`` (``switch_share`` is at least ``switch``), ``graded``. ``kind`` is ``dead`` where p is 0,
``always_on`` where p is 1, otherwise the form (methods, section 7).
Needs: the activations of a layer. Where only a summary over positions is recorded, dead nodes and those that are always on
are known, but no form.
Gives: one row per split and node; null where the split has no sample or the net diverged. Cost: the sums of a layer
(`nodescope.measuring.sums`), and one comparison per value and bound.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts, Summary
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import PositiveNumber, Share, Splits
from nodescope.storage.columns import LAYER, NODE, NODES, SPLIT, STATE, Column, Table, number_of, share

if TYPE_CHECKING:
    import polars as pl

    from nodescope.measuring.layers import RecordedLayer
    from nodescope.recording import LayerActivations

FORMS = ("constant", "saturated", "switch", "graded")
KINDS = ("dead", "always_on", *FORMS)
#: In the summary: on for some samples, where the form is not recorded.
OTHER = "other"

#: A node is rarely on, or rarely off, below this share.
RARE = 0.01


class NodeKinds(LayerOptions):
    """What kind of node each is: dead, always on, constant, saturated, a switch, or graded."""

    splits: Splits = Field(["train"], description="splits to measure")
    switch: Share = Field(
        0.8, description="a node is a switch if being on or off explains at least this share of its variance"
    )
    stuck: Share = Field(
        0.95, description="a node is saturated if at least this share of its activations is near one bound"
    )
    saturation_tolerance: PositiveNumber = Field(
        0.05,
        description="activations within this distance of a bound of the function (0 and 1 for the sigmoid) are near it",
    )


def measure(layer: "RecordedLayer", options: NodeKinds) -> Parts:
    """Columns split, node, kind, form, on_share, switch_share, low, high, rare, samples."""
    for split in options.splits:
        activations = layer.read(split)
        yield {
            "split": split,
            "node": np.arange(activations.n_nodes),
            **kinds(layer, split, options),
            "samples": activations.n_samples,
        }


def kinds(layer: "RecordedLayer", split: str, options: NodeKinds) -> dict[str, Any]:
    """Columns kind, form, on_share, switch_share, low, high, rare of the nodes of a layer [J]."""
    found, activations = layer.sums(split), layer.read(split)
    p_J = found.on_share
    if not found.known:
        nothing = [None] * activations.n_nodes
        return dict.fromkeys(("kind", "form", "on_share", "switch_share", "low", "high", "rare"), nothing)
    share_J = np.full(len(p_J), np.nan)
    low_J, high_J = _near_bounds(activations, options.saturation_tolerance)
    form_J: NDArray[Any] = np.full(len(p_J), None)
    if found.values is not None and found.on_mean is not None and found.off_mean is not None:
        constant_J = found.values.constant
        with np.errstate(invalid="ignore", divide="ignore"):
            share_J = p_J * (1 - p_J) * (found.on_mean - found.off_mean) ** 2 / found.values.variance
            share_J = np.where(constant_J, np.nan, np.minimum(share_J, 1))
            stuck_J = np.fmax(low_J, high_J) >= options.stuck
            form_J = np.select(
                [constant_J, stuck_J, share_J >= options.switch], ["constant", "saturated", "switch"], "graded"
            ).astype(object)
    kind_J = np.where(p_J == 0, "dead", np.where(p_J == 1, "always_on", form_J))
    rare_J = ((p_J > 0) & (p_J < RARE)) | ((p_J > 1 - RARE) & (p_J < 1))
    return {
        "kind": kind_J.tolist(),
        "form": form_J.tolist(),
        "on_share": p_J,
        "switch_share": share_J,
        "low": low_J,
        "high": high_J,
        "rare": rare_J,
    }


def _near_bounds(activations: "LayerActivations", tolerance: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of the activations of each node near the lower and near the upper bound [J]; NaN without two bounds."""
    low_J, high_J = (np.full(activations.n_nodes, np.nan) for _ in range(2))
    low, high = activations.metadata.function.bounds
    each_JN = activations.each()
    if each_JN is not None and low is not None and high is not None:
        for node, z in enumerate(each_JN):  # row by row, in a core's cache
            a = activations.metadata.activate(z, node)
            low_J[node] = np.count_nonzero(np.abs(a - np.float32(low)) <= tolerance) / len(a)
            high_J[node] = np.count_nonzero(np.abs(a - np.float32(high)) <= tolerance) / len(a)
    return low_J, high_J


def of_layers(table: "pl.DataFrame") -> "pl.DataFrame":
    """Key columns, state, split, layer, kind, nodes, share: of each kind, also those that no node has."""
    import polars as pl

    keys = table.columns[: table.columns.index("node")]
    names = {"known": "on_share", "formed": "form", "named": "kind"}
    counts = [pl.col(column).count().cast(pl.Int32).alias(name) for name, column in names.items()]
    layers = table.group_by(keys, maintain_order=True).agg(counts)
    counted = table.group_by([*keys, "kind"]).agg(nodes=pl.len().cast(pl.Int32))
    rows = layers.join(pl.DataFrame({"kind": [*KINDS, OTHER]}), how="cross").join(
        counted, on=[*keys, "kind"], how="left", maintain_order="left"
    )
    without_form = pl.col("kind").is_in(FORMS) & (pl.col("formed") == 0)
    own = (
        pl.when(pl.col("kind") == OTHER).then(pl.col("known") - pl.col("named")).otherwise(pl.col("nodes").fill_null(0))
    )
    nodes = pl.when((pl.col("known") > 0) & ~without_form).then(own)
    return rows.select(*keys, "kind", nodes=nodes, share=nodes / pl.col("known"))


ANALYSIS = Analysis(
    title="kinds of nodes",
    job="nodes",
    order=42,
    options=NodeKinds,
    columns=(
        NODE,
        Column(
            "kind",
            "string",
            "dead, always_on, or the form; null where the split has no sample, the network diverged, or the form is not "
            "known",
        ),
        Column(
            "form",
            "string",
            "constant, saturated, switch or graded; null also where only a summary over positions is recorded",
        ),
        Column("on_share", "float64", "share of the samples, and positions, for which the node is on", share("on")),
        Column(
            "switch_share",
            "float64",
            "share of the variance of the activation that being on or off explains; null where the node is constant, "
            "always on or always off",
            share("variance explained by the switch"),
        ),
        Column(
            "low",
            "float64",
            "share of the activations near the lower bound of the function; null without two bounds",
            share("near the lower bound"),
        ),
        Column("high", "float64", "the same of the upper bound", share("near the upper bound")),
        Column("rare", "boolean", "on, or off, for some samples, but less than one in a hundred"),
        Column("samples", "int32", "samples of the split", number_of("samples")),
    ),
    measure=measure,
    summaries=(
        Summary(
            Table(
                "node_kinds_summary",
                "How many nodes of each layer are of each kind.",
                (
                    STATE,
                    SPLIT,
                    LAYER,
                    Column(
                        "kind",
                        "string",
                        "of the nodes; each kind has a row. other: on at times, where the form is not recorded",
                    ),
                    Column("nodes", "int32", "nodes of this kind; null where that is not known", NODES.quantity),
                    Column("share", "float64", "of the nodes of the layer that are of this kind", share("nodes")),
                ),
            ),
            of_layers,
        ),
    ),
)
