"""The plane in which points vary most, and how it is turned so that two such planes can be compared."""

import math

import numpy as np
from numpy.typing import NDArray

from nodescope.numerics.moments import are_constant

Floats = NDArray[np.float64]


def principal_plane(values_JN: NDArray[np.floating]) -> tuple[Floats, float] | None:
    """The first two principal components of points.

    Parameters
    ----------
    values_JN
        Coordinates of N points in J dimensions.

    Returns
    -------
    float64 array [N, 2]
        Their places in the plane, around 0. The coordinate farthest out is positive on each axis. Zero where they vary in
        fewer directions.
    float
        Sum of the squared distances from the mean, in all dimensions.

    None where nothing varies.
    """
    centred_JN = centred_values(values_JN)
    total = float(np.vdot(centred_JN, centred_JN))
    if not total > 0:
        return None
    from scipy.linalg import eigh

    nodes, samples = centred_JN.shape
    few = nodes <= samples
    gram = centred_JN @ centred_JN.T if few else centred_JN.T @ centred_JN
    size = len(gram)
    squares, vectors = eigh(gram, subset_by_index=[max(0, size - 2), size - 1])
    squares, vectors = squares[::-1], vectors[:, ::-1]
    found = centred_JN.T @ vectors if few else vectors * np.sqrt(np.maximum(squares, 0))
    places = np.zeros((samples, 2))
    known = squares > 1e-12 * total  # less is rounding
    places[:, : len(squares)][:, known] = found[:, known]
    farthest = places[np.abs(places).argmax(axis=0), [0, 1]]
    return places * np.where(farthest < 0, -1.0, 1.0), total


def centred_values(values_JN: NDArray[np.floating]) -> Floats:
    """Points around their mean, without the dimensions in which they do not vary; scaled by no number."""
    if not values_JN.shape[1]:
        return np.empty((0, 0))
    varies_J = ~np.asarray(are_constant(values_JN.min(axis=1), values_JN.max(axis=1)), bool)
    exact_JN = values_JN[varies_J].astype(np.float64)
    return exact_JN - exact_JN.mean(axis=1, keepdims=True)


def turned_to(places_N2: Floats, reference_N2: Floats) -> Floats:
    """The points rotated or mirrored so that they lie nearest to others (orthogonal Procrustes; Schoenemann 1966)."""
    left, _, right = np.linalg.svd(places_N2.T @ reference_N2)
    turned: Floats = places_N2 @ (left @ right)
    return turned


def shares_of(places_N2: Floats, total: float) -> tuple[float, float]:
    """The share of each axis of a plane in the squared distances."""
    x, y = (np.square(places_N2).sum(axis=0) / total).tolist() if total > 0 else (math.nan, math.nan)
    return x, y
