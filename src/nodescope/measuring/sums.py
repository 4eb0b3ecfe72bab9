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

#: Values that are summed at a time, in a core's cache: some nodes together where there are few samples.
VALUES_AT_A_TIME = 1 << 15

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
    def nbytes(self) -> int:
        """Memory that the arrays take."""
        return 8 * (self.class_means.size + 16 * len(self.class_means))

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
    if samples_JN is not None:
        for block in _blocks(*samples_JN.shape):
            means_JC[block, present] = _sums_from(samples_JN[block], begins)
            _, of_samples[:, block] = _spreads(samples_JN[block])
    own_function = activations.metadata.has_parameters_per_node
    every_JN = np.empty((0, 0), np.float32) if each_JN is None else each_JN
    for block in _blocks(*every_JN.shape, one_by_one=own_function):
        z_JN = every_JN[block]
        a_JN = activations.metadata.activate(z_JN, block.start)
        if not with_positions:
            means_JC[block, present] = _sums_from(a_JN, begins)
        centred_JN, of_values[:, block] = _spreads(a_JN)
        mean_J, n = of_values[0, block], z_JN.shape[1]
        on_JN = z_JN > theta_threshold
        n_on_J = np.count_nonzero(on_JN, axis=1)
        on_sum_J = np.array([np.dot(*rows) for rows in zip(centred_JN, on_JN.astype(np.float64), strict=True)])
        on_share_J[block] = n_on_J / n
        with np.errstate(invalid="ignore", divide="ignore"):
            on_mean_J[block] = np.where(n_on_J > 0, mean_J + on_sum_J / n_on_J, np.nan)
            # Values around their mean sum to zero.
            off_mean_J[block] = np.where(n_on_J < n, mean_J - on_sum_J / (n - n_on_J), np.nan)
    samples = Spread(*(of_samples if with_positions else of_values))
    means_JC[:, present] /= counts_C[present]
    if each_JN is None:
        on_J = activations.on_counts(theta_threshold).sum(axis=1, dtype=np.int64)
        on_share_J = on_J / activations.position_counts().sum(dtype=np.int64)
        return LayerSums(True, counts_C, means_JC, samples, on_share_J, None, None, None)
    values = Spread(*of_values)
    return LayerSums(True, counts_C, means_JC, samples, on_share_J, values, on_mean_J, off_mean_J)


def _blocks(nodes: int, values: int, *, one_by_one: bool = False) -> Iterator[slice]:
    """Some nodes after another, which have so many values each."""
    step = 1 if one_by_one else max(1, VALUES_AT_A_TIME // max(1, values))
    return (slice(begin, min(begin + step, nodes)) for begin in range(0, nodes, step))


def _sums_from(a_JN: NDArray[np.float32], begins: NDArray[np.int64]) -> Floats:
    """Sums [J, C] of the values between the places where classes begin."""
    sums_JC: Floats = np.add.reduceat(a_JN, begins, axis=1, dtype=np.float64)
    return sums_JC


def _spreads(a_JN: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """The values of some nodes around their means [J, N], and what `Spread` holds of them [6, J]."""
    low_J, high_J = a_JN.min(axis=1), a_JN.max(axis=1)
    exact_JN = a_JN.astype(np.float64)
    mean_J = exact_JN.mean(axis=1)
    centred_JN = exact_JN - mean_J[:, None]
    size_J = np.abs(exact_JN, out=exact_JN).mean(axis=1)
    deviation_J = np.abs(centred_JN, out=exact_JN).mean(axis=1)
    squares_J = np.array([np.dot(row, row) for row in centred_JN])
    return centred_JN, np.stack([mean_J, squares_J / a_JN.shape[1], low_J, high_J, size_J, deviation_J])


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
