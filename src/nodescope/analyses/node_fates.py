"""How did each node become what it is: when did it die, or wake?

Formula: from the kinds of a node (see the analysis ``node_kinds``) in the recorded states, in the order of their parameters
and up to the epoch that is kept. ``always_dead``: dead in all; ``died``: dead in the last, not in all; ``woke``: dead in the
first, not in the last; ``revived``: dead in between only; ``became``: another kind in the last than in the first; ``stayed``;
``alive``: dead in no state, where no more is known.
``since`` is the epoch of the first state of the last unbroken run of its kind, ``not_before`` that of the state before: the
change lies between the two. ``theta_change`` is the share of samples, and positions, with another theta in the last state
than in the first, ``z_correlation`` the Pearson correlation of z in the two over the samples (methods, section 7).
Needs: the activations of a layer in several states. With a summary over positions only what being dead decides is known, and
``theta_change`` is not.
Gives: one row per seed, split, layer and node; fate is null with one state, or where the network diverged in one. Cost:
the kinds in every state; two states of a layer are in memory at once.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nodescope.analyses import Analysis, Parts, Summary
from nodescope.analyses.node_kinds import NodeKinds, kinds
from nodescope.storage.columns import LAYER, NODE, SPLIT, Column, Quantity, Table, number_of, share

if TYPE_CHECKING:
    import polars as pl

    from nodescope.measuring.layers import RecordedLayer
    from nodescope.measuring.recordings import RecordedNetworks

FATES = ("always_dead", "died", "woke", "revived", "became", "stayed", "alive")


class NodeFates(NodeKinds):
    """How the kind of each node changes from state to state: whether and when it died or woke."""


def measure(networks: "RecordedNetworks", options: NodeFates) -> Parts:
    """Columns seed, split, layer, node, and those that are declared from fate to states."""
    for seed in networks.seeds:
        states = states_before({state: networks.epoch(seed, state) for state in networks.states})
        for number in networks.layers():
            layers = [(networks.layer(seed, state, number), epoch) for state, epoch in states]
            for split in options.splits:
                recorded = [(layer, epoch) for layer, epoch in layers if split in layer.splits]
                if recorded and recorded[-1][0].state == networks.states[-1]:
                    yield {"seed": seed, "split": split, "layer": number, **_of_layer(recorded, split, options)}


def states_before(epochs: Mapping[str, float | None]) -> list[tuple[str, float | None]]:
    """The states that lie before the last, which is kept, and that itself, in the order of their parameters.

    Parameters
    ----------
    epochs
        Of every state, the kept one at the end; None where it is not known. A state of which it is not known counts as
        earlier, in its place; all do where the epoch of the kept one is not known.

    Examples
    --------
    >>> states_before({"initial": 0, "step-5": 0.5, "step-90": 9, "epoch-1": 1, "epoch-10": 10, "trained": 7})
    [('initial', 0), ('step-5', 0.5), ('epoch-1', 1), ('trained', 7)]
    """
    *states, last = epochs
    kept = epochs[last]
    earlier = [
        (state, epoch)
        for state in states
        if (epoch := epochs[state]) is None or kept is None or epoch < kept or state == "initial"
    ]
    if all(epoch is not None for _, epoch in earlier):
        earlier.sort(key=lambda of_one: of_one[1] or 0)
    return [*earlier, (last, kept)]


def fate(kinds_of_node: Sequence[str | None], dead: Sequence[bool | None]) -> str | None:
    """What became of a node, from its kind and whether it is dead in every state; None where that is not known."""
    if len(dead) < 2 or None in dead:
        return None
    if all(dead):
        return "always_dead"
    if dead[-1]:
        return "died"
    if dead[0]:
        return "woke"
    if any(dead):
        return "revived"
    if None in kinds_of_node:
        return "alive"
    return "stayed" if kinds_of_node[0] == kinds_of_node[-1] else "became"


def _of_layer(layers: "list[tuple[RecordedLayer, float | None]]", split: str, options: NodeFates) -> dict[str, Any]:
    """Columns of the nodes of a layer in several states."""
    found, dead = [], []
    first, last = layers[0][0], layers[-1][0]
    for layer, _ in layers:
        of_state = kinds(layer, split, options)
        found.append(of_state["kind"])
        dead.append([None if p is None else bool(p == 0) for p in of_state["on_share"]])
        if layer not in (first, last):
            layer.forget()  # two states at once at most
    by_node, dead_by_node = list(zip(*found, strict=True)), list(zip(*dead, strict=True))
    epochs = [epoch for _, epoch in layers]
    runs = [_last_run(of_node) for of_node in by_node]
    row: dict[str, Any] = {
        "node": np.arange(len(by_node)),
        "fate": [fate(of_node, of_dead) for of_node, of_dead in zip(by_node, dead_by_node, strict=True)],
        "first_kind": [of_node[0] for of_node in by_node],
        "last_kind": [of_node[-1] for of_node in by_node],
        "changes": [None if None in of_node else sum(a != b for a, b in pairwise(of_node)) for of_node in by_node],
        "since": [None if run is None else epochs[run] for run in runs],
        "not_before": [None if not run else epochs[run - 1] for run in runs],
        "states": len(layers),
    }
    if len(layers) > 1:
        row |= _first_and_last(first, last, split)
    return row


def _last_run(of_node: Sequence[str | None]) -> int | None:
    """Place of the first state of the last unbroken run of a node's kind; None where a kind is not known."""
    if None in of_node:
        return None
    begin = len(of_node) - 1
    while begin and of_node[begin - 1] == of_node[-1]:
        begin -= 1
    return begin


def _first_and_last(first: "RecordedLayer", last: "RecordedLayer", split: str) -> dict[str, NDArray[np.float64]]:
    """Columns theta_change and z_correlation; NaN where the samples of the two are not the same, or values not finite."""
    one, other = first.read(split), last.read(split)
    nodes = one.n_nodes
    change_J, r_J = np.full(nodes, np.nan), np.full(nodes, np.nan)
    finite = one.finite_nodes().all() and other.finite_nodes().all()
    same = one.n_samples > 0 and np.array_equal(one.samples, other.samples)
    if not (finite and same and nodes == other.n_nodes):
        return {"theta_change": change_J, "z_correlation": r_J}
    each, other_each = one.each(), other.each()
    for node in range(nodes):
        if each is not None and other_each is not None and each.shape == other_each.shape:
            z, later = each[node], other_each[node]
            change_J[node] = np.mean((z > first.theta_threshold) != (later > last.theta_threshold))
        r_J[node] = correlation(one.z[node], other.z[node])
    return {"theta_change": change_J, "z_correlation": r_J}


def correlation(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
    """Pearson correlation of finite values; NaN where either is constant."""
    from nodescope.numerics.moments import are_constant

    if any(are_constant(float(values.min()), float(values.max())) for values in (x, y)):
        return float("nan")
    a, b = (values - values.mean() for values in (x.astype(np.float64), y.astype(np.float64)))
    return float(np.clip(np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b)), -1, 1))


def of_layers(table: "pl.DataFrame") -> "pl.DataFrame":
    """Key columns, split, layer, fate, nodes, share: of each fate, also those that no node has."""
    import polars as pl

    keys = table.columns[: table.columns.index("node")]
    known = table.group_by(keys, maintain_order=True).agg(known=pl.col("fate").count().cast(pl.Int32))
    counted = table.group_by([*keys, "fate"]).agg(nodes=pl.len().cast(pl.Int32))
    rows = known.join(pl.DataFrame({"fate": FATES}), how="cross").join(
        counted, on=[*keys, "fate"], how="left", maintain_order="left"
    )
    nodes = pl.when(pl.col("known") > 0).then(pl.col("nodes").fill_null(0))
    return rows.select(*keys, "fate", nodes=nodes, share=nodes / pl.col("known"))


EPOCH = Quantity("epoch", range=(0.0, None))

ANALYSIS = Analysis(
    title="fates of the nodes",
    job="nodes",
    order=43,
    options=NodeFates,
    columns=(
        SPLIT,
        LAYER,
        NODE,
        Column("fate", "string", "always_dead, died, woke, revived, became, stayed or alive; null with one state"),
        Column("first_kind", "string", "kind in the first state; see node_kinds"),
        Column("last_kind", "string", "kind in the kept state"),
        Column(
            "changes", "int32", "how often the kind changed from one state to the next", number_of("changes of kind")
        ),
        Column(
            "since",
            "float64",
            "epoch of the first state of its last kind, a fraction after a step; null where that is not known",
            EPOCH,
        ),
        Column("not_before", "float64", "epoch of the state before; null where the node always was of its kind", EPOCH),
        Column(
            "theta_change",
            "float64",
            "share of the samples, and positions, with another theta in the last state than in the first",
            share("changed theta"),
        ),
        Column(
            "z_correlation",
            "float64",
            "correlation of the pre-activations of the first and the last state; null where either is constant",
            Quantity("correlation with the first state", range=(-1.0, 1.0), format=".3f"),
        ),
        Column("states", "int32", "states that were looked at", number_of("states")),
    ),
    measure=measure,
    scope="configuration",
    summaries=(
        Summary(
            Table(
                "node_fates_summary",
                "How many nodes of each layer have each fate.",
                (
                    SPLIT,
                    LAYER,
                    Column("fate", "string", "of the nodes; each fate has a row"),
                    Column("nodes", "int32", "nodes of this fate; null where none is known", number_of("nodes")),
                    Column("share", "float64", "of the nodes whose fate is known that have this one", share("nodes")),
                ),
            ),
            of_layers,
        ),
    ),
)
