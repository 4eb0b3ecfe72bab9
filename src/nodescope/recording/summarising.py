"""Summarise a layer with positions while a network computes it: B batch, J node, P position.

Sums are float64 whatever the number of positions and samples. The central moments of a stretch of values are taken
around its own mean and then put together (Chan, Golub & LeVeque 1983; Pébay 2008).
"""

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray

from nodescope.numerics.activation_functions import KINDS
from nodescope.numerics.moments import Moments
from nodescope.recording.parquet import Summary
from nodescope.recording.values import SHIFT, AllValues

#: Values at a time: they stay in a core's cache.
CHUNK = 4096

LOWER_BITS = np.uint32((1 << SHIFT) - 1)

#: Sums may be taken in any order, so that they are taken several at a time; what is not finite stays so.
ANY_ORDER = {"reassoc", "contract", "nsz"}


class LayerSummary:
    """The summary of one layer, filled batch by batch.

    Parameters
    ----------
    nodes, samples, positions : int
        J, N and P.
    theta_threshold : float
        A node is on where its pre-activation exceeds this.
    """

    def __init__(self, nodes: int, samples: int, positions: int, theta_threshold: float) -> None:
        shape = nodes, samples
        self._threshold = np.float32(theta_threshold)
        self._mean, self._largest, self._activation = (np.empty(shape, np.float32) for _ in range(3))
        self._on = np.empty(shape, np.min_scalar_type(positions))
        self._values = {kind: _Collector() for kind in KINDS}

    def add(self, z: torch.Tensor, a: torch.Tensor, samples: slice) -> None:
        """Take in pre-activations and activations [B, J, ...] of some samples."""
        z_BJP, a_BJP = (values.flatten(2).contiguous().numpy() for values in (z, a))
        # NumPy's own maximum is as fast as the compiled loops, and keeps what is not a number.
        self._largest[:, samples] = z_BJP.max(axis=2).T
        kept = (array[:, samples] for array in (self._mean, self._activation, self._on))
        _summarise(z_BJP, a_BJP, self._threshold, *kept)
        self._values["pre"].add(z_BJP.reshape(-1))
        self._values["post"].add(a_BJP.reshape(-1))

    def finished(self) -> Summary:
        """What was found."""
        values = {kind: collector.finished() for kind, collector in self._values.items()}
        return Summary(self._mean, self._largest, self._activation, self._on, values)


class _Collector:
    """Takes in values of one kind, and gives their `AllValues`."""

    def __init__(self) -> None:
        self._sums = np.zeros(5)
        self._ends = np.array([np.iinfo(np.int32).max, np.iinfo(np.int32).min, 0], np.int64)
        # By the upper bits; one more, for what is not a number. What is never counted takes no memory.
        self._counts = np.zeros((1 << 32 - SHIFT) + 1, np.int64)

    def add(self, values: NDArray[np.float32]) -> None:
        _collect(values, values.view(np.uint32), self._sums, self._ends, self._counts)

    def finished(self) -> AllValues:
        count, mean, second, third, fourth = self._sums.tolist()
        if not count or not np.isfinite(mean):
            return AllValues(int(count), None, np.empty(0, np.int32), np.empty(0, np.int64))
        low, high = (_value(number) for number in self._ends[:2].tolist())
        moments = Moments(
            count=int(count),
            mean=mean,
            second=second / count,
            third=third / count,
            fourth=fourth / count,
            minimum=low,
            maximum=high,
            zeros=int(self._ends[2]),
        )
        return AllValues(int(count), moments, *self._buckets())

    def _buckets(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The numbers of the buckets that are not empty, and what they hold."""
        half = 1 << 31 - SHIFT
        positive, negative = self._counts[:half].copy(), self._counts[half : 2 * half]
        positive[0] += negative[0]  # minus zero
        present, below = np.flatnonzero(positive), 1 + np.flatnonzero(negative[1:])[::-1]
        return np.concatenate([-below, present]).astype(np.int32), np.concatenate([negative[below], positive[present]])


def _value(number: int) -> float:
    """The float32 that has this place among all, zero being 0."""
    return float(np.copysign(np.int32(abs(number)).view(np.float32), number))


@njit(cache=True, fastmath=ANY_ORDER)
def _summarise(z_BJP, a_BJP, threshold, mean_JB, activation_JB, on_JB):  # type: ignore[no-untyped-def]
    batch, nodes, positions = z_BJP.shape
    for b in range(batch):
        for j in range(nodes):
            z, a = z_BJP[b, j], a_BJP[b, j]
            sum_z, sum_a, on = 0.0, 0.0, 0
            for p in range(positions):
                sum_z += np.float64(z[p])
            for p in range(positions):
                sum_a += np.float64(a[p])
            for p in range(positions):
                on += z[p] > threshold
            mean_JB[j, b] = sum_z / positions
            activation_JB[j, b] = sum_a / positions
            on_JB[j, b] = on


@njit(cache=True, fastmath=ANY_ORDER)
def _collect(values, bits, sums, ends, counts):  # type: ignore[no-untyped-def]
    """Add values to number, mean and sums of powers; to smallest and largest, as places, and zeros; to the buckets."""
    place = np.empty(CHUNK, np.int32)
    for begin in range(0, len(values), CHUNK):
        chunk, chunk_bits = values[begin : begin + CHUNK], bits[begin : begin + CHUNK]
        n = len(chunk)
        total = 0.0
        for i in range(n):
            total += np.float64(chunk[i])
        mean = total / n
        second, third, fourth = 0.0, 0.0, 0.0
        for i in range(n):
            d = np.float64(chunk[i]) - mean
            square = d * d
            second += square
            third += square * d
            fourth += square * square
        _put_together(sums, n, mean, second, third, fourth)
        for i in range(n):
            sign = np.int32(chunk_bits[i]) >> np.int32(31)
            place[i] = ((np.int32(chunk_bits[i]) & np.int32(0x7FFFFFFF)) ^ sign) - sign
        low, high, zeros = np.int32(ends[0]), np.int32(ends[1]), 0
        for i in range(n):
            low = min(low, place[i])
            high = max(high, place[i])
        for i in range(n):
            zeros += place[i] == 0
        ends[0], ends[1] = low, high
        ends[2] += zeros
        for i in range(n):  # of a negative value away from zero, so that a bucket holds its lower end
            counts[(chunk_bits[i] + (chunk_bits[i] >> np.uint32(31)) * LOWER_BITS) >> np.uint32(SHIFT)] += 1


@njit(cache=True)
def _put_together(sums, n, mean, second, third, fourth):  # type: ignore[no-untyped-def]
    """Add n values with their mean and sums of powers of the distance to it."""
    before = sums[0]
    total = before + n
    d = mean - sums[1]
    share, product = d / total, before * n
    sums[4] += (
        fourth
        + d * share**3 * product * (before**2 - product + n**2)
        + 6 * share**2 * (before**2 * second + n**2 * sums[2])
        + 4 * share * (before * third - n * sums[3])
    )
    sums[3] += third + d * share**2 * product * (before - n) + 3 * share * (before * second - n * sums[2])
    sums[2] += second + d * share * product
    sums[1] += share * n
    sums[0] = total


def compile_ahead() -> None:
    """Compile what summarising needs; numba keeps the result beside the sources for all later processes."""
    for positions in (4, 1000):  # counts in one byte and in two
        z = torch.zeros(1, 2, positions)
        LayerSummary(2, 1, positions, 0.0).add(z, z, slice(0, 1))
