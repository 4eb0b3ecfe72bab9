"""Gaussian kernel density estimates in one dimension: log densities at many points, right far out in the tails.

The estimate is ``p(q) = 1 / (n h sqrt(2 pi)) sum_i exp(-(q - x_i)^2 / 2 h^2)``. Evaluating it exactly costs one
exponential per pair of query and sample. Here equal samples are counted as one, and the log of the sum is tabulated
once and looked up. In units of the bandwidth, from the samples' median on, on a grid of spacing 1/8:

1. Samples are summed into boxes around the grid points as Taylor moments ``M_p = sum exp(-t^2/2) t^p / p!`` of
   their offsets ``t`` from the box's centre ``b``; then ``exp(-(q-b-t)^2/2) = exp(-(q-b)^2/2) exp((q-b) t)
   exp(-t^2/2)`` gives the density from the boxes around ``q`` (a fast Gauss transform; Greengard & Strain 1991).
   What is left out is small *relative to the density*, so logarithms are safe.
2. Grid points far from every sample are summed exactly, in log space: from one grid point to the next each
   sample's term changes by a constant factor, which needs no exponential.
3. Queries are answered by the polynomial through the *log* density at the eight grid points around them.
4. Where the log density bends too sharply for that (between clusters that lie far apart), which is found by
   predicting each grid point from its second neighbours, queries are summed from the boxes instead.
5. What the table does not reach is summed from a binary tree over the sorted samples: the moments of a node stand for
   its samples where ``|(q - b) t| <= 1``, which needs the smaller nodes the farther ``q`` lies, but then fewer samples
   count (a tree code; Barnes & Hut 1986).

The error against the exact sum stays below 1e-4 nats, tails included (tested).

The cost is bounded whatever the samples are. With K different samples and Q queries a fit makes a table of at most
``max(LEAST_GRID, min(Q, MAX_GRID))`` cells, of at most 1,600 multiplications each, and spends at most `FAR_TERMS` more on
grid points far from all samples; a query that is not looked up costs at most 146 boxes, or `most_terms` (K), about 170 log2 K,
nodes and samples of the tree, which is made of 10 K log2 K multiplications.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]

BOXES_PER_BANDWIDTH = 8
SPACING = 1.0 / BOXES_PER_BANDWIDTH
N_MOMENTS = 10
WINDOW = 9 * BOXES_PER_BANDWIDTH  # boxes to either side that a near grid point sums over
NEAR = 5 * BOXES_PER_BANDWIDTH  # a grid point with no sample this near is far
REACH = 24.0  # bandwidths from the nearest sample up to which the moments are accurate
PADDING = 27 * BOXES_PER_BANDWIDTH  # boxes beyond either end of the grid
LEAST_GRID = 4096  # cells that always pay
MAX_GRID = 65536
FAR_TERMS = 1 << 22
STENCIL = 8
EDGE = 12  # cells at either end of the table that cannot be tested for sharp bends
BEND_TOLERANCE = 2e-3  # nats; a polynomial on the full grid is about 2^8 times better than the prediction
NEGLIGIBLE = 40.0  # nats below the largest term
LEAF = 4  # samples below which a node of the tree is not divided
WIDEST_NODE = 4.0  # half the width of a node whose moments may stand for its samples

#: A constant node has no scale for a bandwidth rule; this is the smallest bandwidth that a rule may give.
MIN_BANDWIDTH = 1e-3


def bandwidth(samples: FloatArray, rule: float | str) -> float:
    """The bandwidth of a sample: a number as it is, or by the rule ``scott`` or ``silverman``.

    Scott (1992): ``n^(-1/5)``, Silverman (1986): ``(3n/4)^(-1/5)``, each times the standard deviation
    (with n - 1), as in scipy.
    """
    if not isinstance(rule, str):
        return float(rule)
    n = len(samples)
    factor = n ** (-0.2) if rule == "scott" else (n * 0.75) ** (-0.2)
    spread = float(np.std(samples, ddof=1, dtype=np.float64)) if n > 1 else 0.0
    return max(factor * spread, MIN_BANDWIDTH)


@dataclass(frozen=True)
class KernelDensity:
    """A fitted estimate; call it with queries. See `fit`.

    Attributes
    ----------
    n : int
        Samples.
    h : float
        Bandwidth.
    origin : float
        Where the units below begin: the samples' median.
    samples : float64 array [K]
        The different ones, ascending, in units of the bandwidth from the origin, as everything below.
    weights : float64 array [K]
        How many samples are each.
    first : float
        Where the first cell of the table begins.
    polynomials : float64 array [cell, 8]
        For the log of the sum of kernels, in the offset from the cell's beginning, in cells.
    sharp : bool array [cell]
        Cells in which the polynomial is not good enough.
    moments : float64 array [box, moment]
        Of the samples in each box; the first box's centre lies `PADDING` boxes before the first grid point.
    """

    n: int
    h: float
    origin: float
    samples: NDArray[np.float64]
    weights: NDArray[np.float64]
    first: float
    polynomials: NDArray[np.float64]
    sharp: NDArray[np.bool_]
    moments: NDArray[np.float64]

    def __call__(self, queries: FloatArray, begins: Sequence[int] = (0,)) -> NDArray[np.float64]:
        """Log density [M] in nats at finite queries [M]; always finite.

        Where queries of several origins are asked together, ``begins`` says where those of each begin; the answers are those
        that they have alone, to the last bit.
        """
        log_normaliser = math.log(self.n * self.h * math.sqrt(2 * math.pi))
        table = (self.first, self.polynomials, self.sharp)
        out, rest = _look_up(queries, self.origin, 1 / self.h, log_normaliser, *table)
        if len(rest):
            start = self.first - (PADDING + 3) * SPACING
            for some in np.split(rest, np.searchsorted(rest, begins[1:])):
                if len(some):
                    places = (queries[some].astype(np.float64) - self.origin) / self.h
                    out[some] = _log_sums(places, self.samples, self.weights, start, self.moments) - log_normaliser
        return out


def fit(samples: FloatArray, h: float, lowest: float, highest: float, queries: int = 0) -> KernelDensity:
    """Fit a Gaussian kernel density estimate.

    Parameters
    ----------
    samples : array [N]
        What the estimate is made from; finite, at least one.
    h : float
        Bandwidth.
    lowest, highest : float
        Where queries will lie. Queries elsewhere are answered too, but slowly. So are some if the range is more cells than
        pay: then the table lies around the samples, and if these lie so far apart, around their median.
    queries : int
        How many there will be, as far as is known: a table of more cells does not pay.
    """
    scaled, weights, origin = _scaled(np.sort(samples), h)
    begin, end = (lowest - origin) / h, (highest - origin) / h
    most = max(LEAST_GRID, min(queries, MAX_GRID))
    if (end - begin) / SPACING + 1 > most:
        begin, end = max(begin, float(scaled[0]) - REACH), min(end, float(scaled[-1]) + REACH)
        if end < begin:  # no query lies near a sample
            begin = end = 0.0
        if (end - begin) / SPACING + 1 > most:
            begin, end = -most * SPACING / 2, (most / 2 - 1) * SPACING
    cells = math.floor((end - begin) / SPACING) + 1
    first = math.floor(begin / SPACING) * SPACING - EDGE * SPACING
    cells += 2 * EDGE
    grid_start = first - 3 * SPACING
    moments = _moments(scaled, weights, grid_start, cells + STENCIL)
    grid = _log_sums_on_grid(scaled, weights, moments, grid_start, cells + STENCIL, _WEIGHTS)
    sharp = _sharp_cells(grid)
    sharp[:EDGE] = sharp[-EDGE:] = True
    polynomials = _polynomials(grid, _INVERSE_VANDERMONDE)
    return KernelDensity(len(samples), h, origin, scaled, weights, first, polynomials, sharp, moments)


def most_terms(different: int) -> int:
    """How many nodes and samples of the tree a query sums at most, of so many different samples.

    Of the nodes of one level only those within 9 bandwidths and the distance to the nearest sample count
    (``D - d`` where ``D^2 = d^2 + 2 NEGLIGIBLE``), and only those wider than ``2 / D`` are opened: at most 42 to a side.
    """
    return 168 * (_levels(different) + 1) + 4 * 2 * LEAF * 42


def compile_ahead() -> None:
    """Compile what a fit and its queries need; numba keeps the result beside this file for all later processes."""
    for samples in (np.array([0.0, 3.0, 900.0]), np.array([0.0, 3.0, 900.0], np.float32)):
        estimate = fit(samples, 0.1, -1.0, 4.0)
        estimate(samples)


# Maps the values at the nodes -3 ... 4 to the coefficients of the polynomial through them.
_INVERSE_VANDERMONDE = np.linalg.inv(np.vander(np.arange(STENCIL) - 3.0, increasing=True))

# Distances q - b from a grid point to the boxes around it, in the order of the boxes; weights [box, moment].
_DISTANCES = np.arange(WINDOW, -WINDOW - 1, -1) * SPACING
_WEIGHTS = np.exp(-(_DISTANCES[:, None] ** 2) / 2) * _DISTANCES[:, None] ** np.arange(N_MOMENTS)


@njit(cache=True)
def _scaled(ordered, h):  # type: ignore[no-untyped-def]
    """The different ones of ascending samples, in bandwidths from the median; how many are each; and the median."""
    origin = np.float64(ordered[(len(ordered) + 1) // 2 - 1])
    scaled = np.empty(len(ordered))
    weights = np.zeros(len(ordered))
    different = 0
    for i in range(len(ordered)):
        if i == 0 or ordered[i] != ordered[i - 1]:
            scaled[different] = (np.float64(ordered[i]) - origin) / h
            different += 1
        weights[different - 1] += 1.0
    return scaled[:different], weights[:different], origin


@njit(cache=True)
def _moments(samples, weights, grid_start, points):  # type: ignore[no-untyped-def]
    """Moments [box, moment] of the samples in boxes around the grid points and `PADDING` more at either end."""
    boxes = points + 2 * PADDING
    moments = np.zeros((boxes, N_MOMENTS))
    origin = grid_start - PADDING * SPACING
    for i in range(len(samples)):
        position = (samples[i] - origin) / SPACING + 0.5
        if not 0.0 <= position < boxes:
            continue
        box = int(position)
        offset = samples[i] - (origin + box * SPACING)
        term = weights[i] * math.exp(-0.5 * offset * offset)
        for p in range(N_MOMENTS):
            moments[box, p] += term
            term *= offset / (p + 1)
    return moments


@njit(cache=True)
def _boxes_to_nearest_sample(moments):  # type: ignore[no-untyped-def]
    boxes = len(moments)
    nearest = np.full(boxes, boxes)
    last = -boxes
    for box in range(boxes):
        if moments[box, 0] > 0.0:
            last = box
        nearest[box] = box - last
    last = 2 * boxes
    for box in range(boxes - 1, -1, -1):
        if moments[box, 0] > 0.0:
            last = box
        nearest[box] = min(nearest[box], last - box)
    return nearest


@njit(cache=True, fastmath={"reassoc", "contract"})
def _dot(a, b):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@njit(cache=True)
def _log_sums_on_grid(samples, weights, moments, grid_start, points, window):  # type: ignore[no-untyped-def]
    """log sum_i exp(-(g - x_i)^2 / 2) at all grid points; NaN where that would take more than `FAR_TERMS`."""
    left = FAR_TERMS
    nearest = _boxes_to_nearest_sample(moments)
    flat_moments = moments.ravel()
    flat_window = window.ravel()
    out = np.empty(points)
    point = 0
    while point < points:
        if nearest[point + PADDING] <= NEAR:
            begin = (point + PADDING - WINDOW) * N_MOMENTS
            out[point] = math.log(_dot(flat_window, flat_moments[begin : begin + len(flat_window)]))
            point += 1
            continue
        end = point
        while end < points and nearest[end + PADDING] > NEAR:
            end += 1
        left = _far_log_sums(samples, weights, grid_start + point * SPACING, out[point:end], left)
        point = end
    return out


@njit(cache=True)
def _far_log_sums(samples, weights, start, out, left):  # type: ignore[no-untyped-def]
    """Log sums at a run of grid points without a sample among them or near; how many terms are ``left`` after it."""
    n_left = np.searchsorted(samples, start)
    out[:] = -np.inf
    if n_left > 0:
        distances = samples[n_left - 1] - samples[:n_left][::-1]
        left = _add_one_sided_log_sums(distances, weights[:n_left][::-1], start - samples[n_left - 1], out, left)
    if n_left < len(samples):
        last = start + (len(out) - 1) * SPACING
        distances = samples[n_left:] - samples[n_left]
        left = _add_one_sided_log_sums(distances, weights[n_left:], samples[n_left] - last, out[::-1], left)
    return left


@njit(cache=True, fastmath={"reassoc", "contract"})
def _add_one_sided_log_sums(distances, weights, start, out, left):  # type: ignore[no-untyped-def]
    """Add, in log space, the samples to one side of a run of grid points.

    ``distances`` of the samples from the nearest one, ascending; ``start`` from that one to the first grid point.
    """
    kept = 0
    while kept < len(distances) and distances[kept] * (0.5 * distances[kept] + start) < NEGLIGIBLE:
        kept += 1
    terms = np.empty(kept)
    factors = np.empty(kept)
    for i in range(kept):
        terms[i] = weights[i] * math.exp(-distances[i] * (0.5 * distances[i] + start))
        factors[i] = math.exp(-distances[i] * SPACING)
    smallest = math.exp(-NEGLIGIBLE)
    for point in range(len(out)):
        left -= kept
        if left < 0:
            out[point:] = np.nan
            break
        total = 0.0
        for i in range(kept):
            total += terms[i]
            terms[i] *= factors[i]
        while terms[kept - 1] < smallest:  # the nearest sample's term is at least 1
            kept -= 1
        u = start + point * SPACING
        value = math.log(total) - 0.5 * u * u
        high, low = max(value, out[point]), min(value, out[point])
        out[point] = high + math.log1p(math.exp(low - high))
    return left


@njit(cache=True)
def _polynomials(grid, inverse):  # type: ignore[no-untyped-def]
    cells = len(grid) - STENCIL
    out = np.zeros((cells, STENCIL))
    for cell in range(cells):
        for power in range(STENCIL):
            total = 0.0
            for node in range(STENCIL):
                total += inverse[power, node] * grid[cell + node]
            out[cell, power] = total
    return out


@njit(cache=True)
def _sharp_cells(grid):  # type: ignore[no-untyped-def]
    """Cells near a grid point that its second neighbours do not predict, or that is not known."""
    cells = len(grid) - STENCIL
    out = np.zeros(cells, np.bool_)
    for point in range(7, len(grid) - 7):
        predicted = (
            1225.0 * (grid[point - 1] + grid[point + 1])
            - 245.0 * (grid[point - 3] + grid[point + 3])
            + 49.0 * (grid[point - 5] + grid[point + 5])
            - 5.0 * (grid[point - 7] + grid[point + 7])
        ) / 2048.0
        if not abs(predicted - grid[point]) <= BEND_TOLERANCE:
            # cell c interpolates grid points c ... c + 7 and spans c + 3 to c + 4
            for cell in range(max(0, point - 11), min(cells, point + 5)):
                out[cell] = True
    return out


@njit(cache=True)
def _distance_to_nearest(q, samples, right):  # type: ignore[no-untyped-def]
    """Distance from q to the nearest sample; ``right`` is the index of the first that is not below q."""
    nearest = np.inf
    if right < len(samples):
        nearest = samples[right] - q
    if right > 0:
        nearest = min(nearest, q - samples[right - 1])
    return nearest


@njit(cache=True)
def _levels(different):  # type: ignore[no-untyped-def]
    """How often a tree over so many samples is divided."""
    levels = 0
    while (different >> (levels + 1)) >= LEAF:
        levels += 1
    return levels


@njit(cache=True)
def _tree(samples, weights, levels):  # type: ignore[no-untyped-def]
    """Moments [node, moment] of the samples under each node around its middle; ``2^level + place`` numbers the nodes."""
    nodes = np.zeros((2 << levels, N_MOMENTS))
    for level in range(levels + 1):
        for place in range(1 << level):
            begin, end = len(samples) * place >> level, len(samples) * (place + 1) >> level
            middle = 0.5 * (samples[begin] + samples[end - 1])
            if samples[end - 1] - middle > WIDEST_NODE:
                continue  # always opened
            for i in range(begin, end):
                offset = samples[i] - middle
                term = weights[i] * math.exp(-0.5 * offset * offset)
                for p in range(N_MOMENTS):
                    nodes[(1 << level) + place, p] += term
                    term *= offset / (p + 1)
    return nodes


@njit(cache=True)
def _log_sum_from_tree(q, nearest, samples, weights, nodes, levels):  # type: ignore[no-untyped-def]
    """log sum_i exp(-(q - x_i)^2 / 2), and of how many nodes and samples; ``nearest`` is the distance to the nearest."""
    terms = 0
    total = 0.0
    level = place = 0
    while True:
        begin, end = len(samples) * place >> level, len(samples) * (place + 1) >> level
        low, high = samples[begin], samples[end - 1]
        middle = 0.5 * (low + high)
        u, half = q - middle, 0.5 * (high - low)
        away = max(0.0, max(low - q, q - high))
        terms += 1
        if (away - nearest) * (away + nearest) <= 2 * NEGLIGIBLE:
            if half <= WIDEST_NODE and half * abs(u) <= 1.0:
                series = 0.0
                for p in range(N_MOMENTS - 1, -1, -1):
                    series = series * u + nodes[(1 << level) + place, p]
                total += math.exp(0.5 * (nearest - abs(u)) * (nearest + abs(u))) * series
            elif level < levels:
                level += 1
                place *= 2
                continue
            else:
                for i in range(begin, end):
                    terms += 1
                    distance = abs(samples[i] - q)
                    total += weights[i] * math.exp(0.5 * (nearest - distance) * (nearest + distance))
        place += 1
        while level > 0 and place % 2 == 0:
            level -= 1
            place //= 2
        if level == 0:
            return math.log(total) - 0.5 * nearest * nearest, terms


@njit(cache=True)
def _log_sum_from_boxes(q, origin, moments, nearest):  # type: ignore[no-untyped-def]
    """log sum_i exp(-(q - x_i)^2 / 2) from the boxes around q; ``nearest`` is the distance to the nearest sample."""
    top = 0.5 * nearest * nearest
    reach = math.sqrt(nearest * nearest + 2 * NEGLIGIBLE)
    begin = max(0, int((q - reach - origin) / SPACING))
    end = min(len(moments), int((q + reach - origin) / SPACING) + 2)
    total = 0.0
    for box in range(begin, end):
        if moments[box, 0] > 0.0:
            u = q - (origin + box * SPACING)
            series = 0.0
            for p in range(N_MOMENTS - 1, -1, -1):
                series = series * u + moments[box, p]
            total += math.exp(top - 0.5 * u * u) * series
    return math.log(total) - top


@njit(cache=True)
def _log_sums(queries, samples, weights, origin, moments):  # type: ignore[no-untyped-def]
    """The log sums at queries without the table: from the boxes as far as their moments are accurate, else from the tree."""
    out = np.empty(len(queries))
    beyond = np.empty(len(queries), np.int64)
    n_beyond = 0
    begin = origin + PADDING * SPACING
    end = origin + (len(moments) - 1 - PADDING) * SPACING
    for i in range(len(queries)):
        q = queries[i]
        nearest = _distance_to_nearest(q, samples, np.searchsorted(samples, q))
        out[i] = nearest
        if nearest <= REACH and begin <= q <= end:
            out[i] = _log_sum_from_boxes(q, origin, moments, nearest)
        else:
            beyond[n_beyond] = i
            n_beyond += 1
    levels = _levels(len(samples))
    if n_beyond <= levels:  # a tree costs more than as many sums
        levels = 0
    if n_beyond > 0:
        nodes = _tree(samples, weights, levels)
        for i in beyond[:n_beyond]:
            out[i], _ = _log_sum_from_tree(queries[i], out[i], samples, weights, nodes, levels)
    return out


@njit(cache=True, fastmath={"contract"})
def _look_up(queries, origin, scale, log_normaliser, first, polynomials, sharp):  # type: ignore[no-untyped-def]
    """The log sums at scale * (queries - origin), less log_normaliser, and for which the table has none."""
    out = np.empty(len(queries))
    rest = np.empty(len(queries), np.int64)
    n_rest = 0
    for i in range(len(queries)):
        position = ((np.float64(queries[i]) - origin) * scale - first) * BOXES_PER_BANDWIDTH
        cell = np.int64(position) if 0.0 <= position < len(polynomials) else -1
        if cell < 0 or sharp[cell]:
            rest[n_rest] = i
            n_rest += 1
            continue
        t = position - np.float64(cell)
        c = polynomials[cell]
        # Estrin's scheme: short chains of dependent operations
        u = t * t
        low = (c[0] + c[1] * t) + (c[2] + c[3] * t) * u
        high = (c[4] + c[5] * t) + (c[6] + c[7] * t) * u
        out[i] = low + high * (u * u) - log_normaliser
    return out, rest[:n_rest]
