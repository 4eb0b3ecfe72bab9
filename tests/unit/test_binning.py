"""Histograms of values of which few lie far out."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from conftest import random_layer
from hypothesis import given, settings
from hypothesis import strategies as st

from nodescope.analyses.densities import Densities
from nodescope.analyses.distributions import Distributions
from nodescope.analyses.layer_distributions import LayerDistributions
from nodescope.analyses.node_histograms import NodeHistograms
from nodescope.measuring.runner import measure
from nodescope.numerics.binning import binning
from nodescope.numerics.moments import histogram

BINS = 60


def ordinary(values, bins=BINS):
    """Equal bins from the smallest to the largest value: what all histograms were."""
    count, edges = np.histogram(np.asarray(values, np.float64), bins)
    return edges, count


def edges_and_counts(histogram):
    return np.append(histogram["bin_left"], histogram["bin_right"][-1]), np.asarray(histogram["count"])


def body(kind, random, size=600):
    made = {
        "normal": lambda: random.normal(3, 2, size),
        "uniform": lambda: random.uniform(-1, 1, size),
        "half zeros": lambda: np.maximum(random.normal(0, 1, size), 0),
        "nearly all zeros": lambda: np.maximum(random.normal(-1, 1, size), 0),
        "two clusters": lambda: np.where(random.random(size) < 0.1, 40, 0) + random.normal(size=size),
        "saturated": lambda: 1 / (1 + np.exp(-random.normal(0, 6, size))),
        "exponential": lambda: random.exponential(1, size),
    }
    return made[kind]()


KINDS = ["normal", "uniform", "half zeros", "nearly all zeros", "two clusters", "saturated", "exponential"]


@pytest.mark.parametrize("size", [5, 600, 9000])
@pytest.mark.parametrize("kind", KINDS)
def test_values_without_outliers_keep_equal_bins_from_the_smallest_to_the_largest(kind, size):
    values = body(kind, np.random.default_rng(1), size)
    edges, count = edges_and_counts(histogram(values, BINS))
    expected_edges, expected_count = ordinary(values)
    np.testing.assert_array_equal(edges, expected_edges)
    np.testing.assert_array_equal(count, expected_count)


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(KINDS),
    size=st.sampled_from([500, 4000]),
    far=st.floats(3, 30),
    sign=st.sampled_from([-1, 1]),
)
def test_a_value_far_out_changes_nothing_but_the_count_of_one_end(seed, kind, size, far, sign):
    values = body(kind, np.random.default_rng(seed), size)
    outlier = sign * 10.0**far * max(1, np.abs(values).max())
    edges, count = edges_and_counts(histogram(np.append(values, outlier), BINS))
    expected_edges, expected_count = ordinary(values)
    np.testing.assert_array_equal(edges[1:-1], expected_edges[1:-1])
    end = -1 if sign > 0 else 0
    assert edges[end] == outlier  # nothing is hidden
    expected_count[end] += 1
    np.testing.assert_array_equal(count, expected_count)


@settings(max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1),
    share=st.floats(0, 0.25),
    log_far=st.floats(0, 12),
    kind=st.sampled_from(KINDS),
    exponent=st.integers(-30, 30),
    shift=st.sampled_from([0.0, 4.0, -64.0]),
)
def test_every_value_is_counted_and_bins_follow_a_shift_and_a_change_of_scale(
    seed, share, log_far, kind, exponent, shift
):
    random = np.random.default_rng(seed)
    # Whole numbers of a power of two, so that shifting and scaling are exact.
    values = np.round(body(kind, random, 400) * 1024) / 1024
    far = random.random(400) < share
    values[far] = np.round(values[far] * 10**log_far)
    edges, count = edges_and_counts(histogram(values, BINS))
    assert count.sum() == 400
    assert edges[0] <= values.min() and edges[-1] >= values.max()
    counted = [((values >= a) & ((values < b) | (b == edges[-1]))).sum() for a, b in pairwise(edges)]
    # Ends of equal bins are rounded, so a value on one may fall to either side.
    inner = edges[1:-1]
    on_an_edge = (np.abs(values[:, None] - inner).min(axis=1) < 1e-9 * (inner[-1] - inner[0] + 1)).sum()
    assert np.abs(np.cumsum(counted) - np.cumsum(count)).max() <= on_an_edge
    scale = 2.0**exponent
    moved_edges, moved_count = edges_and_counts(histogram((values + shift) * scale, BINS))
    if values.min() < values.max():
        np.testing.assert_allclose(moved_edges, (edges + shift) * scale, rtol=1e-9, atol=1e-9 * scale)
        assert np.abs(np.cumsum(moved_count) - np.cumsum(count)).max() <= on_an_edge


@pytest.mark.parametrize("share", [0.001, 0.02, 0.2])
@pytest.mark.parametrize("tail", ["one far cluster", "log-normal", "Cauchy"])
def test_the_bulk_is_told_apart_however_many_values_lie_far_out(tail, share):
    random = np.random.default_rng(2)
    size = 20_000
    values = random.normal(size=size)
    far = random.random(size) < share
    far_out = {
        "one far cluster": lambda n: 1e5 + random.normal(size=n),
        "log-normal": lambda n: random.choice([-1, 1], n) * np.exp(random.normal(6, 4, n)),
        "Cauchy": lambda n: 1e4 * random.standard_cauchy(n),
    }[tail]
    if tail == "one far cluster":
        far &= random.random(size) < 0.5  # on one side
    values[far] = far_out(far.sum())
    assert ordinary(values)[1].max() > 0.7 * size
    count = histogram(values.astype(np.float32), BINS)["count"]
    assert count.sum() == size
    assert count.max() <= 0.5 * size


def test_a_single_value_a_few_values_and_few_bins_are_no_reason_to_complain():
    assert binning(np.array([]), 5) is None
    assert binning(np.array([1.0, np.inf]), 5) is None
    for values in ([2.0], [0.0] * 50, [0.0, 1e9], [0.0, 0.1, 0.2, 1e30]):
        assert histogram(np.array(values), 7)["count"].sum() == len(values)
    values = np.append(np.random.default_rng(0).normal(size=500), 1e6)
    assert histogram(values, 2)["count"].tolist() == [500, 1]
    assert histogram(values, 1)["count"].tolist() == [501]


def test_of_two_values_and_one_far_out_the_two_are_told_apart():
    values = np.array([0.0] * 300 + [1.0] * 200 + [1e8])
    assert histogram(values, 10)["count"].tolist() == [300, *[0] * 8, 201]


@pytest.fixture
def layer_with_outliers(make_layer):
    """Two nodes; three training samples lie a million times farther out at the second."""
    splits = random_layer(seed=4, nodes=2, samples=300)
    z, labels = splits["train"]
    z[1, [5, 77, 200]] = [3e6, -2e6, 5e6]
    return make_layer({**splits, "train": (z, labels)})


def test_histograms_of_nodes_and_layers_show_the_bulk_and_keep_the_extremes(layer_with_outliers):
    z = layer_with_outliers.read("train").z
    bulk = z[1][np.abs(z[1]) < 1e5]
    rows = measure("node_histograms", layer_with_outliers, NodeHistograms(splits=["train"], bins=20)).filter(
        pl.col("node") == 1
    )
    pre, post = rows.filter(pl.col("kind") == "pre"), rows.filter(pl.col("kind") == "post")
    assert pre["low"].unique().to_list() == [float(bulk.min())] and pre["high"].unique().to_list() == [
        float(bulk.max())
    ]
    assert pre["minimum"].unique().to_list() == [-2e6] and pre["maximum"].unique().to_list() == [5e6]
    assert post["high"].unique().to_list() == [float(bulk.max())] and post["maximum"].unique().to_list() == [5e6]
    for part in (pre, post):
        counts = np.array(part["counts"].to_list())
        assert counts.sum() == 300
    whole = np.array(pre["counts"].to_list()).sum(axis=0)
    expected, _ = np.histogram(np.clip(z[1].astype(float), bulk.min(), bulk.max()), 20)
    np.testing.assert_array_equal(whole, expected)

    of_classes = measure("distributions", layer_with_outliers, Distributions(splits=["train"], nodes=[1], bins=20))
    summed = (
        of_classes.filter(pl.col("kind") == "pre")
        .group_by("bin_left", "bin_right", maintain_order=True)
        .agg(pl.col("count").sum())
    )
    np.testing.assert_array_equal(summed["count"], expected)
    assert (summed["bin_left"].min(), summed["bin_right"].max()) == (-2e6, 5e6)

    layer = measure("layer_distributions", layer_with_outliers, LayerDistributions(splits=["train"]))
    for kind in ("pre", "post"):
        count = layer.filter(pl.col("kind") == kind)["count"]
        assert count.sum() == 600
        assert count.max() < (0.2 if kind == "pre" else 0.7) * 600  # half of a ReLU layer is zero


def test_density_curves_are_drawn_over_the_bulk(layer_with_outliers):
    found = measure("densities", layer_with_outliers, Densities(splits=["train"], nodes=[1]))
    z = layer_with_outliers.read("train").z[1]
    bulk = z[np.abs(z) < 1e5]
    assert found["z"].min() > bulk.min() - 0.1 * np.ptp(bulk)
    for _, curve in found.group_by("class"):
        covered = np.trapezoid(curve["density"].to_numpy(), curve["z"].to_numpy())
        assert 0.9 < covered < 1.05


def test_the_part_of_a_sigmoid_layer_that_saturates_is_not_taken_for_the_bulk(make_layer):
    random = np.random.default_rng(6)
    z = random.normal(-9, 4, (1, 500)).astype(np.float32)  # most samples near 0, few in between, fewer at 1
    layer = make_layer({"train": (z, random.integers(0, 3, 500))}, activation="sigmoid")
    found = measure("layer_distributions", layer, LayerDistributions(splits=["train"])).filter(pl.col("kind") == "post")
    a = layer.read("train").a()
    np.testing.assert_array_equal(*map(np.asarray, (found["count"], ordinary(a, len(found))[1])))
