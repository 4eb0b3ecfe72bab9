"""The tabulated log density equals the exact one, far tails included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from sklearn.neighbors import KernelDensity as ScikitLearnKernelDensity

from nodescope.numerics import kernel_density
from nodescope.numerics.kernel_density import (
    EDGE,
    LEAST_GRID,
    MAX_GRID,
    MIN_BANDWIDTH,
    SPACING,
    bandwidth,
    compile_ahead,
    fit,
    most_terms,
)

TOLERANCE_NATS = 1e-4


def exact_log_density(queries, samples, h):
    """The definition, in float64."""
    queries, samples = np.asarray(queries, np.float64), np.asarray(samples, np.float64)
    terms = -((queries[:, None] - samples[None]) ** 2) / (2 * h**2)
    return logsumexp(terms, axis=1) - np.log(len(samples) * h * np.sqrt(2 * np.pi))


def worst_error(queries, samples, h):
    estimate = fit(samples, h, float(np.min(queries)), float(np.max(queries)))(queries)
    return np.abs(estimate - exact_log_density(queries, samples, h)).max()


@settings(max_examples=150)
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
    compile_ahead()
    before = {name: len(f.signatures) for name, f in vars(kernel_density).items() if hasattr(f, "signatures")}
    for dtype in (np.float32, np.float64):
        samples = np.random.default_rng(0).normal(size=50).astype(dtype)
        fit(samples, 0.2, -30.0, 30.0)(samples)
        fit(samples, 0.2, -30.0, 30.0)(samples * 1000)
    assert before == {name: len(f.signatures) for name, f in vars(kernel_density).items() if hasattr(f, "signatures")}
    assert len(before) > 5


def adversarial(name, random, size):
    """Samples that have cost or may cost much, and a bandwidth."""
    made = {
        "a constant": lambda: np.full(size, 3.25),
        "a constant and one far away": lambda: np.append(np.full(size - 1, -0.5), 7e4),
        "two values": lambda: random.choice([0.0, 12.0], size),
        "whole numbers": lambda: random.poisson(3, size).astype(float),
        "half zeros": lambda: np.maximum(random.normal(size=size), 0),
        "clusters far apart": lambda: (
            random.normal(0, 1e5, 40)[random.integers(40, size=size)] + random.normal(size=size)
        ),
        "nearly constant": lambda: 5 + 1e-7 * random.normal(size=size),
        "subnormal spread": lambda: np.float32(1e-42) * random.integers(0, 9, size),
        "far from zero": lambda: np.full(size, 1e9) + random.integers(0, 2, size) * 64,
        "heavy tails": lambda: random.standard_cauchy(size),
        "heavier tails": lambda: np.exp(random.normal(0, 8, size)),
    }
    return made[name]().astype(np.float32)


KINDS = [
    "a constant", "a constant and one far away", "two values", "whole numbers", "half zeros", "clusters far apart",
    "nearly constant", "subnormal spread", "far from zero", "heavy tails", "heavier tails",
]  # fmt: skip


@pytest.mark.parametrize("rule", ["scott", "silverman", 0.2, 1e-3])
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_exact_for_samples_of_any_kind(kind, rule):
    random = np.random.default_rng(7)
    samples = adversarial(kind, random, 700)
    h = bandwidth(samples, rule)
    spread = 1 + samples.astype(np.float64).std()
    queries = np.concatenate(
        [samples[::3], samples[::5] + random.normal(0, 4 * h, 140), random.normal(samples[0], 3 * spread, 200)]
    ).astype(np.float32)
    estimate = fit(samples, h, float(queries.min()), float(queries.max()), len(queries))(queries)
    nearest = np.abs(queries[:, None] - samples[None].astype(np.float64)).min(axis=1) / h
    # Of a number as large as its own rounding errors no more can be asked.
    tolerance = TOLERANCE_NATS + 1e-12 * nearest**2
    assert (np.abs(estimate - exact_log_density(queries, samples, h)) < tolerance).all()


@pytest.mark.parametrize("rule", ["scott", 0.2, 1e-3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [50, 6000])
def test_the_work_is_bounded_whatever_the_samples_are(kind, rule, size):
    random = np.random.default_rng(3)
    samples = adversarial(kind, random, size)
    h = bandwidth(samples, rule)
    estimate = fit(samples, h, -2e9, 2e9, 500)
    assert len(estimate.samples) == len(np.unique(samples)) and estimate.weights.sum() == size
    assert len(estimate.polynomials) <= LEAST_GRID + 2 * EDGE
    assert len(estimate.moments) <= LEAST_GRID + 2 * EDGE + kernel_density.STENCIL + 2 * kernel_density.PADDING
    levels = kernel_density._levels(len(estimate.samples))
    nodes = kernel_density._tree(estimate.samples, estimate.weights, levels)
    places = np.concatenate([random.choice(estimate.samples, 60), 10 ** random.uniform(-3, 9, 60)])
    for q in places + random.normal(0, 3, 120):
        nearest = np.abs(q - estimate.samples).min()
        _, terms = kernel_density._log_sum_from_tree(
            q, nearest, estimate.samples, estimate.weights, nodes, levels
        )  # fmt: skip
        assert terms <= min(most_terms(len(estimate.samples)), 4 * len(estimate.samples))


def test_terms_of_grid_points_far_from_samples_are_counted_and_limited(monkeypatch):
    random = np.random.default_rng(5)
    samples = random.normal(0, 1e-4, 3000)  # all of them count everywhere
    weights, out = np.ones(3000), np.empty(2000)
    left = kernel_density._far_log_sums(np.sort(samples), weights, 10.0, out, 300_000)
    assert left < 0 and np.isfinite(out[:100]).all() and np.isnan(out[100:]).all()
    # What is not tabulated is answered all the same.
    queries = np.linspace(-300, 400, 900)
    assert worst_error(queries, samples, 0.2) < TOLERANCE_NATS


def test_a_constant_takes_no_larger_table_than_its_surroundings():
    """With the smallest bandwidth the range of other classes is ten thousands of bandwidths wide."""
    constant = fit(np.full(4000, 1.5), MIN_BANDWIDTH, -9.0, 9.0, 1800)
    assert len(constant.samples) == 1
    assert len(constant.polynomials) < 500


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), repeats=st.integers(1, 9), shift=st.sampled_from([0.0, 4.0, -1024.0, 2.0**20]))
def test_repeating_all_samples_or_shifting_everything_changes_nothing(seed, repeats, shift):
    random = np.random.default_rng(seed)
    samples = np.round(random.normal(0, 2, 60) * 64) / 64
    queries = np.round(random.normal(0, 30, 80) * 64) / 64
    once = fit(samples, 0.25, queries.min(), queries.max())(queries)
    again = fit(np.tile(samples, repeats) + shift, 0.25, queries.min() + shift, queries.max() + shift)(queries + shift)
    np.testing.assert_allclose(again, once, atol=TOLERANCE_NATS)
