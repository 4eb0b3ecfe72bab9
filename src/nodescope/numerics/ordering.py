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

    From the rank sums of the classes; equal values have the mean of their ranks. Values are finite.
    """
    order_N = ascending(values_N)
    sorted_N = values_N[order_N]
    begins = np.flatnonzero(np.concatenate([[True], sorted_N[1:] != sorted_N[:-1]]))
    ends = np.append(begins[1:], len(sorted_N))
    ranks_N = np.repeat((begins + ends + 1) / 2, ends - begins)
    sums_C = np.bincount(labels_N[order_N], weights=ranks_N, minlength=n_classes)
    n_C = np.bincount(labels_N, minlength=n_classes).astype(np.float64)
    with np.errstate(invalid="ignore"):
        aucs_C: NDArray[np.float64] = (sums_C - n_C * (n_C + 1) / 2) / (n_C * (len(values_N) - n_C))
    return aucs_C
