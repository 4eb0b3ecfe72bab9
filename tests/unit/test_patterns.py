"""Patterns of switches: counted exactly, described as the formulas say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodescope.analyses import patterns
from nodescope.config.schema import Patterns


def naive(z, labels):
    """Counts and entropies from Python sets and sums."""
    rows = [tuple(column > 0) for column in z.T]
    counts = [rows.count(row) for row in dict.fromkeys(rows)]
    shares = np.array(counts) / len(rows)
    entropy = -(shares * np.log2(shares)).sum()
    given_class = 0.0
    for c in set(labels.tolist()):
        of_class = [row for row, label in zip(rows, labels, strict=True) if label == c]
        p = np.array([of_class.count(row) for row in dict.fromkeys(of_class)]) / len(of_class)
        given_class -= len(of_class) / len(rows) * (p * np.log2(p)).sum()
    return counts, entropy, given_class


@settings(max_examples=60, deadline=None)
@given(
    nodes=st.sampled_from([1, 2, 3, 63, 64, 65, 128, 130]),
    samples=st.integers(1, 60),
    seed=st.integers(0, 2**16),
    copies=st.booleans(),
)
def test_counts_and_entropies_equal_the_definition(nodes, samples, seed, copies):
    random = np.random.default_rng(seed)
    z = random.normal(size=(nodes, samples)).astype(np.float32)
    if copies:
        z = z[:, random.integers(0, samples, samples)]
    labels = random.integers(0, 3, samples).astype(np.int32)
    counts, entropy, given_class = naive(z, labels)
    number = patterns.pattern_of_samples(z, 0.0)
    assert np.bincount(number).tolist() == counts  # numbered as they occur
    found = patterns.describe(number, labels, nodes)
    assert found["distinct"] == len(counts)
    assert found["singletons"] == counts.count(1)
    assert found["mode_share"] == pytest.approx(max(counts) / samples)
    assert found["entropy_bits"] == pytest.approx(entropy, abs=1e-9)
    assert found["entropy_given_class_bits"] == pytest.approx(given_class, abs=1e-9)
    assert found["class_information_bits"] == pytest.approx(entropy - given_class, abs=1e-9)
    correction = (len(counts) - 1) / (2 * samples) / np.log(2)
    assert found["entropy_miller_madow"] == pytest.approx(entropy + correction, abs=1e-9)


def test_patterns_of_64_nodes_that_differ_in_one_bit_do_not_collide():
    z = np.where(np.eye(64, dtype=bool), 1.0, -1.0).astype(np.float32)
    assert patterns.pattern_of_samples(z, 0.0).tolist() == list(range(64))


def test_patterns_that_share_places_in_the_table_are_told_apart():
    codes = np.arange(2**12)
    z = np.where((codes >> np.arange(12)[:, None]) & 1, 1.0, -1.0).astype(np.float32)
    twice = np.concatenate([z, z], axis=1)
    assert patterns.pattern_of_samples(twice, 0.0).tolist() == [*range(2**12), *range(2**12)]


def test_all_and_no_samples_alike(make_layer):
    z = np.ones((4, 8), np.float32)
    apart = np.eye(8, dtype=np.float32) - 0.5
    none = (np.empty((4, 0), np.float32), np.empty(0, np.int32))
    labels = np.arange(8) % 2
    alike = make_layer({"train": (z, labels), "test": none}, n_classes=2)
    frame = patterns.measure(alike, Patterns(splits=["train", "test"]))
    train, test = frame.rows(named=True)
    assert (train["distinct"], train["entropy_bits"], train["relative_entropy"], train["mode_share"]) == (1, 0, 0, 1)
    assert test["samples"] == 0 and test["entropy_bits"] is None and test["distinct"] is None
    (row,) = patterns.measure(make_layer({"train": (apart, labels)}, n_classes=2), Patterns(splits=["train"])).rows(
        named=True
    )
    assert (row["distinct"], row["singletons"], row["entropy_bits"], row["relative_entropy"]) == (8, 8, 3, 1)
    assert row["class_information_bits"] == pytest.approx(1)


def test_a_diverged_layer_is_null(make_layer):
    z = np.ones((4, 8), np.float32)
    z[2, 3] = np.nan
    (row,) = patterns.measure(
        make_layer({"train": (z, np.arange(8) % 2)}, n_classes=2), Patterns(splits=["train"])
    ).rows(named=True)
    assert all(row[name] is None for name in patterns.MEASURED)
