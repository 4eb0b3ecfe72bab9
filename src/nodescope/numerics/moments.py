"""Moments and histograms of many values taken as one list, summed in float64 whatever type they come in.

The values are passed in chunks that stay in a core's cache. The central moments of a chunk are taken around its own
mean and then put together (Chan, Golub & LeVeque 1983; Pébay 2008), so that a mean far from zero costs no digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.numerics.binning import binning

CHUNK = 1 << 14

#: A node is constant where its values span no more than this share of the largest of them (at least of 1): noise of float32.
CONSTANT = 1e-6


@dataclass(frozen=True)
class Moments:
    """What `moments` finds of n values.

    Attributes
    ----------
    mean, minimum, maximum : float
    second, third, fourth : float
        Central moments: the mean of ``(value - mean) ** k``.
    zeros : int
        Values that are exactly zero.
    """

    count: int
    mean: float
    second: float
    third: float
    fourth: float
    minimum: float
    maximum: float
    zeros: int

    def columns(self) -> dict[str, float | None]:
        """The columns of `nodescope.storage.columns.MOMENTS`.

        ``std`` is the root of the second moment (n, not n - 1); ``skew`` is ``m3 / m2^1.5``; ``kurtosis`` is
        ``m4 / m2^2 - 3``, zero for a normal distribution. Values that are all the same have neither of the two.
        """
        # As in scipy: a spread within rounding of the mean is none.
        spread = self.second > (np.finfo(np.float64).eps * self.mean) ** 2
        return {
            "mean": self.mean,
            "std": self.second**0.5 if spread else 0.0,
            "skew": self.third / self.second**1.5 if spread else None,
            "kurtosis": self.fourth / self.second**2 - 3 if spread else None,
            "minimum": self.minimum,
            "maximum": self.maximum,
        }


def are_constant(minimum: Any, maximum: Any) -> Any:
    """Whether values with these ends, numbers or arrays of them, are the same but for rounding.

    >>> are_constant(0.5, 0.5000001), are_constant(0.0, 0.01)
    (True, False)
    """
    largest = np.maximum(np.abs(minimum), np.abs(maximum))
    same = np.subtract(maximum, minimum) <= CONSTANT * np.maximum(1, largest)
    return same if np.ndim(same) else bool(same)


def moments(values: NDArray[np.floating]) -> Moments | None:
    """The moments of values of any shape; None where there are none or one is not finite."""
    flat = values.reshape(-1)
    parts = []
    for begin in range(0, len(flat), CHUNK):
        raw = flat[begin : begin + CHUNK]
        low, high = float(raw.min()), float(raw.max())  # NaN where there is one
        if not np.isfinite(high - low):
            return None
        chunk = raw.astype(np.float64)
        mean = chunk.mean()
        chunk -= mean
        square = chunk * chunk
        third, fourth = np.dot(square, chunk), np.dot(square, square)
        zeros = len(raw) - np.count_nonzero(raw)
        parts.append((len(raw), mean, square.sum(), third, fourth, low, high, zeros))
    if not parts:
        return None
    return _together(np.array(parts))


def together(parts: Sequence[Moments]) -> Moments:
    """The moments of several lists as one; at least one."""
    if len(parts) == 1:
        return parts[0]
    sums = [
        (p.count, p.mean, p.count * p.second, p.count * p.third, p.count * p.fourth, p.minimum, p.maximum, p.zeros)
        for p in parts
    ]
    return _together(np.array(sums))


def _together(parts: NDArray[np.float64]) -> Moments:
    """From number, mean, sums of powers of the distance to it, ends and zeros of each part."""
    n, mean, second, third, fourth, low, high, zeros = parts.T
    total = n.sum()
    all_mean = (n * mean).sum() / total
    d = mean - all_mean
    return Moments(
        count=int(total),
        mean=float(all_mean),
        second=float((second + n * d**2).sum() / total),
        third=float((third + 3 * d * second + n * d**3).sum() / total),
        fourth=float((fourth + 4 * d * third + 6 * d**2 * second + n * d**4).sum() / total),
        minimum=float(low.min()),
        maximum=float(high.max()),
        zeros=int(zeros.sum()),
    )


#: What `histogram` gives where there is nothing to count: a row without values.
NO_HISTOGRAM: dict[str, Any] = {"bin_left": None, "bin_right": None, "count": None}


def histogram(values: NDArray[np.floating], bins: int, inputs: NDArray[np.floating] | None = None) -> dict[str, Any]:
    """Columns bin_left, bin_right, count [bins]: bins from the smallest to the largest value; each holds its left end.

    All are equally wide, but for the first and the last where few values lie far out (`nodescope.numerics.binning`, where
    ``inputs`` is told of too). `NO_HISTOGRAM` where there are no values or one is not finite.
    """
    flat = values.reshape(-1)
    found = binning(values, bins, inputs)
    if found is None:
        return NO_HISTOGRAM
    count, edges = np.zeros(bins, np.int64), found.edges(bins)
    for begin in range(0, len(flat), CHUNK):
        count += found.counts(flat[begin : begin + CHUNK], bins)
    return {"bin_left": edges[:-1], "bin_right": edges[1:], "count": count}
