"""Gaussian kernel density estimates in one dimension: log densities at many points, right far out in the tails.

The estimate is ``p(q) = 1 / (n h sqrt(2 pi)) sum_i exp(-(q - x_i)^2 / 2 h^2)``. Evaluating it exactly costs one
exponential per pair of query and sample. Here it is tabulated once and looked up:

1. In units of the bandwidth, a grid of spacing 1/8 is laid over samples and queries. Samples are summed into
   boxes around the grid points as Taylor moments ``M_p = sum exp(-t^2/2) t^p / p!`` of their offsets ``t``; then
   ``exp(-(g-b-t)^2/2) = exp(-(g-b)^2/2) exp((g-b) t) exp(-t^2/2)`` gives the density at a grid point from the
   boxes around it (a fast Gauss transform; Greengard & Strain 1991). All its terms count relative to the
   density itself, so logarithms are safe. Grid points far from every sample are summed exactly, in log space.
2. Queries are answered by a polynomial through the *log* density at the eight grid points around them.
3. Where the log density bends too sharply for that (between far-apart clusters), which is found by predicting
   each grid point from its second neighbours, queries are summed exactly instead.

The error against the exact sum stays below 1e-4 nats, tails included (tested).
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]

BOXES_PER_BANDWIDTH = 8
N_MOMENTS = 7
WINDOW = 9 * BOXES_PER_BANDWIDTH  # boxes to either side that a grid point sums over
NEAR = 5 * BOXES_PER_BANDWIDTH  # a grid point with no sample this near is summed exactly
MAX_GRID = 65536
STENCIL = 8
BEND_TOLERANCE = 2e-3  # nats; a polynomial on the full grid is about 2^8 times better than the prediction
NEGLIGIBLE = 40.0  # nats below the largest term

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
    """A fitted estimate; call it with queries. See `fit`."""

    h: float
    scaled_samples: NDArray[np.float64]
    table: tuple[float, NDArray[np.float64], NDArray[np.bool_]]

    def __call__(self, queries: FloatArray) -> NDArray[np.float64]:
        """Log density [M] in nats at finite queries [M]; always finite."""
        log_normaliser = math.log(len(self.scaled_samples) * self.h * math.sqrt(2 * math.pi))
        return look_up(queries, 1 / self.h, log_normaliser, self.scaled_samples, *self.table)  # type: ignore[no-any-return]


def fit(samples: FloatArray, h: float, lowest: float, highest: float) -> KernelDensity:
    """Fit a Gaussian kernel density estimate.

    Parameters
    ----------
    samples : array [N]
        What the estimate is made from; finite, at least one.
    h : float
        Bandwidth.
    lowest, highest : float
        Where queries will lie. Queries elsewhere are answered too, but slowly.
    """
    scaled = np.sort(samples).astype(np.float64) / h
    return KernelDensity(h, scaled, tabulate(scaled, lowest / h, highest / h))


def tabulate(
    samples: NDArray[np.float64], lowest: float, highest: float
) -> tuple[float, NDArray[np.float64], NDArray[np.bool_]]:
    """Polynomials for the log of ``sum_i exp(-(q - x_i)^2 / 2)`` between two values of q.

    Parameters
    ----------
    samples : float64 array [N]
        Sorted, in units of the bandwidth.
    lowest, highest : float
        The range of the queries; a range of more than `MAX_GRID` cells is tabulated around the samples' median.

    Returns
    -------
    first : float
        Where the first cell begins.
    polynomials : float64 array [cell, 8]
        Coefficients in the offset from the cell's beginning, in cells.
    unreliable : bool array [cell]
        Cells whose queries must be summed exactly.
    """
    spacing = 1.0 / BOXES_PER_BANDWIDTH
    cells = math.floor((highest - lowest) / spacing) + 1
    if cells > MAX_GRID:
        cells = MAX_GRID
        lowest = float(samples[len(samples) // 2]) - cells * spacing / 2
    first = math.floor(lowest / spacing) * spacing
    grid = _log_sums(samples, first - 3 * spacing, cells + STENCIL, _WEIGHTS)
    return first, _polynomials(grid, _INVERSE_VANDERMONDE), _unreliable_cells(grid)


def _inverse_vandermonde() -> NDArray[np.float64]:
    """Maps the values at the nodes -3 ... 4 to the coefficients of the polynomial through them."""
    nodes = np.arange(STENCIL) - 3.0
    return np.linalg.inv(np.vander(nodes, increasing=True))


_INVERSE_VANDERMONDE = _inverse_vandermonde()

# Distances g - b from a grid point to the boxes around it, in the order of the boxes; weights [moment, box].
_DISTANCES = np.arange(WINDOW, -WINDOW - 1, -1) / BOXES_PER_BANDWIDTH
_WEIGHTS = np.exp(-(_DISTANCES**2) / 2) * _DISTANCES ** np.arange(N_MOMENTS)[:, None]


@njit(cache=True, fastmath={"reassoc", "contract"})
def _sum_of_products(a, b):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@njit(cache=True)
def _exact_log_sum(q, samples):  # type: ignore[no-untyped-def]
    """log sum_i exp(-(q - x_i)^2 / 2) over sorted samples, from the nearest outwards."""
    right = np.searchsorted(samples, q)
    left = right - 1
    n = len(samples)
    nearest = 1e300
    if right < n:
        nearest = samples[right] - q
    if left >= 0:
        nearest = min(nearest, q - samples[left])
    top = -0.5 * nearest * nearest
    total = 0.0
    for i in range(right, n):
        d = samples[i] - q
        term = -0.5 * d * d - top
        if term < -NEGLIGIBLE:
            break
        total += math.exp(term)
    for i in range(left, -1, -1):
        d = q - samples[i]
        term = -0.5 * d * d - top
        if term < -NEGLIGIBLE:
            break
        total += math.exp(term)
    return top + math.log(total)


@njit(cache=True)
def _log_sums(samples, first, points, weights):  # type: ignore[no-untyped-def]
    """log sum_i exp(-(g - x_i)^2 / 2) at ``points`` grid points from ``first`` on."""
    spacing = 1.0 / BOXES_PER_BANDWIDTH
    # Boxes for the grid and a window to either side; samples beyond are out of every grid point's reach.
    boxes = points + 2 * WINDOW
    moments = np.zeros((N_MOMENTS, boxes))
    occupied = np.zeros(boxes, np.bool_)
    origin = first - WINDOW * spacing
    for x in samples:
        position = (x - origin) / spacing
        if position < -0.5 or position >= boxes - 0.5:
            continue
        box = int(math.floor(position + 0.5))
        offset = x - (origin + box * spacing)
        term = math.exp(-0.5 * offset * offset)
        occupied[box] = True
        for p in range(N_MOMENTS):
            moments[p, box] += term
            term *= offset / (p + 1)
    out = np.empty(points)
    # Distance, in boxes, from each grid point to the nearest occupied box.
    nearest = np.full(boxes, boxes)
    last = -boxes
    for box in range(boxes):
        if occupied[box]:
            last = box
        nearest[box] = box - last
    last = 2 * boxes
    for box in range(boxes - 1, -1, -1):
        if occupied[box]:
            last = box
        nearest[box] = min(nearest[box], last - box)
    for point in range(points):
        if nearest[point + WINDOW] <= NEAR:
            total = 0.0
            for p in range(N_MOMENTS):
                total += _sum_of_products(weights[p], moments[p, point : point + 2 * WINDOW + 1])
            out[point] = math.log(total)
        else:
            out[point] = _exact_log_sum(first + point * spacing, samples)
    return out


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
def _unreliable_cells(grid):  # type: ignore[no-untyped-def]
    """Cells near a grid point that its second neighbours do not predict."""
    cells = len(grid) - STENCIL
    out = np.zeros(cells, np.bool_)
    for point in range(len(grid)):
        if point < 7 or point >= len(grid) - 7:
            continue
        predicted = (
            1225.0 * (grid[point - 1] + grid[point + 1])
            - 245.0 * (grid[point - 3] + grid[point + 3])
            + 49.0 * (grid[point - 5] + grid[point + 5])
            - 5.0 * (grid[point - 7] + grid[point + 7])
        ) / 2048.0
        if abs(predicted - grid[point]) > BEND_TOLERANCE:
            # cell c interpolates grid points c ... c + 7 and spans c + 3 to c + 4
            for cell in range(max(0, point - 11), min(cells, point + 5)):
                out[cell] = True
    return out


@njit(cache=True, fastmath={"contract"})
def look_up(queries, scale, log_normaliser, samples, first, polynomials, unreliable):  # type: ignore[no-untyped-def]
    """The tabulated log sums at scale * queries, less log_normaliser, float64 [M].

    The other arguments are as `tabulate` takes and gives them.
    """
    out = np.empty(len(queries))
    exact = np.empty(len(queries), np.int64)
    n_exact = 0
    for i in range(len(queries)):
        position = (queries[i] * scale - first) * BOXES_PER_BANDWIDTH
        cell = np.int64(position) if 0.0 <= position < len(polynomials) else -1
        if cell < 0 or unreliable[cell]:
            exact[n_exact] = i
            n_exact += 1
            continue
        t = position - np.float64(cell)
        c = polynomials[cell]
        # Estrin's scheme: short chains of dependent operations
        u = t * t
        low = (c[0] + c[1] * t) + (c[2] + c[3] * t) * u
        high = (c[4] + c[5] * t) + (c[6] + c[7] * t) * u
        out[i] = low + high * (u * u) - log_normaliser
    # A call within the loop above would make it ten times slower.
    for i in exact[:n_exact]:
        out[i] = _exact_log_sum(queries[i] * scale, samples) - log_normaliser
    return out
