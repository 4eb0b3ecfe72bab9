"""What whole layers and networks do: every measure against a slow reference in float64, and the laws that it must keep."""

import numpy as np
import polars as pl
import pytest
from conftest import random_layer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_analyses import measure, value
from test_other_recordings import NODES, plain, recorded, texts

from nodescope.analyses import registered
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS

laws = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


def mixed_layer(seed=0, nodes=7, samples=90):
    """Random nodes that are correlated, behind a dead and a constant one."""
    splits = random_layer(seed, nodes=nodes, samples=samples)
    for z, _ in splits.values():
        z[:2] = [[-1.0], [0.5]]
        z[3] = 0.6 * z[2] + 0.4 * z[4]
    return splits


def changed(splits, function):
    return {split: (function(z).astype(np.float32), labels) for split, (z, labels) in splits.items()}


def rotation(nodes, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(nodes, nodes)))[0]


def row_of(name, layer, split="train", **options):
    frame = measure(name, layer, **options)
    return frame.filter(split=split).row(0, named=True)


def numbers_of(name, row):
    """The quantities of a row, but how many nodes and samples there are."""
    return {column: row[column] for column in registered()[name].table.quantities if column not in ("nodes", "samples")}


# --- dimension ---


def reference_dimension(a_JN):
    s = np.linalg.svd(a_JN - a_JN.mean(1, keepdims=True), compute_uv=False)
    g, q = s**2, s[s > 1e-9 * s[0]] / s.sum()
    rank = int((np.cumsum(g) < 0.99 * g.sum()).sum()) + 1
    return g.sum() ** 2 / (g**2).sum(), np.exp(-(q * np.log(q)).sum()), rank


def reference_debiased(a_JN):
    """Sums over samples that all differ, of products of covariances from pairs of samples: unbiased by its form."""
    n = a_JN.shape[1]
    gram = a_JN.T @ a_JN
    np.fill_diagonal(gram, 0)
    ones = np.ones(n)
    hsic = (gram * gram).sum() - 2 / (n - 2) * ones @ gram @ gram @ ones + gram.sum() ** 2 / ((n - 1) * (n - 2))
    trace = np.trace(np.cov(a_JN))
    return trace**2 / (hsic / (n * (n - 3)))


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "gelu"])
def test_dimension_equals_the_definition(make_layer, activation):
    splits = mixed_layer()
    frame = measure("dimension", make_layer(splits, activation=activation), splits=["train", "test"])
    for split in ("train", "test"):
        a = ACTIVATION_FUNCTIONS[activation].apply(splits[split][0]).astype(np.float64)
        varying = a[2:] if activation == "relu" else a[[j for j in range(len(a)) if np.ptp(a[j]) > 1e-6]]
        scaled = varying / varying.std(axis=1, keepdims=True)
        for suffix, values in (("", a), ("_scaled", scaled)):
            for name, expected in zip(
                ("participation_ratio", "effective_rank", "rank_99"), reference_dimension(values), strict=True
            ):
                assert value(frame, f"{name}{suffix}", split=split) == pytest.approx(expected, rel=1e-6)
        found = value(frame, "participation_ratio_debiased", split=split)
        assert found == pytest.approx(reference_debiased(a), rel=1e-9)


@laws
@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 10))
def test_dimension_is_that_of_the_layer_turned_shifted_and_scaled(make_layer, seed, scale):
    splits = random_layer(seed, nodes=5)
    turn, shift = rotation(5, seed), np.random.default_rng(seed).normal(size=(5, 1))
    turned = changed(splits, lambda z: scale * turn @ z + shift)
    first, second = (row_of("dimension", make_layer(s, activation="identity")) for s in (splits, turned))
    for name in ("participation_ratio", "effective_rank", "rank_99", "participation_ratio_debiased"):
        assert first[name] == pytest.approx(second[name], rel=1e-4), name


@laws
@given(seed=st.integers(0, 1000))
def test_dimension_is_unchanged_by_dead_nodes_and_by_copies_of_all_nodes_or_samples(make_layer, seed):
    splits = random_layer(seed, nodes=5, samples=40)
    first = row_of("dimension", make_layer(splits))
    dead = changed(splits, lambda z: np.vstack([z, np.full_like(z[:2], -1)]))
    doubled = changed(splits, lambda z: np.vstack([z, z]))
    repeated = {split: (np.hstack([z, z]), np.hstack([labels] * 2)) for split, (z, labels) in splits.items()}
    for other in (dead, doubled, repeated):
        second = row_of("dimension", make_layer(other))
        for name, expected in numbers_of("dimension", first).items():
            if other is not repeated or not name.endswith("debiased"):
                assert second[name] == pytest.approx(expected, rel=1e-6), name


@pytest.mark.parametrize("k", [1, 2, 5])
def test_equal_directions_that_are_orthogonal_count_as_many(make_layer, k):
    z = np.zeros((8, 16), np.float32)
    signs = np.array([[(-1) ** bin(row & n).count("1") for n in range(16)] for row in range(16)])  # Walsh functions
    z[:k] = signs[1 : k + 1]
    row = row_of("dimension", make_layer({"train": (z, np.arange(16) % 3)}, activation="identity"))
    assert (row["participation_ratio"], row["effective_rank"]) == (pytest.approx(k), pytest.approx(k))
    assert row["rank_99"] == row["rank_99_scaled"] == k and (row["nodes"], row["samples"]) == (8, 16)


def test_the_debiased_ratio_of_few_samples_is_that_of_many(make_layer):
    random = np.random.default_rng(0)
    mean = {}
    for n in (30, 1000):
        made = (random.normal(size=(20, n)).astype(np.float32) for _ in range(15))
        rows = [row_of("dimension", make_layer({"train": (z, np.arange(n) % 3)}, activation="identity")) for z in made]
        mean[n] = {name: np.mean([row[name] for row in rows]) for name in rows[0] if name.startswith("participation")}
    assert mean[30]["participation_ratio"] < 14
    assert mean[30]["participation_ratio_debiased"] == pytest.approx(20, rel=0.1)
    assert mean[1000]["participation_ratio_debiased"] == pytest.approx(20, rel=0.02)


@pytest.mark.parametrize("samples", [0, 1, 2, 3, 4])
def test_dimension_of_few_samples_is_null_or_in_range(make_layer, samples):
    z = np.random.default_rng(samples).normal(size=(6, samples)).astype(np.float32)
    row = row_of("dimension", make_layer({"train": (z, np.zeros(samples, int))}, activation="identity"))
    known = {name: number for name, number in numbers_of("dimension", row).items() if number is not None}
    assert bool(known) == (samples > 1) and ("participation_ratio_debiased" not in known or samples == 4)
    for name in ("participation_ratio", "effective_rank", "rank_99"):
        assert name not in known or 1 - 1e-9 <= known[name] <= samples - 1 + 1e-9


def test_a_layer_of_constant_nodes_has_no_dimension(make_layer):
    row = row_of("dimension", make_layer(changed(random_layer(), lambda z: np.full_like(z, 0.3))))
    assert set(numbers_of("dimension", row).values()) == {None} and row["samples"] == 120
