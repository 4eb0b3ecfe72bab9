"""Linear CKA of two layers on the same samples, without the bias of few samples.

``X``, ``Y`` are activations [nodes, samples], each node centred, ``x_i = |X[:, i]|^2``. Centred kernel alignment (Kornblith,
Norouzi, Lee & Hinton, 2019) is ``D(X, Y) / sqrt(D(X, X) D(Y, Y))``; D estimates the Hilbert-Schmidt independence criterion
without bias (Song et al. 2007), here in the form that needs no matrices [samples, samples]::

    D(X, Y) = |X Y'|^2 - N / (N - 2) sum_i x_i y_i + sum x sum y / ((N - 1) (N - 2))

With fewer samples than nodes ``|X Y'|^2`` is the sum over ``(X'X) (Y'Y)``, element by element.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodescope.numerics.moments import are_constant

#: Below, the estimate needs N - 3 > 0 samples.
FEWEST = 4

#: A share of ``|X X'|^2`` up to which D(X, X) is rounding: the layer tells no two samples apart but one from all others.
ROUNDING = 1e-5

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Centred:
    """The activations of a layer, centred and scaled as a whole, in the smaller of two forms.

    Attributes
    ----------
    features : float32 array [nodes, samples] or None
        Without constant nodes.
    gram : float32 array [samples, samples] or None
        Instead of the features where there are fewer samples than nodes.
    lengths : float64 array [samples]
        Squared length of each sample.
    own : float
        D of the layer with itself; NaN where it tells nothing.
    """

    features: Matrix | None
    gram: Matrix | None
    lengths: NDArray[np.float64]
    own: float = math.nan

    @property
    def nbytes(self) -> int:
        """Memory of the matrix."""
        matrix = self.gram if self.features is None else self.features
        return 0 if matrix is None else matrix.nbytes

    @property
    def largest_share(self) -> float:
        """The largest sample's share of the squared lengths; NaN of a constant layer."""
        total = self.lengths.sum()
        return float(self.lengths.max() / total) if total > 0 else math.nan

    def reordered(self, order_N: NDArray[np.integer]) -> "Centred":
        """The same with the samples in another order."""
        features = None if self.features is None else np.ascontiguousarray(self.features[:, order_N])
        gram = None if self.gram is None else self.gram[np.ix_(order_N, order_N)]
        return Centred(features, gram, self.lengths[order_N], self.own)


def centred(values_JN: NDArray[np.floating]) -> Centred:
    """What CKA needs of a layer's activations, which are finite. Its scale and offset do not count, nor constant nodes."""
    samples = values_JN.shape[1]
    nothing = Centred(None, None, np.zeros(samples))
    if samples < FEWEST:
        return nothing
    varies_J = ~np.asarray(are_constant(values_JN.min(axis=1), values_JN.max(axis=1)), bool)
    exact_JN = values_JN[varies_J].astype(np.float64)
    exact_JN -= exact_JN.mean(axis=1, keepdims=True)
    size = np.abs(exact_JN).max(initial=0)
    if not size > 0:
        return nothing
    exact_JN /= size  # so that no square is beyond float32
    exact_JN *= math.sqrt(exact_JN.size / np.vdot(exact_JN, exact_JN))
    lengths_N = np.einsum("jn,jn->n", exact_JN, exact_JN)
    features = exact_JN.astype(np.float32)
    found = Centred(features, None, lengths_N)
    if samples < len(features):
        found = Centred(None, features.T @ features, lengths_N)
    overlap = _overlap(found, found)
    own = _unbiased(overlap, found, found)
    return Centred(found.features, found.gram, lengths_N, own if own > ROUNDING * overlap else math.nan)


def cka(one: Centred, other: Centred) -> float:
    """Debiased linear CKA of two layers on the same samples; in [-1, 1], around 0 if unrelated, NaN where either tells nothing."""
    if not (one.own > 0 and other.own > 0):
        return math.nan
    found = _unbiased(_overlap(one, other), one, other) / math.sqrt(one.own * other.own)
    return float(np.clip(found, -1, 1))


def _overlap(one: Centred, other: Centred) -> float:
    """``|X Y'|^2``."""
    if one.features is not None and other.features is not None:
        products = one.features @ other.features.T
        return _sum_of_products(products, products)
    if one.gram is not None and other.gram is not None:
        return _sum_of_products(one.gram, other.gram)
    if one.features is None:
        one, other = other, one
    assert one.features is not None and other.gram is not None
    return _sum_of_products(one.features @ other.gram, one.features)


def _sum_of_products(one: Matrix, other: Matrix) -> float:
    """Of the elements of two matrices; added up in float64 row by row."""
    return float(np.einsum("ij,ij->i", one, other).sum(dtype=np.float64))


def _unbiased(overlap: float, one: Centred, other: Centred) -> float:
    n, x, y = len(one.lengths), one.lengths, other.lengths
    return overlap - n / (n - 2) * float(x @ y) + float(x.sum()) * float(y.sum()) / ((n - 1) * (n - 2))
