"""Patterns of switches: counted exactly, described and compared as the formulas say."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodescope.analyses import patterns
from nodescope.analyses.patterns import Patterns
from nodescope.measuring.runner import measure
from nodescope.numerics import pattern_counting as counting
from nodescope.numerics.pattern_counting import CountedPatterns, PatternHistogram, describe, hamming_share
from nodescope.numerics.pattern_packing import compact, pack_layer, pack_rows, switches
from nodescope.storage.columns import DESCRIBED_PATTERNS

NODES = st.sampled_from([1, 2, 3, 16, 63, 64, 65, 128, 130])


def entropy(counts):
    shares = np.array(list(counts)) / sum(counts)
    return -(shares * np.log2(shares)).sum()


def naive(rows, labels):
    """Counts and entropies from Python's counters."""
    counts = Counter(rows)
    given_class = 0.0
    for c in set(labels.tolist()):
        of_class = [row for row, label in zip(rows, labels, strict=True) if label == c]
        given_class += len(of_class) / len(rows) * entropy(Counter(of_class).values())
    return counts, entropy(counts.values()), given_class


def rows_of(z):
    """The patterns of pre-activations [sample, node, ...] as tuples, position after position."""
    flat = np.moveaxis(z.reshape(*z.shape[:2], -1), 1, 2).reshape(-1, z.shape[1])
    return [tuple(row > 0) for row in flat]


def of_words(words, nodes):
    """Packed patterns as tuples again."""
    bits = [(words[node // 64] >> np.uint64(node % 64)) & np.uint64(1) for node in range(nodes)]
    return [tuple(bool(bit) for bit in column) for column in np.array(bits).T]


def counted(rows, nodes, expected=None):
    """`CountedPatterns` of tuples, in three batches."""
    histogram = PatternHistogram(nodes, 1, len(rows) if expected is None else expected)
    for part in np.array_split(np.array(rows, np.float32), 3):
        if len(part):
            histogram.add(pack_rows(part.T.copy(), 0.0), np.zeros(len(part), np.int64))
    return histogram.counted()


def made(seed, samples, nodes, shape=(), copies=True):
    random = np.random.default_rng(seed)
    z = random.normal(size=(samples, nodes, *shape)).astype(np.float32)
    return z[random.integers(0, samples, samples)] if copies else z


@settings(max_examples=60)
@given(nodes=NODES, samples=st.integers(1, 60), seed=st.integers(0, 2**16), copies=st.booleans())
def test_counts_and_entropies_equal_the_definition(nodes, samples, seed, copies):
    z = made(seed, samples, nodes, copies=copies)
    labels = np.random.default_rng(seed).integers(0, 3, samples).astype(np.int32)
    counts, bits, given_class = naive(rows_of(z), labels)
    histogram = patterns.count(z.T.copy(), labels, 0.0)
    found = describe(histogram.class_counts(), nodes)
    assert list(found) == [column.name for column in DESCRIBED_PATTERNS]
    assert found["distinct"] == len(counts)
    assert found["singletons"] == sum(n == 1 for n in counts.values())
    assert found["mode_share"] == pytest.approx(max(counts.values()) / samples)
    assert found["entropy_bits"] == pytest.approx(bits, abs=1e-9)
    assert found["entropy_given_class_bits"] == pytest.approx(given_class, abs=1e-9)
    assert found["class_information_bits"] == pytest.approx(bits - given_class, abs=1e-9)
    correction = (len(counts) - 1) / (2 * samples) / np.log(2)
    assert found["entropy_miller_madow"] == pytest.approx(bits + correction, abs=1e-9)


@settings(max_examples=40)
@given(nodes=NODES, samples=st.integers(1, 12), side=st.integers(1, 4), seed=st.integers(0, 2**16))
def test_a_convolution_shows_a_pattern_per_sample_and_position(nodes, samples, side, seed):
    z = made(seed, samples, nodes, (side, side))
    labels = np.random.default_rng(seed).integers(0, 3, samples)
    counts, bits, given_class = naive(rows_of(z), np.repeat(labels, side * side))
    for layout in (torch.contiguous_format, torch.channels_last):
        words, finite = pack_layer(torch.from_numpy(z).to(memory_format=layout), 0.0)
        assert finite
        assert of_words(words, nodes) == rows_of(z)
    histogram = PatternHistogram(nodes, 3, words.shape[1])
    histogram.add(words, labels)
    found = describe(histogram.class_counts(), nodes)
    assert (histogram.total, found["distinct"]) == (len(rows_of(z)), len(counts))
    assert found["entropy_bits"] == pytest.approx(bits, abs=1e-9)
    assert found["entropy_given_class_bits"] == pytest.approx(given_class, abs=1e-9)


@pytest.mark.parametrize("nodes", [1, 15, 16, 17, 63, 64, 65, 128, 130])
@pytest.mark.parametrize("shape", [(), (3, 5)])
def test_a_gpu_packs_by_a_product_what_the_cpu_packs_by_comparing(nodes, shape):
    from nodescope.numerics.pattern_packing import _pack_on_device

    z = torch.from_numpy(made(nodes, 9, nodes, shape))
    words, finite = _pack_on_device(z, 0.1)
    expected, _ = pack_layer(z, 0.1)
    assert finite
    assert np.array_equal(words, expected)
    z[0, 0] = -np.inf
    assert not _pack_on_device(z, 0.1)[1]


@pytest.mark.parametrize("shape", [(), (2, 3)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_noticed(shape, value):
    z = torch.from_numpy(made(0, 5, 70, shape))
    assert pack_layer(z, 0.0)[1]
    z[3, 69] = value
    assert not pack_layer(z, 0.0)[1]


@settings(max_examples=40)
@given(nodes=NODES, samples=st.integers(2, 80), seed=st.integers(0, 2**16), batches=st.integers(1, 9))
def test_order_and_batches_do_not_matter(nodes, samples, seed, batches):
    z = made(seed, samples, nodes)
    labels = np.random.default_rng(seed).integers(0, 4, samples)
    whole = PatternHistogram(nodes, 4, samples)
    whole.add(pack_layer(torch.from_numpy(z), 0.0)[0], labels)
    order = np.random.default_rng(seed).permutation(samples)
    parts = PatternHistogram(nodes, 4, 1)  # and a wrong expectation only costs memory
    for part in np.array_split(order, batches):
        parts.add(pack_layer(torch.from_numpy(z[part]), 0.0)[0], labels[part])
    assert describe(parts.class_counts(), nodes) == pytest.approx(describe(whole.class_counts(), nodes), abs=1e-12)


def test_the_table_grows_with_patterns_that_were_not_expected(monkeypatch):
    monkeypatch.setattr(counting, "CHUNK", 50)
    words = np.random.default_rng(0).integers(0, 300, 2000).astype(np.uint64)
    histogram = PatternHistogram(64, 1, 20)
    for part in np.array_split(words, 7):
        histogram.add(part[None], np.zeros(len(part), np.int64))
    kept = histogram.counted().arrays()
    expected = Counter(words.tolist())
    assert dict(zip(kept["words"][0].tolist(), kept["counts"].tolist(), strict=True)) == expected


def test_patterns_of_64_nodes_that_differ_in_one_bit_do_not_collide():
    z = np.where(np.eye(64, dtype=bool), 1.0, -1.0).astype(np.float32)
    z = np.concatenate([z, -np.ones((64, 1), np.float32)], axis=1)
    assert patterns.count(z, np.zeros(65, np.int32), 0.0).class_counts().ravel().tolist() == [1] * 65


def test_patterns_that_share_places_in_the_table_are_told_apart():
    codes = np.arange(2**12)
    z = np.where((codes >> np.arange(12)[:, None]) & 1, 1.0, -1.0).astype(np.float32)
    twice = np.concatenate([z, z], axis=1)
    wide = np.concatenate([twice, np.ones((8, 2**13), np.float32)])  # too many nodes to be numbers themselves
    for rows in (twice, wide):
        counts = patterns.count(rows, np.zeros(2**13, np.int32), 0.0).class_counts()
        assert counts[counts > 0].tolist() == [2] * 2**12


@settings(max_examples=60)
@given(
    nodes=st.sampled_from([1, 3, 64, 65]),
    sizes=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    seed=st.integers(0, 2**16),
    direct=st.booleans(),
)
def test_similarities_equal_the_definition(nodes, sizes, seed, direct):
    random = np.random.default_rng(seed)
    pool = rows_of(random.normal(size=(20, nodes)))
    first, second = ([pool[i] for i in random.integers(0, 20, n)] for n in sizes)
    p, q = Counter(first), Counter(second)
    either = p.keys() | q.keys()
    jaccard = len(p.keys() & q.keys()) / len(either)
    weighted = sum(min(p[x], q[x]) for x in either) / sum(max(p[x], q[x]) for x in either)
    expected = 1000 if direct else 1
    a, b = counted(first, nodes, expected), counted(second, nodes, expected)
    assert a.similarity(b) == pytest.approx((jaccard, weighted), abs=1e-12)
    assert b.similarity(a) == pytest.approx((jaccard, weighted), abs=1e-12)
    assert a.similarity(a) == (1, 1)
    kept = a.arrays()
    again = CountedPatterns.from_arrays(nodes, kept["words"], kept["counts"], expected)
    assert again.similarity(b) == pytest.approx((jaccard, weighted), abs=1e-12)
    # With equal totals T it is (T - D) / (T + D) with D = 1/2 sum |p - q|.
    if sizes[0] == sizes[1]:
        distance = sum(abs(p[x] - q[x]) for x in either) / 2
        assert weighted == pytest.approx((sizes[0] - distance) / (sizes[0] + distance))


@settings(max_examples=40)
@given(nodes=NODES, samples=st.integers(1, 30), seed=st.integers(0, 2**16))
def test_hamming_share_is_the_share_of_nodes_that_differ(nodes, samples, seed):
    first, second = made(seed, samples, nodes), made(seed + 1, samples, nodes)
    packed = [compact(pack_layer(torch.from_numpy(z), 0.0)[0], nodes) for z in (first, second)]
    assert hamming_share(*packed, nodes) == pytest.approx(((first > 0) != (second > 0)).mean())
    assert packed[0].itemsize == (8 if nodes > 32 else 4 if nodes > 16 else 2 if nodes > 8 else 1)


def test_many_patterns_equal_numpy_unique():
    random = np.random.default_rng(0)
    z = (random.normal(size=(20, 1)) + random.normal(size=(20, 70_000))).astype(np.float32)
    _, counts = np.unique(z.T > 0, axis=0, return_counts=True)
    found = patterns.count(z, np.zeros(70_000, np.int32), 0.0).class_counts().ravel()
    assert sorted(found.tolist()) == sorted(counts.tolist())


def test_all_and_no_samples_alike(make_layer):
    z = np.ones((4, 8), np.float32)
    apart = np.eye(8, dtype=np.float32) - 0.5
    none = (np.empty((4, 0), np.float32), np.empty(0, np.int32))
    labels = np.arange(8) % 2
    alike = make_layer({"train": (z, labels), "test": none}, n_classes=2)
    frame = measure("patterns", alike, Patterns(splits=["train", "test"]))
    train, test = frame.rows(named=True)
    assert (train["distinct"], train["entropy_bits"], train["relative_entropy"], train["mode_share"]) == (1, 0, 0, 1)
    assert test["samples"] == 0 and test["entropy_bits"] is None and test["distinct"] is None
    (row,) = measure("patterns", make_layer({"train": (apart, labels)}, n_classes=2), Patterns(splits=["train"])).rows(
        named=True
    )
    assert (row["distinct"], row["singletons"], row["entropy_bits"], row["relative_entropy"]) == (8, 8, 3, 1)
    assert row["class_information_bits"] == pytest.approx(1)


def test_a_diverged_layer_is_null(make_layer):
    z = np.ones((4, 8), np.float32)
    z[2, 3] = np.nan
    (row,) = measure(
        "patterns", make_layer({"train": (z, np.arange(8) % 2)}, n_classes=2), Patterns(splits=["train"])
    ).rows(named=True)
    assert all(row[column.name] is None for column in DESCRIBED_PATTERNS)


@pytest.mark.parametrize("shape", [(40, 7), (40, 33, 5), (3, 64, 2, 9)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("channels_last", [False, True])
def test_words_of_any_shape_and_precision_are_the_bits_of_the_values(shape, dtype, channels_last):
    torch.manual_seed(0)
    z = torch.randn(shape).to(dtype)
    z = z.movedim(1, -1).contiguous().movedim(-1, 1) if channels_last else z
    words_WT, finite = pack_layer(z, 0.25)
    rows = (z.double() > 0.25).movedim(1, -1).reshape(-1, shape[1]).numpy()
    bits = np.unpackbits(words_WT.T.copy().view(np.uint8), axis=1, bitorder="little")[:, : shape[1]]
    assert finite
    np.testing.assert_array_equal(bits, rows)
    total, any_W, all_W = switches(words_WT)
    assert total == rows.sum()
    for words, expected in ((any_W, rows.any(0)), (all_W, rows.all(0))):
        found = np.unpackbits(words.view(np.uint8), bitorder="little")[: shape[1]]
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(40, 7), (40, 33, 5)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_found_and_a_large_sum_is_none(shape, value):
    z = torch.full(shape, 3e38)
    assert pack_layer(z, 0.0)[1]
    z = torch.zeros(shape)
    z[17, 3] = value
    assert not pack_layer(z, 0.0)[1]
    z[18, 3] = -value
    assert not pack_layer(z, 0.0)[1]
