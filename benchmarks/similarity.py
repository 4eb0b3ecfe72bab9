"""Linear CKA of all pairs of layers of several networks."""

from itertools import combinations
from typing import Any

import numpy as np
from measure import Row, side

#: Within which all pairs of layers of eight configurations and three seeds are compared.
REACH_S = 30.0


def made_layers(networks: int, depth: int, nodes: int, samples: int) -> list[Any]:
    """Activations [node, sample] of the layers of networks that see the same samples: related, and half of them 0."""
    random = np.random.default_rng(0)
    x = random.standard_normal((40, samples))
    layers = []
    for _ in range(networks):
        a = x
        for _ in range(depth):
            a = np.maximum(random.standard_normal((nodes, len(a))) @ a * np.sqrt(2 / len(a)), 0)
            layers.append(a.astype(np.float32))
    return layers


def by_product(*sizes: int) -> Any:
    """Debiased CKA of all pairs, as the workflow computes it."""
    from nodescope.numerics.similarity import centred, cka

    layers = made_layers(*sizes)

    def run() -> list[float]:
        pictures = [centred(layer) for layer in layers]
        return [cka(one, other) for one, other in combinations(pictures, 2)]

    return run, np.array


def by_numpy(*sizes: int) -> Any:
    """The same in plain NumPy by someone who knows it: by features, what belongs to a single layer computed once."""
    layers = made_layers(*sizes)

    def unbiased(x: Any, y: Any) -> float:
        (x, of_x), (y, of_y) = x, y
        n = x.shape[1]
        overlap = np.linalg.norm(x @ y.T) ** 2
        return float(overlap - n / (n - 2) * of_x @ of_y + of_x.sum() * of_y.sum() / ((n - 1) * (n - 2)))

    def run() -> list[float]:
        prepared = []
        for layer in layers:
            x = layer.astype(np.float64)
            x -= x.mean(axis=1, keepdims=True)
            prepared.append((x, (x**2).sum(axis=0)))
        own = [unbiased(x, x) for x in prepared]
        return [
            unbiased(prepared[i], prepared[j]) / np.sqrt(own[i] * own[j])
            for i, j in combinations(range(len(prepared)), 2)
        ]

    return run, np.array


def compare_cka(networks: int, depth: int, nodes: int, samples: int) -> Row:
    """All pairs of layers of some networks."""
    sizes = networks, depth, nodes, samples
    mine, theirs = (side(work, *sizes, repeat=1) for work in (by_product, by_numpy))
    np.testing.assert_allclose(mine.result, theirs.result, atol=1e-5)
    layers = networks * depth
    return Row(
        "cka",
        f"CKA of all {layers * (layers - 1) // 2:,} pairs of layers of {networks} networks {depth}x{nodes}, {samples:,} samples",
        "plain NumPy by features, float64",
        f"< {REACH_S:.0f} s",
        mine,
        theirs,
        mine.seconds < REACH_S,
        f"largest difference {np.abs(mine.result - theirs.result).max():.0e}",
    )
