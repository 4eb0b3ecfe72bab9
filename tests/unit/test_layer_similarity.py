"""How alike layers are, and their maps: against slow references in float64, and the laws that they must keep."""

import math

import numpy as np
import polars as pl
import pytest
from conftest import random_layer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_analyses import measure
from test_other_recordings import plain, recorded, texts

from nodescope.analyses import registered
from nodescope.measuring.recordings import RecordedNetworks
from nodescope.measuring.runner import measure as measured
from nodescope.numerics.held import Held
from nodescope.numerics.similarity import centred, cka
from nodescope.recording import LayerMetadata, write
from nodescope.study.layout import activation_path

laws = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)

CLASSES = ("a", "b", "c")


# --- recordings of networks: {(seed, state): [z of each layer]} ---


def networks_of(folder, layers, labels, classes=CLASSES, *, activation="tanh", samples=None, split="test", **more):
    """Write them; rows are sorted by label."""
    order = np.argsort(labels, kind="stable")
    ids = np.arange(len(labels)) if samples is None else np.asarray(samples)
    for (seed, state), of_network in layers.items():
        for number, z in enumerate(of_network, 1):
            metadata = LayerMetadata("made", f"layer-{number}", activation, (len(z),), classes, **more)
            write(
                str(activation_path(str(folder), seed, state, split, number)),
                np.ascontiguousarray(np.asarray(z, np.float32)[:, order]),
                np.asarray(labels, np.int32)[order] if classes else None,
                ids[order].astype(np.int32),
                metadata,
            )
    seeds = tuple(dict.fromkeys(seed for seed, _ in layers))
    states = tuple(dict.fromkeys(state for _, state in layers))
    return RecordedNetworks(str(folder), seeds, states, 0.0)


def made_networks(seeds=(0, 1, 2), states=("initial", "epoch-1", "trained"), sizes=(7, 5), samples=60, seed=0):
    """Random networks on the same random inputs, with class-dependent means."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, samples)
    x = random.normal(size=(4, samples)) + random.normal(0, 2, (4, 3))[:, labels]
    layers = {
        (s, state): [(random.normal(size=(nodes, 4)) @ x + random.normal(size=(nodes, 1))) for nodes in sizes]
        for s in seeds
        for state in states
    }
    return layers, labels


# --- CKA ---


def reference_cka(X, Y):
    """By Gram matrices that are centred without bias (Szekely & Rizzo 2014)."""

    def centred_gram(X):
        K = X.astype(np.float64).T @ X.astype(np.float64)
        n = len(K)
        np.fill_diagonal(K, 0)
        r = K.sum(0) / (n - 2)
        K = K - r[:, None] - r[None, :] + K.sum() / ((n - 1) * (n - 2))
        np.fill_diagonal(K, 0)
        return K

    K, L = centred_gram(X), centred_gram(Y)
    return (K * L).sum() / math.sqrt((K * K).sum() * (L * L).sum())


def pair(seed, nodes=(6, 9), samples=30):
    random = np.random.default_rng(seed)
    common = random.normal(size=(3, samples))
    return [random.normal(size=(J, 3)) @ common + random.normal(size=(J, samples)) for J in nodes]


def cka_of(X, Y):
    return cka(centred(X), centred(Y))


@pytest.mark.parametrize("nodes", [(6, 9), (40, 50), (5, 50), (50, 5), (1, 1)], ids=str)
@pytest.mark.parametrize("samples", [4, 5, 30])
def test_cka_equals_the_definition_in_both_forms(nodes, samples):
    X, Y = pair(3, nodes, samples)
    assert (centred(X).gram is not None) == (samples < nodes[0])
    assert cka_of(X, Y) == pytest.approx(reference_cka(X, Y), abs=3e-5)


@laws
@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3), nodes=st.sampled_from([(6, 9), (40, 5), (40, 50)]))
def test_cka_does_not_depend_on_rotation_offset_scale_and_order(seed, scale, nodes):
    X, Y = pair(seed, nodes)
    random = np.random.default_rng(seed)
    found = cka_of(X, Y)
    rotation, _ = np.linalg.qr(random.normal(size=(nodes[0], nodes[0])))
    assert cka_of(scale * (rotation @ X) + random.normal(size=(nodes[0], 1)), Y) == pytest.approx(found, abs=1e-4)
    order = random.permutation(X.shape[1])
    assert cka_of(X[:, order], Y[:, order]) == pytest.approx(found, abs=1e-5)
    assert cka(centred(X).reordered(order), centred(Y[:, order])) == pytest.approx(found, abs=1e-5)
    assert cka_of(Y, X) == pytest.approx(found, abs=1e-6)
    assert cka_of(X, X) == pytest.approx(1, abs=1e-5)
    with_dead = np.vstack([X, np.zeros((3, X.shape[1])), np.full((1, X.shape[1]), 0.7)])
    assert cka_of(with_dead, Y) == pytest.approx(found, abs=1e-5)


def test_cka_of_unrelated_layers_is_0_on_average_and_changes_with_the_scale_of_one_node():
    random = np.random.default_rng(0)
    found = [cka_of(random.normal(size=(60, 20)), random.normal(size=(60, 20))) for _ in range(200)]
    assert abs(np.mean(found)) < 4 * np.std(found) / math.sqrt(len(found)) and min(found) < 0
    X, Y = pair(1)
    scaled = X.copy()
    scaled[0] *= 20
    assert abs(cka_of(scaled, Y) - cka_of(X, Y)) > 0.01


@pytest.mark.parametrize("large", [1e15, 1e-15])
def test_cka_of_very_large_and_small_values_is_known(large):
    X, Y = pair(2)
    if large > 1:
        assert cka_of((X * large).astype(np.float32), Y) == pytest.approx(cka_of(X, Y), abs=1e-4)
    else:  # constant but for rounding
        assert math.isnan(cka_of((X * large).astype(np.float32), Y))


@pytest.mark.parametrize(
    "values",
    [np.zeros((3, 9)), np.full((3, 9), 0.3), np.eye(3, 9) * [[1], [0], [0]], np.eye(3, 3), np.empty((3, 0))],
    ids=["dead", "constant", "one sample alone", "three samples", "no sample"],
)
def test_cka_is_not_known_of_what_tells_nothing(values):
    other = np.random.default_rng(0).normal(size=(4, values.shape[1]))
    assert math.isnan(cka_of(values, other)) and math.isnan(cka_of(other, values))


def test_the_largest_share_is_that_of_the_sample_farthest_out():
    X, _ = pair(0)
    X[:, 4] *= 30
    lengths = ((X - X.mean(1, keepdims=True)) ** 2).sum(0)
    assert centred(X).largest_share == pytest.approx(lengths[4] / lengths.sum(), rel=1e-9)


def test_every_pair_of_layers_states_seeds_and_labels_is_compared_once(tmp_path):
    layers, labels = made_networks()
    frame = measured("cka", networks_of(tmp_path, layers, labels))
    counts = dict(frame.group_by("to").len().iter_rows())
    assert counts == {"layer": 9, "labels": 18, "state": 3 * 2 * 2 + 3 * 2 * 1, "seed": 3 * 3 * 2}
    keys = ["seed", "state", "layer", "to", "other_seed", "other_state", "other_layer"]
    assert not frame.select(keys).is_duplicated().any()
    one_hot = (np.arange(3)[:, None] == labels).astype(float)
    for row in frame.iter_rows(named=True):
        X = np.tanh(layers[row["seed"], row["state"]][row["layer"] - 1])
        if row["to"] == "labels":
            Y = one_hot
            assert row["other_seed"] is row["other_state"] is row["other_layer"] is None
        else:
            Y = np.tanh(layers[row["other_seed"], row["other_state"]][row["other_layer"] - 1])
        assert row["cka"] == pytest.approx(reference_cka(X, Y), abs=1e-5)
        assert row["samples"] == 60 and row["split"] == "test"
        assert abs(row["shuffled"]) < 0.3
    assert frame["shuffled"].mean() == pytest.approx(0, abs=0.05)


def test_the_samples_of_a_sketch_are_spread_over_the_classes_and_the_same_for_all(tmp_path):
    layers, labels = made_networks(samples=90)
    networks = networks_of(tmp_path, layers, labels, samples=np.random.default_rng(3).permutation(90))
    one, other = (networks.sketch(0, state, 1, "test", 30) for state in ("initial", "trained"))
    assert one.samples.tolist() == other.samples.tolist() == sorted(one.samples) and len(set(one.samples)) == 30
    assert one.sample_set == other.sample_set
    assert abs(np.bincount(one.labels) - np.bincount(labels) / 3).max() <= 1
    whole = networks.sketch(0, "initial", 1, "test", 1000)
    places = np.searchsorted(whole.samples, one.samples)
    np.testing.assert_array_equal(whole.values[:, places], one.values)
    assert whole.sample_set != one.sample_set
    few = measured("cka", networks, registered()["cka"].options(samples=30))
    assert set(few["samples"]) == {30}
    assert networks.sketch(0, "initial", 1, "validation", 30) is None


def test_layers_of_other_samples_are_not_compared(tmp_path):
    layers, labels = made_networks(seeds=(0, 1), states=("trained",), sizes=(5,))
    networks_of(tmp_path, {(0, "trained"): layers[0, "trained"]}, labels)
    networks_of(tmp_path, {(1, "trained"): layers[1, "trained"]}, labels, samples=np.arange(60) + 1)
    frame = measured("cka", RecordedNetworks(str(tmp_path), (0, 1), ("trained",), 0.0))
    seeds = frame.filter(to="seed")
    assert len(seeds) == 1 and seeds["cka"][0] is None and seeds["samples"][0] is None
    assert frame.filter(to="labels")["cka"].null_count() == 0


def test_a_dead_layer_a_diverged_one_and_few_samples_are_null(tmp_path):
    layers, labels = made_networks(seeds=(0,), states=("trained",), sizes=(5, 4, 6))
    layers[0, "trained"][1][:] = -1
    layers[0, "trained"][2][0, 0] = np.nan
    frame = measured("cka", networks_of(tmp_path, layers, labels, activation="relu"))
    assert len(frame) == 3 + 3 and frame["cka"].count() == 1  # of the first layer with the labels
    assert frame.filter(pl.col("cka").is_not_null())["to"].to_list() == ["labels"]
    assert frame["shuffled"].count() == 1
    few = {key: [z[:, :3] for z in of_network] for key, of_network in layers.items()}
    assert measured("cka", networks_of(tmp_path / "few", few, labels[:3]))["cka"].null_count() == 6


def test_one_layer_one_state_and_one_seed_are_compared_with_the_labels_alone(tmp_path):
    layers, labels = made_networks(seeds=(4,), states=("trained",), sizes=(5,))
    frame = measured("cka", networks_of(tmp_path, layers, labels))
    assert frame["to"].to_list() == ["labels"] and frame["cka"][0] is not None
    without = measured("cka", networks_of(tmp_path / "without", layers, labels, classes=()))
    assert without["cka"].to_list() == [None]


def test_a_split_that_is_not_recorded_gives_way_to_one_that_is(tmp_path):
    layers, labels = made_networks(seeds=(0,), states=("trained",))
    frame = measured("cka", networks_of(tmp_path, layers, labels, split="train"))
    assert set(frame["split"]) == {"train"} and frame["cka"].null_count() == 0


def test_of_texts_a_sample_counts_with_the_mean_over_its_tokens(tmp_path):
    splits = texts()
    frame = measure("cka", recorded(tmp_path, splits))
    samples, labels = splits["test"]
    means = np.stack([np.maximum(z, 0).mean(axis=1) for z in samples], axis=1)
    one_hot = (np.arange(3)[:, None] == labels).astype(float)
    expected = reference_cka(means, one_hot)
    assert frame.filter(to="labels")["cka"].to_list() == pytest.approx(
        [expected] * len(frame.filter(to="labels")), abs=1e-5
    )
    assert frame.filter(to="state")["cka"].to_list() == pytest.approx([1.0], abs=1e-5)


def test_of_recorded_outputs_these_are_the_activations(tmp_path):
    splits = plain(random_layer(nodes=4))
    outputs = measure("cka", recorded(tmp_path / "out", splits, values="output", activation="identity"))
    both = measure("cka", recorded(tmp_path / "both", splits, activation="identity"))
    assert outputs.equals(both)


def test_what_is_beyond_the_limit_of_memory_is_made_again_and_is_the_same(tmp_path, monkeypatch):
    layers, labels = made_networks()
    networks = networks_of(tmp_path, layers, labels)
    plenty = measured("cka", networks)
    monkeypatch.setattr("nodescope.analyses.cka.HELD", 1)
    assert measured("cka", networks).equals(plenty)
    made = []
    held = Held(lambda n: made.append(n) or np.zeros(n), limit=100)
    for n in (10, 2, 10, 2, 4, 10):
        assert len(held(n)) == n
    assert made == [10, 2, 4, 10]
