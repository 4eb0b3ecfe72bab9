"""Summarise a layer with positions while a network computes it: B batch, J node, P position.

Sums are float64 whatever the number of positions and samples. The central moments of a stretch of values are taken
around its own mean and then put together (Chan, Golub & LeVeque 1983; Pébay 2008).

A layer's values are read once, node by node, while they are in a core's cache; where its function only clips, as ReLU does,
``T(z)`` is not read at all. All values as one list are taken in of every sample, up to `EXACT_VALUES`, and of a
seeded sample of the samples in a larger layer, which takes no longer whatever the number of samples.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray

from nodescope.numerics.activation_functions import Kind
from nodescope.numerics.moments import Moments
from nodescope.recording.values import SHIFT, AllValues

#: Values at a time: they stay in a core's cache.
CHUNK = 4096

LOWER_BITS = np.uint32((1 << SHIFT) - 1)

#: Sums may be taken in any order, so that they are taken several at a time; what is not finite stays so.
ANY_ORDER = {"reassoc", "contract", "nsz"}

#: Values of a layer up to which all are taken in, and how many of a larger one, at least.
EXACT_VALUES = 1 << 24
SAMPLED_VALUES = 1 << 20
SAMPLED_SAMPLES = 32


@dataclass(frozen=True)
class Summarised:
    """What is kept of the samples of a batch: arrays [J, B].

    Attributes
    ----------
    mean, largest, activation : float32 arrays
    on : uint32 array
    """

    mean: NDArray[np.float32]
    largest: NDArray[np.float32]
    activation: NDArray[np.float32]
    on: NDArray[np.uint32]


def summarise(
    z: torch.Tensor,
    a: torch.Tensor | None,
    threshold: float,
    clip: tuple[float, float] = (0.0, 0.0),
    valid: NDArray[np.bool_] | None = None,
) -> Summarised:
    """Mean, maximum, mean activation and number of positions that are on, of each sample and node.

    Parameters
    ----------
    z : tensor [B, J, P...]
        Of any dtype and strides, on any device.
    a : tensor or None
        ``T(z)``, as ``z``; None where it is ``z`` clipped to ``clip``.
    threshold
        A node is on at a position where ``z`` exceeds it.
    valid : array [B, P] or None
        The positions that count, at least one of each sample; all without it.
    """
    if not z.is_cpu:
        return _summarised_on_device(z, a, threshold, clip, valid)
    z_BJP = _flat(z)
    a_BJP = z_BJP if a is None else z_BJP if a is z else _flat(a)
    batch, nodes, positions = z_BJP.shape
    mean, largest, activation = np.empty((3, nodes, batch), np.float32)
    found = Summarised(mean, largest, activation, np.empty((nodes, batch), np.uint32))
    clips = a is None
    limits = np.float32(threshold), np.float32(clip[0]), np.float32(clip[1])
    if valid is None and not _has_nodes_together(z_BJP):
        before, after = (each.contiguous().numpy() for each in (z_BJP, a_BJP))
        _summarise(before, after, *limits, clips, found.mean, found.largest, found.activation, found.on)
        return found
    z_BPJ, a_BPJ = (values.transpose(1, 2).contiguous().numpy() for values in (z_BJP, a_BJP))
    counted = np.ones((batch, positions), np.bool_) if valid is None else valid
    _summarise_tokens(z_BPJ, a_BPJ, counted, *limits, clips, found.mean, found.largest, found.activation, found.on)
    return found


def _flat(values: torch.Tensor) -> torch.Tensor:
    """[B, J, P] in float32; a view where that is one."""
    return values.flatten(2).float()


def _has_nodes_together(values_BJP: torch.Tensor) -> bool:
    return values_BJP.stride(1) == 1 and values_BJP.stride(2) != 1


def _summarised_on_device(
    z: torch.Tensor,
    a: torch.Tensor | None,
    threshold: float,
    clip: tuple[float, float],
    valid: NDArray[np.bool_] | None,
) -> Summarised:
    """As `summarise`, where the tensors are; what is found is moved to memory at once."""
    z_BJP = _flat(z)
    a_BJP = z_BJP.clamp(*clip) if a is None else _flat(a)
    on = z_BJP > threshold
    if valid is None:
        counts: torch.Tensor | int = z_BJP.shape[2]
    else:
        off = ~torch.from_numpy(valid).to(z.device)[:, None]
        counts = (~off).sum(2)
        on &= ~off
        a_BJP = a_BJP.masked_fill(off, 0)
    zeros = z_BJP if valid is None else z_BJP.masked_fill(off, 0)
    largest = z_BJP if valid is None else z_BJP.masked_fill(off, -math.inf)
    found = torch.stack(
        [
            (zeros.sum(2, dtype=torch.float64) / counts).float(),
            largest.amax(2),
            (a_BJP.sum(2, dtype=torch.float64) / counts).float(),
        ]
    )
    mean, largest_BJ, activation = found.transpose(1, 2).cpu().numpy()
    return Summarised(mean, largest_BJ, activation, on.sum(2).T.cpu().numpy().astype(np.uint32))


class ValuesCollector:
    """All values of a layer as one list, batch by batch: of every sample, or of a seeded sample of them.

    Each sample has a level, drawn by its place: half of all have 0, a quarter 1, and so on. A layer that becomes too large
    gives up what was taken of the lowest level.

    Parameters
    ----------
    kinds
        ``pre`` and ``post``, or ``post`` alone.
    n_samples : int or None
        N, if it is known; then nothing is taken in vain.
    """

    def __init__(self, kinds: tuple[Kind, ...], n_samples: int | None) -> None:
        self._kinds = kinds
        self._n_samples = n_samples
        self._seen_samples = 0
        self._seen_values = 0
        self._level: int | None = None
        self._levels: dict[int, dict[Kind, _Collector]] = {}

    def chosen(self, n_samples: int, values_of_one: int) -> list[tuple[int, NDArray[np.intp] | slice]]:
        """Which of the next samples are taken, by the level that they are added to."""
        if self._level is None:
            known = None if self._n_samples is None else lowest_level(self._n_samples, values_of_one)
            self._level = known or 0
        places = range(self._seen_samples, self._seen_samples + n_samples)
        self._seen_samples += n_samples
        self._seen_values += n_samples * values_of_one
        if self._n_samples is not None:
            # Together, and in one piece where it can be.
            taken = np.flatnonzero(levels(places.start, places.stop) >= self._level) if self._level else slice(None)
            return [(self._level, taken)] if self._level == 0 or len(taken) else []  # type: ignore[arg-type]
        needed = lowest_level(self._seen_samples, self._seen_values // self._seen_samples)
        for level in [level for level in self._levels if level < needed]:
            del self._levels[level]
        self._level = max(self._level, needed)
        of_places = levels(places.start, places.stop)
        return [
            (int(level), np.flatnonzero(of_places == level)) for level in np.unique(of_places[of_places >= self._level])
        ]

    def add(self, level: int, kind: Kind, values: NDArray[np.float32]) -> None:
        """Take in values of some samples."""
        if level not in self._levels:
            self._levels[level] = {kind: _Collector() for kind in self._kinds}
        self._levels[level][kind].add(np.ascontiguousarray(values).reshape(-1))

    def finished(self) -> dict[Kind, AllValues]:
        """What was found."""
        found = {}
        for kind in self._kinds:
            whole = _Collector()
            for number, level in enumerate(sorted(self._levels)):
                own = self._levels[level][kind]
                whole = own if number == 0 else whole.joined(own)
            found[kind] = whole.finished()
        return found


@lru_cache(maxsize=4)  # all layers ask for the same
def levels(begin: int, end: int) -> NDArray[np.int64]:
    """The level of samples by their place: the number of leading ones of a random number."""
    mixed = mix(np.arange(begin, end, dtype=np.uint64))
    found = np.zeros(end - begin, np.int64)
    for bit in range(64):
        goes_on = (found == bit) & (mixed >> np.uint64(63 - bit) & np.uint64(1)).astype(np.bool_)
        if not goes_on.any():
            break
        found[goes_on] += 1
    return found


def mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A random number for each number (SplitMix64; Steele, Lea & Flood 2014)."""
    with np.errstate(over="ignore"):
        z = numbers * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def lowest_level(n_samples: int, values_of_one: int) -> int:
    """The lowest level of the samples that are taken of a layer."""
    if n_samples * values_of_one <= EXACT_VALUES:
        return 0
    kept = max(SAMPLED_SAMPLES, SAMPLED_VALUES / values_of_one)
    return max(0, math.floor(math.log2(n_samples / kept)))


class _Collector:
    """Takes in values of one kind, and gives their `AllValues`."""

    def __init__(self) -> None:
        self._sums = np.zeros(5)
        self._ends = np.array([np.iinfo(np.int32).max, np.iinfo(np.int32).min, 0], np.int64)
        # By the upper bits; one more, for what is not a number. What is never counted takes no memory.
        self._counts = np.zeros((1 << 32 - SHIFT) + 1, np.int64)

    def add(self, values: NDArray[np.float32]) -> None:
        _collect(values, values.view(np.uint32), self._sums, self._ends, self._counts)

    def joined(self, other: "_Collector") -> "_Collector":
        """Both together; this one is changed."""
        if other._sums[0]:
            _put_together(self._sums, *other._sums)
            self._ends[0] = min(self._ends[0], other._ends[0])
            self._ends[1] = max(self._ends[1], other._ends[1])
            self._ends[2] += other._ends[2]
            self._counts += other._counts
        return self

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


@njit(cache=True, fastmath={"reassoc", "contract", "nsz", "nnan"})
def _largest(values):  # type: ignore[no-untyped-def]
    """Of values that are all numbers."""
    largest = values[0]
    for i in range(1, len(values)):
        largest = max(largest, values[i])
    return largest


@njit(cache=True, fastmath={"reassoc", "contract", "nsz", "nnan"})
def _sum_of_clipped(values, low, high):  # type: ignore[no-untyped-def]
    """Of values that are all numbers."""
    total = 0.0
    for i in range(len(values)):
        total += np.float64(min(max(values[i], low), high))
    return total


@njit(cache=True, fastmath=ANY_ORDER)
def _sum(values):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(len(values)):
        total += np.float64(values[i])
    return total


@njit(cache=True, fastmath=ANY_ORDER)
def _count_above(values, threshold):  # type: ignore[no-untyped-def]
    count = 0
    for i in range(len(values)):
        count += values[i] > threshold
    return count


@njit(cache=True)
def _summarise(z_BJP, a_BJP, threshold, low, high, clips, mean_JB, largest_JB, activation_JB, on_JB):  # type: ignore[no-untyped-def]
    """Of each sample and node; what is not a number stays so."""
    batch, nodes, positions = z_BJP.shape
    for b in range(batch):
        for j in range(nodes):
            z = z_BJP[b, j]
            sum_z = _sum(z)
            is_number = not np.isnan(sum_z)  # of infinities of both signs neither, but they are looked for below
            largest = _largest(z)
            if is_number and clips:
                sum_a = _sum_of_clipped(z, low, high)
            elif clips:
                sum_a = 0.0
                for p in range(positions):
                    sum_a += np.nan if np.isnan(z[p]) else np.float64(min(max(z[p], low), high))
            else:
                sum_a = _sum(a_BJP[b, j])
            if not is_number:
                largest = z[0]
                for p in range(positions):
                    if np.isnan(z[p]) or z[p] > largest:
                        largest = z[p]
                    if np.isnan(largest):
                        break
            mean_JB[j, b] = sum_z / positions
            largest_JB[j, b] = largest
            activation_JB[j, b] = sum_a / positions
            on_JB[j, b] = _count_above(z, threshold)


@njit(cache=True)
def _summarise_tokens(z_BPJ, a_BPJ, valid_BP, threshold, low, high, clips, mean_JB, largest_JB, activation_JB, on_JB):  # type: ignore[no-untyped-def]
    """As `_summarise`, where the nodes of a position lie together, and of some positions only."""
    batch, positions, nodes = z_BPJ.shape
    sum_z, sum_a = np.empty(nodes), np.empty(nodes)
    largest, on = np.empty(nodes, np.float32), np.empty(nodes, np.uint32)
    for b in range(batch):
        sum_z[:], sum_a[:], largest[:], on[:] = 0.0, 0.0, -np.inf, 0
        count = 0
        for p in range(positions):
            if valid_BP[b, p]:
                count += 1
                z, a = z_BPJ[b, p], a_BPJ[b, p]
                for j in range(nodes):
                    sum_z[j] += np.float64(z[j])
                for j in range(nodes):
                    on[j] += np.uint32(z[j] > threshold)
                for j in range(nodes):  # keeps what is not a number
                    largest[j] = largest[j] if largest[j] >= z[j] or largest[j] != largest[j] else z[j]
                if clips:
                    for j in range(nodes):
                        # Written so that what is not a number stays so.
                        above = low if z[j] < low else z[j]
                        sum_a[j] += np.float64(high if above > high else above)
                else:
                    for j in range(nodes):
                        sum_a[j] += np.float64(a[j])
        for j in range(nodes):
            mean_JB[j, b] = sum_z[j] / count
            activation_JB[j, b] = sum_a[j] / count
            largest_JB[j, b] = largest[j]
            on_JB[j, b] = on[j]


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
    z = torch.zeros(1, 2, 4)
    for valid in (None, np.ones((1, 4), np.bool_)):
        summarise(z, z, 0.0, valid=valid)
    collector = ValuesCollector(("post",), 1)
    for level, _ in collector.chosen(1, 8):
        collector.add(level, "post", z.numpy())
    collector.finished()
