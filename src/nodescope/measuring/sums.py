"""Sums over the samples of a layer that several analyses need, from one pass over its values (methods, section 7).

They are kept with the layer, so that a job that makes several analyses computes them once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nodescope.numerics.moments import are_constant
from nodescope.recording import LayerActivations

SAMPLES_AT_A_TIME = 4096

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Values of each node; arrays [J] of float64, NaN where there are no values.

    Attributes
    ----------
    mean, variance : array
        With n, not n - 1.
    minimum, maximum : array
    size, deviation : array
        Means of ``|a|`` and of ``|a - mean|``.
    """

    mean: Floats
    variance: Floats
    minimum: Floats
    maximum: Floats
    size: Floats
    deviation: Floats

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Nodes [J] whose values are the same but for rounding."""
        same: NDArray[np.bool_] = are_constant(self.minimum, self.maximum)
        return same


@dataclass(frozen=True)
class LayerSums:
    """What is known of the activations of a layer on a split: J nodes, C classes.

    Attributes
    ----------
    known : bool
        Whether there are samples and all values are finite; otherwise the arrays hold NaN.
    class_counts : int64 array [C]
    class_means : float64 array [J, C]
        Of a sample's activation, over positions their mean; NaN where the class is absent.
    samples : Spread
        Of the same.
    on_share : float64 array [J]
        Share of the samples, and positions, for which a node is on.
    values : Spread or None
        Of the activations at every position; None where only a summary over the positions is recorded.
    on_mean, off_mean : float64 array [J] or None
        Means of these where the node is on, and where it is off; NaN where it never is.
    """

    known: bool
    class_counts: NDArray[np.int64]
    class_means: Floats
    samples: Spread
    on_share: Floats
    values: Spread | None
    on_mean: Floats | None
    off_mean: Floats | None

    @property
    def present(self) -> NDArray[np.int64]:
        """The classes that have samples."""
        return np.flatnonzero(self.class_counts)

    @cached_property
    def constant(self) -> NDArray[np.bool_]:
        """Nodes [J] whose activations are the same for all samples but for rounding; False where they are not known."""
        return (self.values or self.samples).constant


def sums_of(activations: LayerActivations, theta_threshold: float) -> LayerSums:
    """The sums of a recorded layer; a node is on above the threshold."""
    nodes, counts_C = activations.n_nodes, activations.class_counts()
    present = np.flatnonzero(counts_C)
    known = bool(len(present)) and bool(activations.finite_nodes().all())
    means_JC = np.full((nodes, len(counts_C)), np.nan)
    if not known:
        nothing = Spread(*(np.full(nodes, np.nan) for _ in range(6)))
        return LayerSums(False, counts_C, means_JC, nothing, nothing.mean, nothing, nothing.mean, nothing.mean)
    begins = np.array([activations.class_slices()[c].start for c in present])
    of_samples, of_values = np.empty((6, nodes)), np.empty((6, nodes))
    on_share_J, on_mean_J, off_mean_J = (np.full(nodes, np.nan) for _ in range(3))
    each_JN = activations.each()
    with_positions = activations.positions > 1
    samples_JN = activations.a() if with_positions else None
    for node in range(nodes):  # row by row, in a core's cache
        if samples_JN is not None:
            means_JC[node, present] = np.add.reduceat(samples_JN[node], begins, dtype=np.float64)
            _, of_samples[:, node] = _spread(samples_JN[node])
        if each_JN is None:
            continue
        z = each_JN[node]
        a = activations.metadata.activate(z, node)
        if not with_positions:
            means_JC[node, present] = np.add.reduceat(a, begins, dtype=np.float64)
        centred, of_values[:, node] = _spread(a)
        mean = of_values[0, node]
        on = z > theta_threshold
        n_on = np.count_nonzero(on)
        on_sum = float(np.dot(centred, on))
        on_share_J[node] = n_on / len(z)
        if n_on:
            on_mean_J[node] = mean + on_sum / n_on
        if n_on < len(z):  # values around their mean sum to zero
            off_mean_J[node] = mean - on_sum / (len(z) - n_on)
    samples = Spread(*(of_samples if with_positions else of_values))
    means_JC[:, present] /= counts_C[present]
    if each_JN is None:
        on_J = activations.on_counts(theta_threshold).sum(axis=1, dtype=np.int64)
        on_share_J = on_J / activations.position_counts().sum(dtype=np.int64)
        return LayerSums(True, counts_C, means_JC, samples, on_share_J, None, None, None)
    values = Spread(*of_values)
    return LayerSums(True, counts_C, means_JC, samples, on_share_J, values, on_mean_J, off_mean_J)


def _spread(a: NDArray[np.float32]) -> tuple[Floats, tuple[float, ...]]:
    """The values of a node around their mean, and what `Spread` holds of them."""
    low, high = float(a.min()), float(a.max())
    exact = a.astype(np.float64)
    mean = float(exact.mean())
    centred = exact - mean
    size = float(np.abs(exact, out=exact).mean())
    deviation = float(np.abs(centred, out=exact).mean())
    return centred, (mean, float(np.dot(centred, centred)) / len(a), low, high, size, deviation)


def normalised(activations: LayerActivations, found: LayerSums) -> Iterator[Floats]:
    """Activations [J, n] of n samples after another, scaled so that each node has mean 0 and squares that sum to 1.

    Of a layer with positions a sample's mean over them. Constant nodes are NaN, and all where nothing is known.
    """
    with np.errstate(divide="ignore"):
        scale_J = 1 / np.sqrt(found.samples.variance * activations.n_samples)
    scale_J[found.samples.constant] = np.nan
    for block_JN in centred(activations, found.samples.mean):
        block_JN *= scale_J[:, None]
        yield block_JN


def centred(activations: LayerActivations, centre_J: Floats) -> Iterator[Floats]:
    """Activations [J, n] of n samples after another, less a value of each node; of a layer with positions their mean."""
    a_JN = activations.a()
    for begin in range(0, a_JN.shape[1], SAMPLES_AT_A_TIME):
        block_JN = a_JN[:, begin : begin + SAMPLES_AT_A_TIME].astype(np.float64)
        block_JN -= centre_J[:, None]
        yield block_JN


def correlations_of(activations: LayerActivations, found: LayerSums) -> Floats:
    """Pearson correlation of the activations of all pairs of nodes [J, J]; NaN as of `normalised`."""
    nodes = activations.n_nodes
    if not found.known:
        return np.full((nodes, nodes), np.nan)
    found_JJ = np.zeros((nodes, nodes))
    for block_JN in normalised(activations, found):
        found_JJ += block_JN @ block_JN.T
    return np.clip(found_JJ, -1, 1, out=found_JJ)


def covariances_of(found: LayerSums, correlations_JJ: Floats) -> Floats:
    """Covariance (with n) of the activations of all pairs of nodes [J, J], from their correlations; 0 of constant nodes.

    NaN where nothing is known.
    """
    deviation_J = np.where(found.samples.constant, 0, np.sqrt(found.samples.variance))
    varies_JJ = np.nan_to_num(correlations_JJ) if found.known else correlations_JJ
    return varies_JJ * deviation_J[:, None] * deviation_J


def squared_lengths_of(activations: LayerActivations, found: LayerSums) -> Floats:
    """Squared length [N] of the activations of each sample around their means; without constant nodes."""
    lengths = [np.empty(0)]
    for block_JN in centred(activations, found.samples.mean):
        block_JN[found.samples.constant] = 0
        lengths.append(np.einsum("jn,jn->n", block_JN, block_JN))
    return np.concatenate(lengths)


def projections_of(activations: LayerActivations, directions_JK: Floats, centre_J: Floats) -> Floats:
    """Inner products [K, N] of K directions with the activations of each sample, less ``centre_J``."""
    found_KN = np.empty((directions_JK.shape[1], activations.n_samples))
    begin = 0
    for block_JN in centred(activations, centre_J):
        end = begin + block_JN.shape[1]
        found_KN[:, begin:end] = directions_JK.T @ block_JN
        begin = end
    return found_KN
