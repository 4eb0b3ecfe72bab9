"""Do samples switch on different nodes?

Formula: ``oui`` is the mean over pairs of samples of ``min(h, F) / F``, where h is the number of nodes with different theta
and ``F = floor(J / 2)`` (overfitting-underfitting indicator, Fernandez-Hernandez et al. 2025). ``theta_distance`` is the
same without the cap, over all pairs, in closed form: ``(2 / J) sum_j 2 p_j (1 - p_j) N / (N - 1)`` with p the share of
samples for which a node is on (methods, section 7). The pairs are drawn once, the same for all networks. In a layer with
positions a node is on for a sample where it is on at any of them.
Needs: the activations of a layer. Gives: one row per split; null with fewer than two nodes or samples, and where the net
diverged. Cost: one comparison per value.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.fields import Count, Splits
from nodescope.storage.columns import NODES, Column, Quantity, number_of, share

if TYPE_CHECKING:
    from nodescope.measuring.layers import RecordedLayer


class Oui(LayerOptions):
    """How different the nodes are that samples switch on: the overfitting-underfitting indicator of each layer."""

    splits: Splits = Field(["train"], description="splits to measure")
    pairs: Count = Field(10_000, description="pairs of samples to compare")


def measure(layer: "RecordedLayer", options: Oui) -> Parts:
    """Columns split, nodes, samples, oui, theta_distance."""
    for split in options.splits:
        activations = layer.read(split)
        nodes, n = activations.n_nodes, activations.n_samples
        row: dict[str, Any] = {"split": split, "nodes": nodes, "samples": n}
        if nodes > 1 and n > 1 and layer.finite_nodes(activations).all():
            theta_JN = layer.theta(activations)
            on_J = np.array([np.count_nonzero(theta_N) for theta_N in theta_JN], np.int64)
            row["oui"] = _oui(theta_JN, sample_pairs(n, options.pairs))
            row["theta_distance"] = float((on_J * (n - on_J)).sum() * 4 / (nodes * n * (n - 1)))
        yield row


def sample_pairs(n: int, count: int) -> NDArray[np.int64]:
    """Pairs of different samples [count, 2] of ``n``, drawn with the same generator always."""
    random = np.random.default_rng(0)
    first = random.integers(0, n, count)
    second = random.integers(0, n - 1, count)
    return np.stack([first, second + (second >= first)], axis=1)


def _oui(theta_JN: NDArray[np.bool_], pairs_P2: NDArray[np.int64]) -> float:
    used, place = np.unique(pairs_P2, return_inverse=True)
    packed = np.packbits(theta_JN[:, used], axis=0)
    first, second = place.reshape(-1, 2).T
    different_P = np.bitwise_count(packed[:, first] ^ packed[:, second]).sum(axis=0, dtype=np.int64)
    half = len(theta_JN) // 2
    return float(np.minimum(different_P, half).mean() / half)


ANALYSIS = Analysis(
    title="differences between patterns",
    job="nodes",
    order=52,
    options=Oui,
    columns=(
        NODES,
        Column("samples", "int32", "samples of the split", number_of("samples")),
        Column(
            "oui",
            "float64",
            "mean over pairs of samples of the share of half the nodes that differ, at most 1; null with fewer than two nodes "
            "or samples, or where the network diverged",
            share("OUI"),
        ),
        Column(
            "theta_distance",
            "float64",
            "the same over all pairs, without the limit on each pair; about 1 where every node is on for half the samples",
            Quantity("distance of patterns", "%", (0.0, None), ".1f", 100.0),
        ),
    ),
    measure=measure,
)
