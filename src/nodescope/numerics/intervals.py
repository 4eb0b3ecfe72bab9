"""What a few seeds and one test set allow to say: intervals, differences, corrections, verdicts.

Two kinds of noise are kept apart: another seed gives another network (``seed_error = s / sqrt(n)``, s with n - 1), and
another test set holds other samples (``sample_error = sd(e) / sqrt(N)``). A statement on a method must survive both:
their errors add in squares, and the interval is ``mean +- t(0.975, n - 1) * hypot(seed_error, sample_error)`` (a little
too wide, since what is particular to a sample and a seed is in both). Of one seed there is no interval; of seeds that
all give the same value there is no test.

Sources: Student 1908 (t interval); Wilson 1927 (a share of N samples); Welch 1947 and Satterthwaite 1946 (different
variances); McNemar 1947 in its exact form, advised for single networks by Dietterich 1998; Holm 1979 and Benjamini &
Hochberg 1995 (many comparisons at once). The four words of a verdict are this project's choice.

Dimension letters: C configuration, S seed, N test sample. Missing values are NaN in arrays and None in results.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

#: Of all intervals, and the share of wrong findings that is accepted.
LEVEL = 0.95
ALPHA = 1 - LEVEL

REAL = "real"
ON_THIS_TEST_SET = "on this test set"
IN_ALL_SEEDS = "in all {} seeds"
CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with its errors.

    Attributes
    ----------
    centre : float or None
        The mean; None where no seed has a value.
    seeds : int
        How many seeds have one.
    freedom : float
        Degrees of freedom of the t distribution.
    seed_error : float or None
        Standard error of the mean over the seeds; None for fewer than two.
    same_sign : bool
        Whether the values of all seeds lie on one side of 0.
    samples : int or None
        Of the test set; None where the value does not come from one.
    sample_error : float or None
        Standard error over the samples of the test set.
    """

    centre: float | None
    seeds: int
    freedom: float
    seed_error: float | None
    same_sign: bool = False
    samples: int | None = None
    sample_error: float | None = None

    @property
    def standard_error(self) -> float | None:
        """Of all noise that is known; None for fewer than two seeds."""
        return None if self.seed_error is None else math.hypot(self.seed_error, self.sample_error or 0.0)

    @property
    def equal_in_all_seeds(self) -> bool:
        """Whether two or more seeds all have the same value: then nothing says how much another would differ."""
        return self.seed_error == 0.0

    @property
    def has_test(self) -> bool:
        """Whether some noise is known against which the mean can be held: of the seeds, or of the samples.

        Accuracies are whole numbers of samples, so that seeds are often equal where they differ by less than one; then
        the noise of the samples is the larger one, and decides.
        """
        return not self.equal_in_all_seeds or bool(self.sample_error)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Low and high end; None for fewer than two seeds. Of no width where all noise that is known is 0."""
        error = self.standard_error
        if self.centre is None or error is None:
            return None
        half = t_quantile(self.freedom) * error if error else 0.0
        return self.centre - half, self.centre + half

    @property
    def p_value(self) -> float | None:
        """Two-sided, of the mean being 0; None where there is no test."""
        return self.p_value_beside(0.0)

    @property
    def seed_p_value(self) -> float | None:
        """The same for other seeds on the samples that there are."""
        return None if self.equal_in_all_seeds else replace(self, sample_error=None).p_value

    def p_value_beside(self, value: float) -> float | None:
        """Two-sided, of the mean being ``value``; None where there is no test."""
        if self.centre is None or not self.standard_error:
            return None
        return float(2 * special.stdtr(self.freedom, -abs(self.centre - value) / self.standard_error))


def t_quantile(freedom: float, level: float = LEVEL) -> float:
    """How many standard errors a two-sided t interval reaches to either side; 4.30 for three seeds.

    >>> [round(t_quantile(n - 1), 2) for n in (2, 3, 5, 10)]
    [12.71, 4.3, 2.78, 2.26]
    """
    upper = (1 + level) / 2
    return float(special.ndtri(upper) if math.isinf(freedom) else special.stdtrit(freedom, upper))


def over_seeds(values: ArrayLike) -> Estimate:
    """The mean of one value per seed; NaN is a seed without one.

    Parameters
    ----------
    values
        [S].
    """
    array = np.asarray(values, dtype=np.float64)
    known = array[~np.isnan(array)]
    n = len(known)
    if not n:
        return Estimate(None, 0, 0, None)
    same_sign = bool((known > 0).all() or (known < 0).all())
    # Equal values are told by themselves: their mean may be off by a rounding.
    error = 0.0 if n > 1 and (known == known[0]).all() else None
    centre = float(known[0] if error == 0.0 else known.mean())
    if n > 1 and error is None:
        error = float(known.std(ddof=1) / math.sqrt(n))
    return Estimate(centre, n, n - 1, error, same_sign)


def paired(right_a_SN: ArrayLike, right_b_SN: ArrayLike) -> Estimate:
    """Accuracy of A less that of B, seed by seed on the same test samples, with both kinds of noise.

    Parameters
    ----------
    right_a_SN, right_b_SN
        Whether each seed's net gets each sample right [S, N]; row s of both is the same seed.

    Raises
    ------
    ValueError
        If the two are not of the same seeds and samples.
    """
    return paired_over_grid(np.asarray(right_a_SN)[None], np.asarray(right_b_SN)[None])


def paired_over_grid(right_a_CSN: ArrayLike, right_b_CSN: ArrayLike) -> Estimate:
    """A factor over a grid: accuracy with A less that with B, averaged over matched configurations within each seed.

    The seed is the unit: networks of one seed share initial weights and batches, so that configurations x seeds are no
    independent sample.

    Parameters
    ----------
    right_a_CSN, right_b_CSN
        [C, S, N], as in `paired`.
    """
    a, b = np.asarray(right_a_CSN, np.float64), np.asarray(right_b_CSN, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"nets of the same seeds on the same samples are needed, not shapes {a.shape} and {b.shape}")
    difference_SN = (a - b).mean(axis=0)
    per_sample_N = difference_SN.mean(axis=0)
    n, samples = difference_SN.shape
    # Sums of whole numbers are exact: seeds that are equal must be found equal.
    estimate = over_seeds((a - b).sum(axis=(0, 2)) / (a.shape[0] * samples) if n and samples else [])
    error = float(per_sample_N.std(ddof=1) / math.sqrt(samples)) if n and samples > 1 else None
    return replace(estimate, samples=samples, sample_error=error)


def over_grid(values_CS: ArrayLike) -> Estimate:
    """One value per case and seed: averaged over the cases within each seed, then over the seeds.

    A case without any value is left out, then a seed that lacks one of the others; where no seed has them all, each
    seed is averaged over what it has.
    """
    values = np.asarray(values_CS, dtype=np.float64)
    known = values[~np.isnan(values).all(axis=1)]
    complete = ~np.isnan(known).any(axis=0)
    if len(known) and complete.any():
        return over_seeds(known[:, complete].mean(axis=0))
    present = ~np.isnan(known)
    counts = present.sum(axis=0)
    sums = np.where(present, known, 0.0).sum(axis=0)
    return over_seeds(np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0))


def combined_errors(errors: Sequence[float], freedoms: Sequence[float]) -> tuple[float, float]:
    """Independent standard errors added in squares, and Satterthwaite's degrees of freedom of the sum.

    An error that is known, not estimated, has infinitely many.
    """
    variances = [error**2 for error in errors]
    total = math.fsum(variances)
    spread = math.fsum(v**2 / f for v, f in zip(variances, freedoms, strict=True) if v)
    return math.sqrt(total), (total**2 / spread if spread else math.inf)


def wilson(right: int, samples: int, level: float = LEVEL) -> tuple[float, float] | None:
    """Interval of an accuracy over ``samples`` samples, of which ``right`` are right; None without samples.

    >>> tuple(round(end, 3) for end in wilson(350, 359))
    (0.953, 0.987)
    """
    if not samples:
        return None
    u = float(special.ndtri((1 + level) / 2))
    p, u2 = right / samples, u * u
    middle = p + u2 / (2 * samples)
    half = u * math.sqrt(p * (1 - p) / samples + u2 / (4 * samples**2))
    scale = 1 + u2 / samples
    # At 0 and 1 an end is exact, which rounding must not spoil.
    low = 0.0 if right == 0 else (middle - half) / scale
    return low, 1.0 if right == samples else (middle + half) / scale


def mcnemar(right_a_N: ArrayLike, right_b_N: ArrayLike) -> float:
    """Exact two-sided p value of one net against one net on the same samples; it says nothing on other seeds."""
    a, b = np.asarray(right_a_N, bool), np.asarray(right_b_N, bool)
    alone = int((a & ~b).sum()), int((b & ~a).sum())
    if not sum(alone):
        return 1.0
    return min(1.0, 2 * float(special.bdtr(min(alone), sum(alone), 0.5)))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p values corrected for their number, so that among all findings one is wrong with probability `ALPHA` at most.

    None, where there is no test, stays None and does not count.
    """
    places = sorted((i for i, p in enumerate(p_values) if p is not None), key=lambda i: p_values[i])  # type: ignore[arg-type, return-value]  # None is left out
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(places):
        p = p_values[place]
        assert p is not None
        highest = max(highest, min(1.0, (len(places) - rank) * p))
        corrected[place] = highest
    return corrected


def benjamini_hochberg(p_values: Sequence[float | None], q: float = ALPHA) -> list[bool]:
    """Which of many tests are findings, so that of all findings a share ``q`` is wrong at most, on average."""
    known = np.array([p for p in p_values if p is not None], dtype=np.float64)
    ordered = np.sort(known)
    below = np.flatnonzero(ordered <= q * np.arange(1, len(known) + 1) / max(1, len(known)))
    largest = float(ordered[below[-1]]) if len(below) else -1.0
    return [p is not None and p <= largest for p in p_values]


def verdicts(estimates: Sequence[Estimate], *, on_test_set: bool) -> list[str | None]:
    """The verdict on each of the differences that are shown together, corrected for their number (Holm).

    Parameters
    ----------
    estimates
        Differences; those without a value have no verdict.
    on_test_set
        Whether the values come from a test set: then the noise of its samples counts, and a difference whose sample
        error is not known is never called real.

    Returns
    -------
    list of str or None
        ``real``: the interval with all noise excludes 0. ``on this test set``: only that over the seeds does. ``in all n
        seeds``: all seeds have the same sign, intervals do not exclude 0 or there is no test. ``cannot tell``: else, for
        one seed, and for any difference of less than one sample of the test set.
    """
    has_all = [not on_test_set or estimate.sample_error is not None for estimate in estimates]
    tested = [known and estimate.has_test for known, estimate in zip(has_all, estimates, strict=True)]
    joint = holm([estimate.p_value if known else None for known, estimate in zip(tested, estimates, strict=True)])
    of_seeds = holm([estimate.seed_p_value for estimate in estimates])
    return [
        None if estimate.centre is None else _verdict(estimate, p, seed_p)
        for estimate, p, seed_p in zip(estimates, joint, of_seeds, strict=True)
    ]


def _verdict(estimate: Estimate, p: float | None, seed_p: float | None) -> str:
    assert estimate.centre is not None
    # An average of differences in whole samples may miss one of them by a rounding.
    too_small = estimate.samples is not None and abs(estimate.centre) * estimate.samples < 1 - 1e-9
    if estimate.seeds < 2 or too_small:
        return CANNOT_TELL
    if p is not None and p <= ALPHA:
        return REAL
    if seed_p is not None and seed_p <= ALPHA:
        return ON_THIS_TEST_SET
    return IN_ALL_SEEDS.format(estimate.seeds) if estimate.same_sign else CANNOT_TELL


def in_words(verdict: str | None) -> str:
    """A verdict as the end of a sentence: the difference ...

    >>> in_words("cannot tell")
    'cannot be told from none'
    """
    match verdict:
        case "real":
            return "is real as far as seeds and test samples tell"
        case "on this test set":
            return "is told on this test set, not on another"
        case None | "cannot tell":
            return "cannot be told from none"
        case _:
            return f"has the same sign {verdict} and is not told from none"
