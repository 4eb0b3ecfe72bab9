"""The tabulated log density equals the exact one, far tails included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from sklearn.neighbors import KernelDensity as ScikitLearnKernelDensity

from nodescope.analyses.kernel_density import MAX_GRID, MIN_BANDWIDTH, SPACING, bandwidth, compile_ahead, fit

TOLERANCE_NATS = 1e-4


def exact_log_density(queries, samples, h):
    """The definition, in float64."""
    queries, samples = np.asarray(queries, np.float64), np.asarray(samples, np.float64)
    terms = -((queries[:, None] - samples[None]) ** 2) / (2 * h**2)
    return logsumexp(terms, axis=1) - np.log(len(samples) * h * np.sqrt(2 * np.pi))


def worst_error(queries, samples, h):
    estimate = fit(samples, h, float(np.min(queries)), float(np.max(queries)))(queries)
    return np.abs(estimate - exact_log_density(queries, samples, h)).max()


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    clusters=st.integers(1, 5),
    log_spread=st.floats(-1, 2.5),
    log_width=st.floats(-3, 1),
    size=st.sampled_from([1, 2, 3, 10, 100, 800]),
    h=st.sampled_from([0.02, 0.2, 1.0]),
)
def test_it_is_exact_to_a_ten_thousandth_of_a_nat_for_any_clusters(seed, clusters, log_spread, log_width, size, h):
    random = np.random.default_rng(seed)
    centres = random.normal(0, 10**log_spread, clusters)
    samples = np.concatenate(
        [random.normal(c, 10**log_width, max(1, int(size * random.uniform() ** 3))) for c in centres]
    )
    low, high = samples.min(), samples.max()
    reach = high - low + 20 * h
    queries = np.concatenate(
        [
            random.uniform(low - reach / 2, high + reach / 2, 300),
            samples[:100],
            random.choice(samples, 100) + random.normal(0, 3 * h, 100),
        ]
    )
    assert worst_error(queries, samples, h) < TOLERANCE_NATS


def test_far_tails_follow_the_nearest_sample():
    samples, h = np.array([0.0, 0.1, 5.0]), 0.2
    queries = np.array([-300.0, -30.0, 40.0, 500.0])
    estimate = fit(samples, h, -300, 500)(queries)
    assert np.isfinite(estimate).all()
    np.testing.assert_allclose(estimate, exact_log_density(queries, samples, h), rtol=1e-12)
    nearest = np.abs(queries[:, None] - samples).min(axis=1)
    np.testing.assert_allclose(estimate, -(nearest**2) / (2 * h**2), rtol=1e-2)


def test_it_agrees_with_scikit_learn():
    random = np.random.default_rng(1)
    samples, queries = random.normal(0, 1, 500), random.normal(0, 2, 400)
    reference = ScikitLearnKernelDensity(bandwidth=0.2, kernel="gaussian").fit(samples[:, None])
    np.testing.assert_allclose(
        fit(samples, 0.2, queries.min(), queries.max())(queries),
        reference.score_samples(queries[:, None]),
        atol=TOLERANCE_NATS,
    )


def test_identical_samples_and_float32_queries():
    samples = np.full(50, 1.5, np.float32)
    queries = np.array([1.5, 1.4, 9.0], np.float32)
    assert worst_error(queries, samples, 0.2) < TOLERANCE_NATS


def test_a_range_beyond_the_table_is_answered_exactly():
    samples = np.array([0.0, 0.3, 4000.0])
    queries = np.array([-3000.0, 0.1, 1999.0, 4000.2, 9000.0])
    assert (queries.max() - queries.min()) / 0.2 / SPACING > MAX_GRID
    np.testing.assert_allclose(
        fit(samples, 0.2, queries.min(), queries.max())(queries), exact_log_density(queries, samples, 0.2), rtol=1e-10
    )


def test_queries_outside_the_announced_range_are_answered_too():
    samples = np.random.default_rng(2).normal(size=200)
    estimate = fit(samples, 0.2, -1, 1)
    queries = np.array([-8.0, -1.2, 0.5, 1.01, 30.0])
    np.testing.assert_allclose(estimate(queries), exact_log_density(queries, samples, 0.2), atol=TOLERANCE_NATS)


@pytest.mark.parametrize("half_range", [0.05, 0.1, 1.0, 8.0])
def test_a_bend_at_the_edge_of_the_table_is_exact_too(half_range):
    random = np.random.default_rng(0)
    samples = np.concatenate([random.normal(-2.5, 0.1, 400), random.normal(2.5, 0.1, 30)])
    for middle in np.linspace(-0.4, 0.4, 17):
        queries = np.linspace(middle - half_range, middle + half_range, 200)
        assert worst_error(queries, samples, 0.2) < TOLERANCE_NATS


@pytest.mark.parametrize("rule", ["scott", "silverman"])
def test_bandwidth_rules_are_those_of_scipy(rule):
    from scipy.stats import gaussian_kde

    samples = np.random.default_rng(3).normal(0, 3, 300)
    reference = gaussian_kde(samples, bw_method=rule)
    assert bandwidth(samples, rule) == pytest.approx(float(np.sqrt(reference.covariance[0, 0])))


def test_a_constant_node_gets_the_smallest_bandwidth_of_a_rule():
    assert bandwidth(np.full(10, 2.0), "scott") == MIN_BANDWIDTH
    assert bandwidth(np.array([2.0]), "silverman") == MIN_BANDWIDTH
    assert bandwidth(np.full(10, 2.0), 0.2) == 0.2


def test_after_compiling_ahead_nothing_is_left_to_compile():
    from nodescope.analyses import kernel_density

    compile_ahead()
    before = {name: len(f.signatures) for name, f in vars(kernel_density).items() if hasattr(f, "signatures")}
    for dtype in (np.float32, np.float64):
        samples = np.random.default_rng(0).normal(size=50).astype(dtype)
        fit(samples, 0.2, -30.0, 30.0)(samples)
    assert before == {name: len(f.signatures) for name, f in vars(kernel_density).items() if hasattr(f, "signatures")}
    assert len(before) > 5
