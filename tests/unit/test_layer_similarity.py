"""How alike layers are, and their maps: against slow references in float64, and the laws that they must keep."""

import math
import sys
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from conftest import random_layer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_analyses import measure
from test_other_recordings import plain, recorded, texts

from nodescope.analyses import cka_between, layer_map, registered
from nodescope.config.loading import parse_config
from nodescope.measuring.recordings import RecordedNetworks
from nodescope.measuring.runner import measure as measured
from nodescope.messages.errors import ConfigError
from nodescope.numerics.held import Held
from nodescope.numerics.planes import principal_plane, turned_to
from nodescope.numerics.similarity import centred, cka
from nodescope.recording import LayerMetadata, write
from nodescope.study.layout import activation_path
from nodescope.workflow import Workflow

laws = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)

CLASSES = ("a", "b", "c")


# --- recordings of networks: {(seed, state): [z of each layer]} ---


def networks_of(
    folder, layers, labels, classes=CLASSES, *, activation="tanh", samples=None, split="test", dataset="made", **more
):
    """Write them; rows are sorted by label."""
    order = np.argsort(labels, kind="stable")
    ids = np.arange(len(labels)) if samples is None else np.asarray(samples)
    for (seed, state), of_network in layers.items():
        for number, z in enumerate(of_network, 1):
            metadata = LayerMetadata(dataset, f"layer-{number}", activation, (len(z),), classes, **more)
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


# --- CKA between configurations ---


def kept_of(folder, layers, labels, **more):
    """What a configuration's job keeps."""
    return measured("cka_between", networks_of(folder, layers, labels, **more)).lazy()


def compared_between(kept, **options):
    return cka_between.between(kept, registered()["cka_between"].options(**options))


def test_layers_of_two_configurations_are_compared_by_number_and_seed(tmp_path):
    made = {
        name: made_networks(sizes=sizes, seed=0) for name, sizes in (("a", (7, 5)), ("b", (9, 5, 70)), ("c", (70,)))
    }
    made["c"] = ({key: made["c"][0][key] for key in made["c"][0] if key[0] != 1}, made["c"][1])
    kept = {name: kept_of(tmp_path / name, *of_one) for name, of_one in made.items()}
    frame = compared_between(kept)
    pairs = frame.select("configuration", "other_configuration", "layer", "seed").rows()
    expected = [("a", "b", 1, s) for s in (0, 1, 2)] + [(one, "c", 1, s) for one in "ab" for s in (0, 2)]
    assert sorted(pairs) == sorted(expected + [("a", "b", 2, s) for s in (0, 1, 2)])
    for row in frame.iter_rows(named=True):
        X, Y = (
            np.tanh(made[row[name]][0][row["seed"], "trained"][row["layer"] - 1])
            for name in ("configuration", "other_configuration")
        )
        assert row["cka"] == pytest.approx(reference_cka(X, Y), abs=1e-5)
        assert row["samples"] == 60 and abs(row["shuffled"]) < 0.3 and row["largest_share"] > 1 / 60
    assert len(compared_between(kept, configurations=2)) == 6
    assert compared_between(kept, shuffled=False)["shuffled"].null_count() == len(frame)


def test_of_a_configuration_alone_nothing_is_compared(tmp_path):
    layers, labels = made_networks(seeds=(0,), states=("trained",))
    frame = compared_between({"a": kept_of(tmp_path, layers, labels)})
    assert frame.is_empty() and frame.columns[:4] == ["configuration", "seed", "split", "layer"]


def test_diverged_networks_and_other_samples_are_null_between_configurations(tmp_path):
    layers, labels = made_networks(seeds=(0,), states=("trained",), sizes=(5,))
    diverged = {(0, "trained"): [layers[0, "trained"][0].copy()]}
    diverged[0, "trained"][0][2, 3] = np.nan
    kept = {
        "a": kept_of(tmp_path / "a", layers, labels),
        "nan": kept_of(tmp_path / "nan", diverged, labels),
        "moved": kept_of(tmp_path / "moved", layers, labels, samples=np.arange(60) + 1),
        "elsewhere": kept_of(tmp_path / "elsewhere", layers, labels, dataset="another"),
        "copy": kept_of(tmp_path / "copy", layers, labels),
    }
    assert kept["nan"].collect()["values"].null_count() == 5
    known = compared_between(kept).drop_nulls("cka")
    assert known.select("configuration", "other_configuration").rows() == [("a", "copy")]
    assert known["cka"][0] == pytest.approx(1, abs=1e-5)


def test_the_table_of_a_study_is_made_from_what_its_configurations_keep(small_study, small_tables):
    table = small_tables["cka_between"]
    within = small_tables["cka"]
    identifiers = within["configuration"].unique(maintain_order=True).to_list()
    assert len(identifiers) == 8
    assert table.select("configuration", "other_configuration").unique().height == 8 * 7 // 2
    assert set(table["seed"]) == {0, 1}
    spoilt = (pl.col("configuration") == "relu-2x6") | (pl.col("other_configuration") == "relu-2x6")
    assert table.filter(spoilt)["cka"].null_count() == len(table.filter(spoilt)) > 0
    assert table.filter(~spoilt)["cka"].count() > 0


# --- maps ---


def reference_plane(X):
    """By the singular value decomposition of the centred values: up to the signs of its columns."""
    X = X.astype(np.float64)
    X = X - X.mean(axis=1, keepdims=True)
    _, s, right = np.linalg.svd(X, full_matrices=False)
    return (s[:2, None] * right[:2]).T, s[:2] ** 2 / (s**2).sum()


def distances(places):
    return np.linalg.norm(places[:, None] - places[None, :], axis=2)


@pytest.mark.parametrize(("nodes", "samples"), [(6, 40), (40, 6), (2, 9), (30, 3)])
def test_the_plane_is_that_of_the_first_two_principal_components(nodes, samples):
    X = np.random.default_rng(nodes).normal(size=(nodes, samples)) * np.arange(1, nodes + 1)[:, None]
    expected, shares = reference_plane(X)
    places, total = principal_plane(X)
    np.testing.assert_allclose(np.abs(places), np.abs(expected), atol=1e-8 * np.abs(expected).max())
    np.testing.assert_allclose(np.square(places).sum(axis=0) / total, shares, rtol=1e-9)
    assert all(places[np.abs(places[:, axis]).argmax(), axis] > 0 for axis in (0, 1))


def test_points_on_a_line_have_no_second_axis_and_equal_points_no_plane():
    line = np.outer([1.0, 2.0, -1.0], np.arange(5))
    places, total = principal_plane(line)
    assert np.all(places[:, 1] == 0) and np.square(places[:, 0]).sum() == pytest.approx(total)
    one_node, _ = principal_plane(line[:1])
    np.testing.assert_allclose(one_node[:, 0] * np.sign(one_node[-1, 0]), np.arange(5) - 2.0, atol=1e-12)
    for nothing in (np.full((3, 5), 0.2), line[:, :1], line[:, :0]):
        assert principal_plane(nothing) is None


@laws
@given(seed=st.integers(0, 1000), angle=st.floats(0, 6.28), mirrored=st.booleans())
def test_turning_finds_the_rotation_and_changes_no_distance(seed, angle, mirrored):
    random = np.random.default_rng(seed)
    reference = random.normal(size=(20, 2))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag(
        [1, -1 if mirrored else 1]
    )
    np.testing.assert_allclose(turned_to(3 * reference @ rotation, reference), 3 * reference, atol=1e-9)
    other = random.normal(size=(20, 2))
    turned = turned_to(other, reference)
    np.testing.assert_allclose(distances(turned), distances(other), atol=1e-9)
    assert np.square(turned - reference).sum() <= np.square(other - reference).sum() + 1e-9


def map_of(frame, **where):
    rows = frame.filter(*(pl.col(name) == value for name, value in where.items()))
    return rows.select("x", "y").to_numpy().astype(np.float64), rows


def test_a_map_has_the_distances_of_the_principal_components_and_their_shares(tmp_path):
    layers, labels = made_networks(seeds=(3, 1))
    frame = measured("layer_map", networks_of(tmp_path, layers, labels))
    assert set(frame["seed"]) == {3} and len(frame) == 3 * 2 * 60
    assert frame["state"].unique(maintain_order=True).to_list() == ["initial", "epoch-1", "trained"]
    for state in ("initial", "epoch-1", "trained"):
        for number in (1, 2):
            places, rows = map_of(frame, state=state, layer=number)
            assert rows["sample"].to_list() == list(range(60)) and rows["label"].to_list() == labels.tolist()
            expected, shares = reference_plane(np.tanh(layers[3, state][number - 1].astype(np.float32)))
            np.testing.assert_allclose(distances(places), distances(expected), atol=2e-5)
            assert rows["x_share"][0] + rows["y_share"][0] == pytest.approx(shares.sum(), rel=1e-5)
            if state == "trained":
                np.testing.assert_allclose(np.abs(places), np.abs(expected), atol=1e-5)
                assert rows["x_share"][0] == pytest.approx(shares[0], rel=1e-5)
    axes = layer_map.axes_of(frame)
    assert len(axes) == 6 and axes.columns == ["seed", "state", "split", "layer", "x_share", "y_share"]


def test_states_that_differ_by_a_rotation_have_one_map(tmp_path):
    """Of the identity, whose rotation is one of the activations."""
    layers, labels = made_networks(seeds=(0,), states=("trained",), sizes=(5,))
    z = layers[0, "trained"][0]
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))
    states = {(0, "initial"): [rotation @ z + 3], (0, "trained"): [z]}
    frame = measured("layer_map", networks_of(tmp_path, states, labels, activation="identity"))
    first, _ = map_of(frame, state="initial")
    last, _ = map_of(frame, state="trained")
    np.testing.assert_allclose(first, last, atol=1e-4)


def test_the_order_of_samples_and_the_names_of_classes_change_no_map(tmp_path):
    layers, labels = made_networks(seeds=(0,), sizes=(5,))
    order = np.random.default_rng(1).permutation(60)
    shuffled = {key: [z[:, order] for z in of_network] for key, of_network in layers.items()}
    renamed = (labels[order] + 1) % 3
    one = measured("layer_map", networks_of(tmp_path / "one", layers, labels))
    other = measured("layer_map", networks_of(tmp_path / "other", shuffled, renamed, samples=order))
    assert one.drop("label", "x", "y", "x_share", "y_share").equals(other.drop("label", "x", "y", "x_share", "y_share"))
    np.testing.assert_allclose(map_of(one)[0], map_of(other)[0], atol=1e-5)
    assert ((one["label"] + 1) % 3).to_list() == other["label"].to_list()


def test_of_layers_that_do_not_vary_or_diverged_no_place_is_known(tmp_path):
    layers, labels = made_networks(seeds=(0,), states=("initial", "trained"), sizes=(5,))
    layers[0, "initial"][0][:] = -1
    frame = measured("layer_map", networks_of(tmp_path, layers, labels, activation="relu"))
    places = frame.filter(state="initial")
    assert len(places) == 60 and places["x"].null_count() == places["y_share"].null_count() == 60
    assert frame.filter(state="trained")["x"].null_count() == 0
    layers[0, "trained"][0][0, 0] = np.inf
    diverged = measured("layer_map", networks_of(tmp_path, layers, labels, activation="relu"))
    assert diverged["x"].null_count() == len(diverged) == 120


def test_a_map_has_no_more_samples_and_seeds_than_are_wanted(tmp_path):
    layers, labels = made_networks()
    options = registered()["layer_map"].options(samples=20, seeds=2)
    frame = measured("layer_map", networks_of(tmp_path, layers, labels), options)
    assert set(frame["seed"]) == {0, 1} and frame["sample"].n_unique() == 20 and len(frame) == 2 * 3 * 2 * 20


def test_umap_takes_the_place_of_the_principal_components(tmp_path, monkeypatch):
    class Umap:
        def __init__(self, *, n_components, n_neighbors, random_state):
            assert (n_components, n_neighbors, random_state) == (2, 15, 0)

        def fit_transform(self, x):
            return np.stack([x[:, 0] + 5, x[:, 1]], axis=1)

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Umap))
    layers, labels = made_networks(seeds=(0,), states=("trained",), sizes=(5,))
    options = registered()["layer_map"].options(method="umap")
    frame = measured("layer_map", networks_of(tmp_path, layers, labels), options)
    a = np.tanh(layers[0, "trained"][0][:2]).T
    np.testing.assert_allclose(map_of(frame)[0], a - a.mean(axis=0), atol=1e-5)
    assert frame["x_share"].null_count() == 60
    few = {key: [z[:, :4] for z in of_network] for key, of_network in layers.items()}
    assert measured("layer_map", networks_of(tmp_path / "few", few, labels[:4]), options)["x"].null_count() == 4


def test_umap_without_its_package_is_an_error_before_any_job(monkeypatch):
    study = {
        "name": "mine",
        "dataset": {"source": "digits"},
        "grid": {"depth": [1], "width": [6], "activation": ["relu"], "batch_norm": [False]},
        "analyses": {"layer_map": {"method": "umap"}},
    }
    flow = Workflow({"studies": [study]})
    monkeypatch.setattr("nodescope.workflow.find_spec", lambda _: None)
    with pytest.raises(
        ConfigError, match=r"analyses\.layer_map needs the package umap-learn.*Hint: pip install umap-learn"
    ):
        flow.check_packages()
    monkeypatch.setattr("nodescope.workflow.find_spec", lambda _: SimpleNamespace())
    flow.check_packages()
    study["analyses"]["layer_map"]["method"] = "tsne"
    with pytest.raises(ConfigError, match="layer_map"):
        parse_config({"studies": [study]})
