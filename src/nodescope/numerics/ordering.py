"""Ranks and ends of float32 values, ties by place, and the area under the ROC curve of each class."""

import numpy as np
from numpy.typing import NDArray

PLACE_BITS = np.uint64(32)
PLACE = np.uint64(0xFFFFFFFF)
SIGN = np.uint32(0x80000000)


def ascending(values_N: NDArray[np.float32]) -> NDArray[np.int64]:
    """Places of finite values from the smallest to the largest; of equal values the lower place first.

    Value and place are sorted as one integer, which NumPy does several times as fast as a stable argsort.

    >>> ascending(np.array([2, -1, 0, -1], np.float32)).tolist()
    [1, 3, 2, 0]
    """
    bits_N = (np.asarray(values_N, np.float32) + np.float32(0)).view(np.uint32)  # -0.0 becomes 0.0
    keys_N = np.where(bits_N & SIGN, ~bits_N, bits_N | SIGN)
    packed_N = (keys_N.astype(np.uint64) << PLACE_BITS) | np.arange(len(keys_N), dtype=np.uint64)
    packed_N.sort()
    return (packed_N & PLACE).astype(np.int64)


def largest_places(values_N: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Places of the k largest values, in no order; of equal values the lower place is taken.

    >>> sorted(largest_places(np.array([1, 3, 2, 2], np.float32), 2).tolist())
    [1, 2]
    """
    if k >= len(values_N):
        return np.arange(len(values_N))
    least = np.partition(values_N, len(values_N) - k)[len(values_N) - k]
    above = np.flatnonzero(values_N > least)
    return np.concatenate([above, np.flatnonzero(values_N == least)[: k - len(above)]])


def class_aucs(values_N: NDArray[np.float32], labels_N: NDArray[np.int32], n_classes: int) -> NDArray[np.float64]:
    """``P(a(x) > a(x')) + P(=)/2`` for x in a class and x' not, [C]; NaN where a class has no sample, or all of them.

    From the rank sums of the classes; equal values have the mean of their ranks. Values are finite. Those of each class are
    sorted and looked up among all: sorting places along with values would take three times as long. The smallest values, all
    off samples of a ReLU, are only counted.
    """
    if (labels_N[1:] < labels_N[:-1]).any():
        order_N = np.argsort(labels_N, kind="stable")
        values_N, labels_N = values_N[order_N], labels_N[order_N]
    bounds = np.searchsorted(labels_N, np.arange(n_classes + 1))
    sorted_N = np.sort(values_N)
    lowest = int(np.searchsorted(sorted_N, sorted_N[0], "right"))
    higher = sorted_N[lowest:]
    begins = np.flatnonzero(np.concatenate([[len(higher) > 0], higher[1:] != higher[:-1]]))
    numbers = np.diff(begins, append=len(higher))
    # Twice the mean rank, a whole number, of the value at each place.
    doubled_N = 2 * lowest + np.repeat(2 * begins + numbers + 1, numbers)
    n_C = np.diff(bounds).astype(np.float64)
    sums_C = np.zeros(n_classes)
    for c in range(n_classes):
        own = np.sort(values_N[bounds[c] : bounds[c + 1]])
        n_lowest = int(np.searchsorted(own, sorted_N[0], "right"))
        found = np.searchsorted(higher, own[n_lowest:])
        sums_C[c] = (n_lowest * (lowest + 1) + int(doubled_N[found].sum())) / 2
    with np.errstate(invalid="ignore"):
        aucs_C: NDArray[np.float64] = (sums_C - n_C * (n_C + 1) / 2) / (n_C * (len(values_N) - n_C))
    return aucs_C
