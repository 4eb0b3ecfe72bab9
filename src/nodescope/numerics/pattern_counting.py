"""Count patterns exactly as they stream by, and compare two counts.

Dimension letters: W word, T pattern as it comes, K distinct pattern, C class.

Patterns get numbers, and their classes are counted per number. Where the nodes have no more patterns than are expected
to come (16 nodes on many positions), the pattern itself is its number; otherwise a hash table gives the numbers and
compares whole patterns, since equal hashes do not suffice. Memory of a histogram: at most
``2 (8 W + 4 C + 8)`` bytes per distinct pattern, and never more than ``4 C`` bytes per pattern expected where the
pattern is its number. Grouping the words with polars instead takes 4 times as long for 60,000 samples of 200 nodes in
parts of 8,192, and 7 to 30 times as long for the few thousand patterns of a layer that is measured at many times.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nodescope.numerics.pattern_packing import Words, n_words

#: Patterns that are numbered before it is asked again whether the table has room.
CHUNK = 65_536
#: Patterns whose keys are computed together.
AT_A_TIME = 256


class PatternTable:
    """Gives every distinct pattern a number: 0 to the first that occurs, 1 to the next new one, ..."""

    def __init__(self, nodes: int, room: int) -> None:
        self.nodes = nodes
        self._patterns_KW = np.empty((max(16, room), n_words(nodes)), np.uint64)
        self._places = _empty_places(len(self._patterns_KW))
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def room(self) -> int:
        """Distinct patterns for which there is memory now."""
        return len(self._patterns_KW)

    def words(self) -> Words:
        """The distinct patterns [W, K] in the order of their numbers."""
        return self._patterns_KW[: self._size].T

    def number(self, words_WT: Words) -> NDArray[np.int32]:
        """The numbers of patterns [T]; those not seen before get the next ones."""
        number_T = np.empty(words_WT.shape[1], np.int32)
        for begin in range(0, len(number_T), CHUNK):
            part = words_WT[:, begin : begin + CHUNK]
            self._make_room(part.shape[1])
            self._size = _number(
                part, self._patterns_KW, self._places, self._size, number_T[begin : begin + CHUNK], True
            )
        return number_T

    def find(self, words_WT: Words) -> NDArray[np.int32]:
        """The numbers of patterns [T], -1 for those that have none."""
        number_T = np.empty(words_WT.shape[1], np.int32)
        _number(words_WT, self._patterns_KW, self._places, self._size, number_T, False)
        return number_T

    def _make_room(self, further: int) -> None:
        if self._size + further <= self.room:
            return
        known_KW = self._patterns_KW[: self._size]
        self._patterns_KW = np.empty((max(2 * self.room, self._size + further), known_KW.shape[1]), np.uint64)
        self._places = _empty_places(self.room)
        numbers = np.empty(self._size, np.int32)
        _number(known_KW.T, self._patterns_KW, self._places, 0, numbers, True)


def _empty_places(room: int) -> NDArray[np.int32]:
    return np.full(1 << (2 * room - 1).bit_length(), -1, np.int32)


class PatternHistogram:
    """How often each pattern of a layer occurs in each class.

    Parameters
    ----------
    nodes, n_classes
    expected
        Patterns that will come; more may.
    """

    def __init__(self, nodes: int, n_classes: int, expected: int) -> None:
        self.nodes = nodes
        self.total = 0
        self._table: PatternTable | None = None
        if pattern_is_number(nodes, expected):
            room = 1 << nodes
        else:
            self._table = PatternTable(nodes, min(expected, CHUNK))
            room = self._table.room
        # Class by class: the samples of a batch come one after another, and the counts of a class fit a core's cache.
        self._counts_CK = np.zeros((n_classes, room), np.int32)

    def add(self, words_WT: Words, labels: NDArray[np.integer]) -> None:
        """Count patterns; ``labels`` has one entry per sample, the samples' patterns stand one after another."""
        if self._table is None:
            number_T = words_WT[0].astype(np.int32)
        else:
            number_T = self._table.number(words_WT)
            if self._table.room > self._counts_CK.shape[1]:
                grown = np.zeros((len(self._counts_CK), self._table.room), np.int32)
                grown[:, : self._counts_CK.shape[1]] = self._counts_CK
                self._counts_CK = grown
        _count(number_T, labels, self._counts_CK)
        self.total += words_WT.shape[1]

    def class_counts(self) -> NDArray[np.int32]:
        """Counts by class and number [C, K]; where the pattern is its number, also of those that do not occur."""
        return self._counts_CK if self._table is None else self._counts_CK[:, : len(self._table)]

    def counted(self) -> "CountedPatterns":
        """The counts without the classes, for comparisons."""
        return CountedPatterns(self.nodes, self._table, self.class_counts().sum(axis=0, dtype=np.int32))


def pattern_is_number(nodes: int, expected: int) -> bool:
    """Whether all patterns that the nodes can show are no more than those expected to come."""
    return nodes < 31 and 1 << nodes <= expected


@dataclass(frozen=True)
class CountedPatterns:
    """Patterns of a layer with their counts, zeros allowed; ``table`` is None where the pattern is its number."""

    nodes: int
    table: PatternTable | None
    counts_K: NDArray[np.int32]

    def similarity(self, other: "CountedPatterns") -> tuple[float, float]:
        """Jaccard's index of the two sets of patterns, and the weighted one of their counts.

        ``sum min(p, q) / sum max(p, q)``, with which patterns occur at all for ``p`` and ``q``, or how often
        (methods, section 2); both in [0, 1], 1 for equal counts.
        """
        if other.table is None or self.table is None:
            own_K = self.counts_K
        else:
            number_K = self.table.find(other.table.words())
            own_K = np.where(number_K >= 0, self.counts_K[number_K], 0)
        common = int(np.minimum(own_K, other.counts_K).sum(dtype=np.int64))
        in_both = int(np.count_nonzero((own_K > 0) & (other.counts_K > 0)))
        totals = int(self.counts_K.sum(dtype=np.int64)) + int(other.counts_K.sum(dtype=np.int64))
        either = int(np.count_nonzero(self.counts_K)) + int(np.count_nonzero(other.counts_K)) - in_both
        return in_both / either, common / (totals - common)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``words`` [W, K] and ``counts`` [K] of the patterns that occur, to be kept in a file."""
        if self.table is not None:
            return {"words": np.ascontiguousarray(self.table.words()), "counts": self.counts_K}
        occurring_K = np.flatnonzero(self.counts_K)
        return {"words": occurring_K.astype(np.uint64)[None], "counts": self.counts_K[occurring_K]}

    @classmethod
    def from_arrays(cls, nodes: int, words_WK: Words, counts_K: NDArray[np.int32], expected: int) -> "CountedPatterns":
        """What `arrays` gave."""
        if pattern_is_number(nodes, expected):
            every = np.zeros(1 << nodes, np.int32)
            every[words_WK[0]] = counts_K
            return cls(nodes, None, every)
        table = PatternTable(nodes, words_WK.shape[1])
        table.number(words_WK)
        return cls(nodes, table, counts_K)


# --- what the counts say ---


def describe(class_counts_CK: NDArray[np.integer], nodes: int) -> dict[str, float]:
    """Number and entropy of patterns, from their counts by class (at least one pattern; zeros count nothing).

    With ``p`` the shares of the ``K`` distinct patterns among ``T``, the entropy is ``H = -sum p log2 p``, the
    relative entropy ``H / min(nodes, log2 T)``, Miller and Madow's correction ``H + (K - 1) / (2 T) log2 e``; with
    the classes ``L``, ``H(A|L)`` and ``I(A; L) = H - H(A|L)`` (Hartmann, Franzen & Brodehl 2021).
    """
    counts_K = class_counts_CK.sum(axis=0, dtype=np.int32)
    total, largest_count = int(counts_K.sum(dtype=np.int64)), int(counts_K.max())
    distinct, singletons = int(np.count_nonzero(counts_K)), int(np.count_nonzero(counts_K == 1))
    entropy = entropy_bits(counts_K)
    given_class = entropy_bits(class_counts_CK) - entropy_bits(class_counts_CK.sum(axis=1, dtype=np.int64))
    largest = min(nodes, math.log2(total))
    return {
        "distinct": distinct,
        "singletons": singletons,
        "entropy_bits": entropy,
        "relative_entropy": entropy / largest if largest else 0.0,
        "entropy_miller_madow": entropy + (distinct - 1) / (2 * total) * math.log2(math.e),
        "entropy_given_class_bits": max(0.0, given_class),
        "class_information_bits": max(0.0, entropy - given_class),
        "mode_share": largest_count / total,
    }


def entropy_bits(counts: NDArray[np.integer]) -> float:
    """Entropy in bits of the shares of counts; zeros count nothing."""
    total = int(counts.sum(dtype=np.int64))
    return max(0.0, math.log2(total) - float(_sum_of_count_log_count(counts.ravel())) / total)


def hamming_share(words_WT: NDArray[np.unsignedinteger], others_WT: NDArray[np.unsignedinteger], nodes: int) -> float:
    """Mean share of the nodes that differ between patterns at the same place."""
    different = int(np.bitwise_count(words_WT ^ others_WT).sum(dtype=np.int64))
    return different / (nodes * words_WT.shape[1])


# --- compiled ---


@njit(cache=True)
def _number(words_WT, patterns_KW, places, size, number_T, add):  # type: ignore[no-untyped-def]
    """Number equal patterns alike by open addressing; how many distinct ones there are now.

    Keys are computed for some patterns at once, several to an instruction. Which they are has no part in the numbers.
    """
    n_words, n_patterns = words_WT.shape
    mask = np.uint64(len(places) - 1)
    keys = np.empty(AT_A_TIME, np.uint64)
    for begin in range(0, n_patterns, AT_A_TIME):
        end = min(begin + AT_A_TIME, n_patterns)
        keys[:] = 0
        for w in range(n_words):
            part = words_WT[w, begin:end]
            for i in range(end - begin):  # odd numbers, the products' high bits mixed into the low ones
                key = (keys[i] ^ part[i]) * np.uint64(0x9E3779B97F4A7C15)
                keys[i] = key ^ (key >> np.uint64(32))
        for i in range(end - begin):
            key = keys[i] * np.uint64(0xD6E8FEB86659FD93)
            keys[i] = (key ^ (key >> np.uint64(32))) & mask
        for t in range(begin, end):
            place = np.int64(keys[t - begin])
            while True:
                seen = places[place]
                if seen < 0:
                    if add:
                        places[place] = size
                        for w in range(n_words):
                            patterns_KW[size, w] = words_WT[w, t]
                        number_T[t] = size
                        size += 1
                    else:
                        number_T[t] = -1
                    break
                equal = True
                for w in range(n_words):
                    if patterns_KW[seen, w] != words_WT[w, t]:
                        equal = False
                        break
                if equal:
                    number_T[t] = seen
                    break
                place = np.int64(np.uint64(place + 1) & mask)
    return size


@njit(cache=True)
def _count(number_T, labels_N, counts_CK):  # type: ignore[no-untyped-def]
    n_samples = len(labels_N)
    if not n_samples:
        return
    n_positions = len(number_T) // n_samples
    for n in range(n_samples):
        counts_K = counts_CK[labels_N[n]]
        for t in range(n * n_positions, (n + 1) * n_positions):
            counts_K[number_T[t]] += 1


@njit(cache=True)
def _sum_of_count_log_count(counts):  # type: ignore[no-untyped-def]
    """``sum n log2 n``; the zeros and ones, most of the counts, need no logarithm."""
    total = 0.0
    for n in counts:
        if n > 1:
            total += n * np.log2(n)
    return total
