"""Summarise a layer with positions while a network computes it: B batch, J node, P position.

Sums are float64 whatever the number of positions and samples. The central moments of a stretch of values are taken
around its own mean and then put together (Chan, Golub & LeVeque 1983; Pébay 2008).

A layer's values are read once, in one loop, while they are in a core's cache; where its function only clips, as ReLU does,
``T(z)`` is not read at all, and how its values are distributed follows from those of ``z``. All values as one list are taken
in of every sample, up to `EXACT_VALUES`, and of a seeded sample of the samples in a larger layer, which takes no longer
whatever the number of samples.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray

from nodescope.numerics.activation_functions import Kind
from nodescope.numerics.moments import Moments
from nodescope.recording.values import SHIFT, AllValues, bucket_of

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
    """What is kept of the samples of a batch: arrays [B, J].

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
    mean, largest, activation = np.empty((3, batch, nodes), np.float32)
    found = Summarised(mean, largest, activation, np.empty((batch, nodes), np.uint32))
    into = found.mean, found.largest, found.activation, found.on
    limits = np.float32(threshold), np.float32(clip[0]), np.float32(clip[1])
    if valid is None and not _has_nodes_together(z_BJP):
        before = z_BJP.contiguous().numpy()
        if a is None:
            _summarise_clipped(before, before.view(np.int32), *limits, *into)
        else:
            _summarise(before, before.view(np.int32), a_BJP.contiguous().numpy(), limits[0], *into)
        return found
    z_BPJ, a_BPJ = (values.transpose(1, 2).contiguous().numpy() for values in (z_BJP, a_BJP))
    counted = np.ones((batch, positions), np.bool_) if valid is None else valid
    _summarise_tokens(z_BPJ, a_BPJ, counted, *limits, a is None, *into)
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
    at_most = z_BJP if valid is None else z_BJP.masked_fill(off, -math.inf)
    found = torch.stack(
        [
            (zeros.sum(2, dtype=torch.float64) / counts).float(),
            at_most.amax(2),
            (a_BJP.sum(2, dtype=torch.float64) / counts).float(),
        ]
    )
    mean, largest, activation = found.cpu().numpy()
    return Summarised(mean, largest, activation, on.sum(2).cpu().numpy().astype(np.uint32))


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
    clip : (low, high) or None
        The limits between which the values of kind ``pre`` are clipped to those of kind ``post``; None where they are not.
    """

    def __init__(self, kinds: tuple[Kind, ...], n_samples: int | None, clip: tuple[float, float] | None = None) -> None:
        self._kinds = kinds
        self._n_samples = n_samples
        self._clip = None if clip is None else (np.float32(clip[0]), np.float32(clip[1]))
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

    def add(self, level: int, *values: NDArray[np.float32]) -> None:
        """Take in values of some samples: those of each kind, or, where they are clipped, of ``pre`` alone."""
        if level not in self._levels:
            self._levels[level] = {kind: _Collector() for kind in self._kinds}
        own = self._levels[level]
        lists = [np.ascontiguousarray(each).reshape(-1) for each in values]
        if self._clip is None:
            for kind, each in zip(self._kinds, lists, strict=True):
                own[kind].add(each)
        else:
            own["pre"].add_with_clipped(lists[0], self._clip, own["post"])

    def finished(self) -> dict[Kind, AllValues]:
        """What was found."""
        whole = {kind: _Collector() for kind in self._kinds}
        for number, level in enumerate(sorted(self._levels)):
            for kind, own in self._levels[level].items():
                whole[kind] = own if number == 0 else whole[kind].joined(own)
        if self._clip is None:
            return {kind: each.finished(each.buckets()) for kind, each in whole.items()}
        buckets = whole["pre"].buckets()
        clipped = clipped_buckets(*buckets, *self._clip)
        return {"pre": whole["pre"].finished(buckets), "post": whole["post"].finished(clipped)}


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

    def add_with_clipped(
        self, values: NDArray[np.float32], clip: tuple[np.float32, np.float32], clipped: "_Collector"
    ) -> None:
        """Take in values, and what they are when they are clipped, which is not counted."""
        _collect_clipped(
            values, values.view(np.uint32), *clip, self._sums, self._ends, self._counts, clipped._sums, clipped._ends
        )

    def joined(self, other: "_Collector") -> "_Collector":
        """Both together; this one is changed."""
        if other._sums[0]:
            _put_together(self._sums, *other._sums)
            self._ends[0] = min(self._ends[0], other._ends[0])
            self._ends[1] = max(self._ends[1], other._ends[1])
            self._ends[2] += other._ends[2]
            self._counts += other._counts
        return self

    def finished(self, buckets: tuple[NDArray[np.int32], NDArray[np.int64]]) -> AllValues:
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
        return AllValues(int(count), moments, *buckets)

    def buckets(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The numbers of the buckets that are not empty, and what they hold."""
        half = 1 << 31 - SHIFT
        positive, negative = self._counts[:half].copy(), self._counts[half : 2 * half]
        positive[0] += negative[0]  # minus zero
        present, below = np.flatnonzero(positive), 1 + np.flatnonzero(negative[1:])[::-1]
        return np.concatenate([-below, present]).astype(np.int32), np.concatenate([negative[below], positive[present]])


def clipped_buckets(
    buckets: NDArray[np.int32], counts: NDArray[np.int64], low: np.float32, high: np.float32
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The buckets of values that are clipped, from those they were in: what lies beyond a limit is in the limit's."""
    # A limit may lie within its bucket, whose other values stay there.
    ends = bucket_of(np.array([low, high], np.float32))
    clipped, places = np.unique(np.clip(buckets, *ends), return_inverse=True)
    sums = np.zeros(len(clipped), np.int64)
    np.add.at(sums, places, counts)
    return clipped.astype(np.int32), sums


def _value(number: int) -> float:
    """The float32 that has this place among all, zero being 0."""
    return float(np.copysign(np.int32(abs(number)).view(np.float32), number))


@njit(cache=True, inline="always")
def _place(bits):  # type: ignore[no-untyped-def]
    """The place of a float32, given as its bits, among all, zero having 0 and minus zero -1; also the other way round."""
    return np.int32(bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF)))


@njit(cache=True, fastmath=ANY_ORDER)
def _summarise_clipped(z_BJP, bits_BJP, threshold, low, high, mean_BJ, largest_BJ, activation_BJ, on_BJ):  # type: ignore[no-untyped-def]
    """Of each sample and node; ``T(z)`` is ``z`` within limits. What is not a number stays so.

    One loop, in which every operation is one of vectors: the largest value is found among the places of the values.
    """
    batch, nodes, positions = z_BJP.shape
    largest_bits_BJ = largest_BJ.view(np.int32)
    for b in range(batch):
        for j in range(nodes):
            sum_z, sum_a, on, place = 0.0, 0.0, np.int32(0), np.int32(-0x80000000)
            for p in range(positions):
                z, own = z_BJP[b, j, p], _place(bits_BJP[b, j, p])
                above = low if z < low else z
                sum_z += np.float64(z)
                sum_a += np.float64(high if above > high else above)
                on = np.int32(on + np.int32(z > threshold))
                place = own if own > place else place
            mean_BJ[b, j] = sum_z / positions
            activation_BJ[b, j] = sum_a / positions
            largest_bits_BJ[b, j] = _place(place)
            on_BJ[b, j] = on
            if np.isnan(sum_z):
                largest_BJ[b, j] = _largest(z_BJP[b, j])


@njit(cache=True, fastmath=ANY_ORDER)
def _summarise(z_BJP, bits_BJP, a_BJP, threshold, mean_BJ, largest_BJ, activation_BJ, on_BJ):  # type: ignore[no-untyped-def]
    """As `_summarise_clipped`, of any activations."""
    batch, nodes, positions = z_BJP.shape
    largest_bits_BJ = largest_BJ.view(np.int32)
    for b in range(batch):
        for j in range(nodes):
            sum_z, sum_a, on, place = 0.0, 0.0, np.int32(0), np.int32(-0x80000000)
            for p in range(positions):
                z, own = z_BJP[b, j, p], _place(bits_BJP[b, j, p])
                sum_z += np.float64(z)
                sum_a += np.float64(a_BJP[b, j, p])
                on = np.int32(on + np.int32(z > threshold))
                place = own if own > place else place
            mean_BJ[b, j] = sum_z / positions
            activation_BJ[b, j] = sum_a / positions
            largest_bits_BJ[b, j] = _place(place)
            on_BJ[b, j] = on
            if np.isnan(sum_z):  # of infinities of both signs too
                largest_BJ[b, j] = _largest(z_BJP[b, j])


@njit(cache=True)
def _largest(values):  # type: ignore[no-untyped-def]
    """What is not a number, if there is any, else the largest."""
    largest = values[0]
    for i in range(1, len(values)):
        if np.isnan(values[i]) or values[i] > largest:
            largest = values[i]
        if np.isnan(largest):
            break
    return largest


@njit(cache=True)
def _summarise_tokens(z_BPJ, a_BPJ, valid_BP, threshold, low, high, clips, mean_BJ, largest_BJ, activation_BJ, on_BJ):  # type: ignore[no-untyped-def]
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
            mean_BJ[b, j] = sum_z[j] / count
            activation_BJ[b, j] = sum_a[j] / count
            largest_BJ[b, j] = largest[j]
            on_BJ[b, j] = on[j]


@njit(cache=True)
def _collect(values, bits, sums, ends, counts):  # type: ignore[no-untyped-def]
    """Add values to number, mean and sums of powers; to smallest and largest, as places, and zeros; to the buckets."""
    for begin in range(0, len(values), CHUNK):
        chunk, chunk_bits = values[begin : begin + CHUNK], bits[begin : begin + CHUNK]
        _add_to_sums(chunk, sums)
        _add_to_ends(chunk_bits, ends)
        _add_to_buckets(chunk_bits, counts)


@njit(cache=True)
def _collect_clipped(values, bits, low, high, sums, ends, counts, clipped_sums, clipped_ends):  # type: ignore[no-untyped-def]
    """As `_collect`, and add the clipped values to their own, except to the buckets."""
    clipped = np.empty(CHUNK, np.float32)
    for begin in range(0, len(values), CHUNK):
        chunk, chunk_bits = values[begin : begin + CHUNK], bits[begin : begin + CHUNK]
        _add_to_sums(chunk, sums)
        _add_to_ends(chunk_bits, ends)
        _add_to_buckets(chunk_bits, counts)
        n = len(chunk)
        for i in range(n):  # what is not a number stays so
            above = low if chunk[i] < low else chunk[i]
            clipped[i] = high if above > high else above
        _add_to_sums(clipped[:n], clipped_sums)
        _add_to_ends(clipped[:n].view(np.uint32), clipped_ends)


@njit(cache=True, fastmath=ANY_ORDER)
def _add_to_sums(chunk, sums):  # type: ignore[no-untyped-def]
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


@njit(cache=True)
def _add_to_ends(bits, ends):  # type: ignore[no-untyped-def]
    """Both zeros have the same place here."""
    low, high, zeros = np.int32(ends[0]), np.int32(ends[1]), np.int32(0)
    for i in range(len(bits)):
        sign = np.int32(bits[i]) >> np.int32(31)
        place = np.int32(((np.int32(bits[i]) & np.int32(0x7FFFFFFF)) ^ sign) - sign)
        low = place if place < low else low
        high = place if place > high else high
        zeros = np.int32(zeros + np.int32(place == 0))
    ends[0], ends[1] = low, high
    ends[2] += zeros


@njit(cache=True)
def _add_to_buckets(bits, counts):  # type: ignore[no-untyped-def]
    for i in range(len(bits)):  # of a negative value away from zero, so that a bucket holds its lower end
        counts[(bits[i] + (bits[i] >> np.uint32(31)) * LOWER_BITS) >> np.uint32(SHIFT)] += 1


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
    for valid, a in product((None, np.ones((1, 4), np.bool_)), (None, z)):
        summarise(z, a, 0.0, valid=valid)
    collected: tuple[tuple[tuple[Kind, ...], tuple[float, float] | None], ...]
    collected = ((("post",), None), (("pre", "post"), (0.0, math.inf)))
    for kinds, clip in collected:
        collector = ValuesCollector(kinds, 1, clip)
        for level, _ in collector.chosen(1, 8):
            collector.add(level, z.numpy())
        collector.finished()
