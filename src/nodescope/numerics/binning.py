"""Which equal bins a histogram of values has: those from the smallest to the largest value, unless few lie far out.

Values that lie very far out (a feature that was never standardised) make equal bins so wide that all others fall into
one. Where one of the bins from the smallest to the largest value holds more than half of the values, spikes apart, the
bins are laid over the *body* of the values instead, and the first and the last bin take in whatever lies beyond it:

1. A spike is a value that more than a tenth of the values are equal to (the zeros of a ReLU layer). Spikes are left
   out of what follows, since no bins resolve them.
2. Let O run from the 15 % to the 85 % quantile of the others (so robust is the rule: Tukey 1977, section 2, with wider
   hinges). The body is what lies within O and a margin to both sides of it; the margin is halved, from all values on,
   until no bin holds more than 35 % of the body, but is never less than O is wide.
3. The bins run from the smallest to the largest value of the body.

So a value more, however far out, changes nothing but the count of one end; values without outliers keep the bins that
they always had; and bins follow a shift and a change of scale of the values. Activations ``T(z)`` pass on what lies far
out in z, but may also pile up where T is flat, which says something: their body is where z has its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Values that quantiles and the fullest bin are found from, drawn at random from more.
LOOKED_AT = 4096
SPIKE_SHARE = 0.1
MOST_IN_A_BIN = 0.5
MOST_OF_THE_BODY = 0.35
TAIL = 0.15
LEAST_JUDGED = 20

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Binning:
    """Equal bins from ``low`` to ``high``, of which the first and the last take in all from ``minimum`` to ``maximum``."""

    low: float
    high: float
    minimum: float
    maximum: float

    def edges(self, bins: int) -> NDArray[np.float64]:
        """Edges [bins + 1]: those of equal bins, but for the first and the last, which are the minimum and the maximum."""
        edges = _equal_edges(self.low, self.high, bins)
        edges[0], edges[-1] = min(self.minimum, self.low), max(self.maximum, self.high)
        return edges

    def counts(self, values: Values, bins: int) -> NDArray[np.int64]:
        """How many of the values [N] lie in each bin; each holds its left end, the last both."""
        return np.bincount(self._places(values, bins), minlength=bins)

    def counts_by_class(
        self, values: Values, labels: NDArray[np.integer], classes: int, bins: int
    ) -> NDArray[np.int64]:
        """The same of each class [C, bins], from the class of each value."""
        places = self._places(values, bins) + labels.astype(np.int64) * bins
        return np.bincount(places, minlength=classes * bins).reshape(classes, bins)

    def _places(self, values: Values, bins: int) -> NDArray[np.intp]:
        # In float64, since the range of float32 values may exceed what float32 holds.
        inside = np.clip(values.astype(np.float64), self.low, self.high)
        return _places(inside, self.low, self.high, bins)


def _equal_edges(low: float, high: float, bins: int) -> NDArray[np.float64]:
    """``numpy.linspace(low, high, bins + 1)``, which takes ten times as long to start."""
    step = (high - low) / bins
    edges = np.arange(bins + 1, dtype=np.float64)
    edges *= step if step else (high - low)
    if not step:
        edges /= bins
    edges += low
    edges[-1] = high
    return edges


def _places(values: NDArray[np.float64], low: float, high: float, bins: int) -> NDArray[np.intp]:
    """The bin of each value between the ends, as ``numpy.histogram`` finds it, which takes five times as long to start."""
    edges = _equal_edges(low, high, bins)
    places = ((values - low) / (high - low) * bins).astype(np.intp)
    np.minimum(places, bins - 1, out=places)
    # Within rounding of an edge: on which side of it a value lies.
    places -= values < edges[places]
    places += (values >= edges[places + 1]) & (places != bins - 1)
    return places


def _most_in_a_bin(values: NDArray[np.float64], ends: tuple[float, float], bins: int) -> int:
    """How many of the values between the ends lie in the fullest of equal bins."""
    return int(np.bincount(_places(values, *ends, bins), minlength=1).max())


def binning(values: Values, bins: int, inputs: Values | None = None) -> Binning | None:
    """The bins of a histogram.

    Parameters
    ----------
    values
        Of any shape.
    bins
        How many there will be.
    inputs
        Of the function that the values are of, in the same shape; then the body is that of the inputs.

    Returns
    -------
    Binning or None
        None where there are no values or one is not finite. Where all are the same the bins reach a half to both sides,
        or so much that it can be told apart.
    """
    flat = values.reshape(-1)
    whole = _range(flat)
    if whole is None:
        return None
    body = whole
    if _is_crowded(_looked_at(flat), whole, bins):
        if inputs is None:
            body = _body(flat, whole, bins)
        else:
            given = inputs.reshape(-1)
            ends = _range(given)
            if ends is not None and (of_inputs := _body(given, ends, bins)) != ends:
                body = _range(flat[(given >= of_inputs[0]) & (given <= of_inputs[1])]) or whole
    low, high = body
    margin = 0.0 if low < high else max(0.5, 1e-6 * abs(low))
    return Binning(low - margin, high + margin, *whole)


def _range(flat: Values) -> tuple[float, float] | None:
    low, high = (float(flat.min()), float(flat.max())) if flat.size else (np.nan, np.nan)
    return (low, high) if np.isfinite(high - low) else None


def _looked_at(flat: Values) -> NDArray[np.float64]:
    if len(flat) > LOOKED_AT:
        flat = flat[np.random.default_rng(0).integers(len(flat), size=LOOKED_AT)]
    return flat.astype(np.float64)


def _is_crowded(
    looked_at: NDArray[np.float64], ends: tuple[float, float], bins: int, share: float = MOST_IN_A_BIN
) -> bool:
    """Whether one of the equal bins between the ends holds more than its share of the values between them, spikes apart."""
    low, high = ends
    most = max(share, 4 / bins)
    inside = looked_at[(looked_at >= low) & (looked_at <= high)]
    if low == high or len(inside) == 0 or _most_in_a_bin(inside, ends, bins) <= most * len(inside):
        return False
    spikes, rest = _spikes(inside)
    if len(rest) < LEAST_JUDGED:
        return len(spikes) > 1 and float(spikes[-1] - spikes[0]) < (high - low) / bins
    return _most_in_a_bin(rest, ends, bins) > most * len(rest)


def _spikes(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The values that many are equal to, ascending, and all values that are none of these."""
    different, counts = np.unique(values, return_counts=True)
    spikes = different[counts > SPIKE_SHARE * len(values)] if len(values) >= LEAST_JUDGED else different[:0]
    return spikes, values[~np.isin(values, spikes)]


def _body(flat: Values, ends: tuple[float, float], bins: int) -> tuple[float, float]:
    """The smallest and the largest value of the body; the ends where nothing lies far out."""
    looked_at = _looked_at(flat)
    spikes, rest = _spikes(looked_at)
    if len(rest) >= LEAST_JUDGED:
        left, right = (float(q) for q in np.quantile(rest, (TAIL, 1 - TAIL)))
    elif len(spikes) > 1:
        left, right = float(spikes[0]), float(spikes[-1])
    else:
        return ends
    width = right - left
    body = ends
    while width > 0 and _is_crowded(looked_at, body, bins, MOST_IN_A_BIN if body == ends else MOST_OF_THE_BODY):
        margin = max(left - body[0], body[1] - right) / 2
        if margin < width:
            break
        inner = _range(flat[(flat >= left - margin) & (flat <= right + margin)])
        if inner is None:
            break
        body = inner
    return body
