"""Intervals, differences and verdicts against slow references, their laws, and their coverage by simulation."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special, stats

from nodescope.numerics.intervals import (
    CANNOT_TELL,
    ON_THIS_TEST_SET,
    REAL,
    Estimate,
    benjamini_hochberg,
    combined_errors,
    holm,
    mcnemar,
    over_grid,
    over_seeds,
    paired,
    paired_over_grid,
    t_quantile,
    verdicts,
    wilson,
)

NUMBERS = st.integers(-(10**9), 10**9).map(lambda number: number / 1e6)
SEVERAL = st.lists(NUMBERS, min_size=2, max_size=12)


@st.composite
def answers(draw, configurations=1):
    shape = (configurations, draw(st.integers(2, 6)), draw(st.integers(2, 40)))
    return draw(arrays(bool, shape)), draw(arrays(bool, shape))


def slow_paired(right_a, right_b):
    """The definition, by loops."""
    n, samples = len(right_a), len(right_a[0])
    d = [sum(right_a[s]) / samples - sum(right_b[s]) / samples for s in range(n)]
    e = [sum(float(right_a[s][i]) - float(right_b[s][i]) for s in range(n)) / n for i in range(samples)]
    mean = sum(d) / n
    of_seeds = math.sqrt(sum((x - mean) ** 2 for x in d) / (n - 1) / n)
    of_samples = math.sqrt(sum((x - sum(e) / samples) ** 2 for x in e) / (samples - 1) / samples)
    return mean, math.sqrt(of_seeds**2 + of_samples**2)


# --- one value per seed ---


@given(SEVERAL)
def test_the_interval_over_seeds_is_scipys(values):
    found = over_seeds(values)
    assert found.centre == pytest.approx(np.mean(values), abs=1e-9)
    if found.equal_in_all_seeds:
        assert len(set(values)) == 1 and found.p_value is None and found.interval == (values[0], values[0])
        return
    expected = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert found.interval == pytest.approx(expected, rel=1e-9, abs=1e-9)
    if stats.sem(values) > 1e-6:
        assert found.p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("values", [[0.7], [0.7, math.nan], [math.nan, 3.0, math.nan]])
def test_one_seed_has_a_value_and_no_interval(values):
    found = over_seeds(values)
    assert found.centre is not None and found.seeds == 1
    assert found.interval is found.standard_error is found.p_value is None
    assert verdicts([found], on_test_set=False) == [CANNOT_TELL]


def test_no_seed_has_nothing():
    assert over_seeds([math.nan]) == over_seeds([]) == Estimate(None, 0, 0, None)
    assert verdicts([over_seeds([])], on_test_set=False) == [None]


@given(NUMBERS.filter(bool), st.integers(2, 9))
def test_seeds_that_are_equal_are_said_to_be_and_not_tested(value, n):
    found = over_seeds([value] * n)
    assert found.equal_in_all_seeds and found.p_value is None and found.centre == value
    assert verdicts([found], on_test_set=False) == [f"in all {n} seeds"]


# --- differences ---


@given(answers())
def test_a_paired_difference_is_that_of_the_definition(both):
    (a,), (b,) = both
    found = paired(a, b)
    mean, error = slow_paired(a.tolist(), b.tolist())
    assert found.centre == pytest.approx(mean, abs=1e-12)
    assert found.standard_error == pytest.approx(error, abs=1e-12)
    half = stats.t.ppf(0.975, len(a) - 1) * error
    assert found.interval == pytest.approx((mean - half, mean + half), abs=1e-9)


@given(answers())
def test_a_difference_turns_round_with_its_sides(both):
    (a,), (b,) = both
    one, other = paired(a, b), paired(b, a)
    assert one.centre == -other.centre
    assert one.standard_error == other.standard_error and one.same_sign == other.same_sign
    assert verdicts([one], on_test_set=True) == verdicts([other], on_test_set=True)


@given(answers(), st.integers(1, 5))
def test_what_both_get_right_alike_cancels(both, extra):
    """Samples that both sides get right, or both wrong, in every seed move neither sign nor count of differences."""
    (a,), (b,) = both
    ones = np.ones((len(a), extra), bool)
    found = paired(np.hstack([a, ones]), np.hstack([b, ones]))
    other = paired(np.hstack([a, ~ones]), np.hstack([b, ~ones]))
    assert found == other
    assert found.centre * found.samples == pytest.approx(paired(a, b).centre * a.shape[1])


@given(SEVERAL, NUMBERS)
def test_a_shift_moves_the_centre_alone(values, shift):
    array = np.round(values, 3)
    one, other = over_seeds(array), over_seeds(array + round(shift, 3))
    assert other.centre - one.centre == pytest.approx(round(shift, 3), abs=1e-9)
    assert other.standard_error == pytest.approx(one.standard_error, abs=1e-9)


@given(answers(configurations=2))
def test_an_identical_pair_of_configurations_moves_no_centre(both):
    """Every configuration twice gives the same estimate; a factor over a grid is not made surer by repetition."""
    a, b = both
    one = paired_over_grid(a, b)
    twice = paired_over_grid(np.concatenate([a, a]), np.concatenate([b, b]))
    assert twice.centre == pytest.approx(one.centre, abs=1e-12)
    assert twice.standard_error == pytest.approx(one.standard_error, abs=1e-12)
    assert twice.freedom == one.freedom


def test_the_seed_is_the_unit_of_a_factor_over_a_grid():
    """The example of the methods: means per seed 0.91, 1.25, 0.63 points give [0.15, 1.71], p 0.036."""
    values = np.array([[0.81, 1.35, 0.53], [1.01, 1.15, 0.73]])
    found = over_grid(values)
    assert found.seeds == 3 and found.centre == pytest.approx(0.93)
    assert found.interval == pytest.approx((0.155, 1.705), abs=0.01)
    assert found.p_value == pytest.approx(0.036, abs=0.001)


def test_a_case_or_a_seed_that_is_missing_is_left_out_of_a_grid():
    nan = math.nan
    assert over_grid([[1.0, 3.0, 5.0], [nan, nan, nan]]) == over_seeds([1.0, 3.0, 5.0])
    assert over_grid([[1.0, 3.0, 5.0], [3.0, nan, 7.0]]) == over_seeds([2.0, 6.0])
    assert over_grid([[1.0, nan], [nan, 7.0]]) == over_seeds([1.0, 7.0])
    assert over_grid([[nan]]).centre is None


@given(SEVERAL, SEVERAL)
def test_two_errors_together_have_the_interval_of_scipys_welch(a, b):
    errors = stats.sem(a), stats.sem(b)
    assume(min(errors) > 1e-6)
    error, freedom = combined_errors(errors, [len(a) - 1, len(b) - 1])
    found = Estimate(float(np.mean(a) - np.mean(b)), min(len(a), len(b)), freedom, error)
    expected = stats.ttest_ind(a, b, equal_var=False)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval()), rel=1e-6, abs=1e-6)


def test_a_known_error_has_no_degrees_of_freedom_to_lose():
    assert combined_errors([3.0, 4.0], [math.inf, math.inf]) == (5.0, math.inf)
    error, freedom = combined_errors([1.0, 1.0], [2, math.inf])
    assert (error, freedom) == (pytest.approx(math.sqrt(2)), pytest.approx(8))
    assert t_quantile(math.inf) == pytest.approx(1.959964)


# --- samples of one test set ---


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_an_accuracy_is_scipys(counts):
    right, samples = counts
    expected = stats.binomtest(right, samples).proportion_ci(0.95, method="wilson")
    assert wilson(right, samples) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_no_sample_has_no_interval():
    assert wilson(0, 0) is None


@given(arrays(bool, (2, 30)))
def test_one_net_against_one_is_an_exact_binomial_test(both):
    a, b = both
    alone = int((a & ~b).sum()), int((b & ~a).sum())
    expected = stats.binomtest(alone[0], sum(alone)).pvalue if sum(alone) else 1.0
    assert mcnemar(a, b) == pytest.approx(expected, abs=1e-12)
    assert mcnemar(a, b) == mcnemar(b, a)


# --- many at once ---

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(P_VALUES)
def test_holms_correction_is_that_of_the_definition(p):
    order = np.argsort(p, kind="stable")
    expected = np.empty(len(p))
    expected[order] = np.minimum(1, np.maximum.accumulate((len(p) - np.arange(len(p))) * np.array(p)[order]))
    assert holm(p) == pytest.approx(expected.tolist())
    assert holm([None, *p, None]) == [None, *holm(p), None]


@given(P_VALUES)
def test_benjamini_hochberg_is_scipys(p):
    expected = stats.false_discovery_control(p) <= 0.05
    clear = np.abs(stats.false_discovery_control(p) - 0.05) > 1e-12
    assert (np.array(benjamini_hochberg(p)) == expected)[clear].all()
    assert benjamini_hochberg([None, *p]) == [False, *benjamini_hochberg(p)]


def test_nothing_to_correct():
    assert holm([]) == [] and benjamini_hochberg([]) == [] and benjamini_hochberg([None]) == [False]


# --- verdicts ---


def made(d, sample_error, samples=500):
    values = over_seeds(d)
    return Estimate(
        values.centre, values.seeds, values.freedom, values.seed_error, values.same_sign, samples, sample_error
    )


@pytest.mark.parametrize(
    ("d", "sample_error", "verdict"),
    [
        ([0.050, 0.052, 0.048], 0.001, REAL),
        ([0.050, 0.052, 0.048], 0.02, ON_THIS_TEST_SET),
        ([0.050, 0.052, 0.048], None, ON_THIS_TEST_SET),  # what another test set would say is not known
        ([0.01, 0.05, 0.09, 0.03], 0.001, "in all 4 seeds"),
        ([0.01, -0.05, 0.09], 0.001, CANNOT_TELL),
        ([-0.050, -0.052, -0.048], 0.001, REAL),
        ([0.05, 0.05, 0.05], 0.001, REAL),  # equal seeds: the samples decide
        ([0.05, 0.05, 0.05], 0.02, "in all 3 seeds"),
        ([0.05, 0.05, 0.05], 0.0, "in all 3 seeds"),  # no noise is known: no test
        ([0.05, 0.05, 0.05], None, "in all 3 seeds"),
        ([0.0012, 0.0013, 0.0014], 0.0, CANNOT_TELL),  # less than one of 500 samples
    ],
)
def test_a_verdict_says_what_survives(d, sample_error, verdict):
    assert verdicts([made(d, sample_error)], on_test_set=True) == [verdict]


def test_what_is_alone_real_may_not_be_among_many():
    clear, close = made([0.050, 0.052, 0.048], 0.001), made([0.02, 0.05, 0.08], 0.0)
    close = made([0.03, 0.05, 0.06], 0.0)
    assert verdicts([close], on_test_set=True) == [REAL]
    assert verdicts([close, *[made([0.01, -0.01, 0.02], 0.01)] * 9], on_test_set=True)[0] == "in all 3 seeds"
    assert verdicts([clear, made([0.01, -0.01, 0.02], 0.01)], on_test_set=True) == [REAL, CANNOT_TELL]


def test_without_a_test_set_the_seeds_alone_decide():
    assert verdicts([over_seeds([4.0, 4.1, 3.9])], on_test_set=False) == [REAL]


@settings(max_examples=50)
@given(answers())
def test_less_than_one_sample_is_never_told(both):
    (a,), (b,) = both
    found = paired(a, b)
    if abs(a.sum() - b.sum()) < len(a):
        assert verdicts([found], on_test_set=True) == [CANNOT_TELL]


# --- coverage ---


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_the_t_interval_covers_95_percent(n):
    draws = np.random.default_rng(n).normal(0.3, 0.01, (20_000, n))
    half = t_quantile(n - 1) * draws.std(axis=1, ddof=1) / math.sqrt(n)
    assert 0.93 < (np.abs(draws.mean(axis=1) - 0.3) <= half).mean() < 0.97
    assert over_seeds(draws[0]).interval == pytest.approx((draws[0].mean() - half[0], draws[0].mean() + half[0]))


def test_wilsons_interval_covers_95_percent_of_accuracies():
    random = np.random.default_rng(0)
    for samples in (100, 359):
        truth = random.uniform(0.6, 0.97, 4_000)
        right = random.binomial(samples, truth)
        ends = {int(count): wilson(int(count), samples) for count in np.unique(right)}
        inside = [ends[int(k)][0] <= p <= ends[int(k)][1] for k, p in zip(right, truth, strict=True)]
        assert 0.93 < np.mean(inside) < 0.97


@pytest.mark.parametrize(
    ("seed_effect", "sample_effect"), [(2.0, 0.0), (0.0, 0.7), (0.6, 0.7)], ids=["seeds", "samples", "both"]
)
def test_the_paired_interval_covers_the_true_difference_of_new_seeds_and_new_samples(seed_effect, sample_effect):
    """Nets are right by chance, by their seed and by the sample; two methods of the same quality differ by 0 in truth.

    Both noises count in the interval, and what is particular to a sample and a seed counts twice: it may be too wide,
    never too narrow. It covers as it should where the seeds' noise leads.
    """
    random = np.random.default_rng(7)
    runs, n, samples = 1_500, 5, 300
    inside = 0
    for _ in range(runs):
        of_seed = seed_effect * random.normal(size=(2, n, 1))
        of_sample = sample_effect * random.normal(size=(2, 1, samples))
        right = special.expit(0.5 + of_seed + of_sample) > random.random((2, n, samples))
        low, high = paired(right[0], right[1]).interval
        inside += low <= 0 <= high
    assert inside / runs > 0.93
    if seed_effect and not sample_effect:
        assert inside / runs < 0.97
