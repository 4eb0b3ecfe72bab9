"""What whole layers and networks do: every measure against a slow reference in float64, and the laws that it must keep."""

import numpy as np
import polars as pl
import pytest
import torch
from conftest import random_layer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from test_analyses import OPTIONS, measure, value
from test_other_recordings import NODES, plain, recorded, texts
from torch import nn

from nodescope.analyses import class_accuracy, registered
from nodescope.measuring.layers import RecordedLayer
from nodescope.measuring.networks import MeasuredNetwork
from nodescope.measuring.recordings import RecordedNetworks
from nodescope.measuring.runner import measure as measured
from nodescope.numerics import intervals
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS
from nodescope.recording import LayerMetadata, write
from nodescope.study.layout import activation_path

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


# --- accuracy per class, confusion ---


def networks_of(folder, outputs, labels, *, splits=("test",), samples=None, state="trained"):
    """Recorded networks with these outputs [C, N], one of each seed, and a hidden layer of one node."""
    for seed, logits in enumerate(outputs):
        for split in splits:
            order = np.argsort(labels, kind="stable")
            for layer, z in (("output", logits), ("layer-1", np.zeros((1, len(labels))))):
                metadata = LayerMetadata("made", layer, "identity", (len(z),), tuple("abcdefgh"[: len(outputs[0])]))
                places = np.arange(len(labels)) if samples is None else samples[seed]
                path = activation_path(str(folder), seed, state, split, 1 if layer == "layer-1" else layer)
                z = np.ascontiguousarray(np.asarray(z, np.float32)[:, order])
                write(str(path), z, labels[order].astype(np.int32), places[order].astype(np.int32), metadata)
    return RecordedNetworks(str(folder), tuple(range(len(outputs))), (state,), 0.0)


def random_outputs(seed, classes=4, samples=60, seeds=3):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, samples)
    return [
        random.normal(size=(classes, samples)) + 1.5 * (np.arange(classes)[:, None] == labels) for _ in range(seeds)
    ], labels


def collected(frame):
    """As the collected table of a study."""
    keyed = frame.with_columns(configuration=pl.lit("a"))
    return keyed.select("configuration", pl.exclude("configuration"))


def test_accuracy_per_class_and_confusion_equal_the_definition(tmp_path):
    outputs, labels = random_outputs(0)
    networks = networks_of(tmp_path, outputs, labels)
    classes, pairs = measured("class_accuracy", networks), measured("confusion", networks)
    wrong = np.array([logits.argmax(axis=0) != labels for logits in outputs])
    for seed, logits in enumerate(outputs):
        predicted = logits.argmax(axis=0)
        for c in range(4):
            where = {"seed": seed, "class_": c}
            right = sum(p == y == c for p, y in zip(predicted, labels, strict=True))
            own, taken = (labels == c).sum(), (predicted == c).sum()
            assert (value(classes, "samples", **where), value(classes, "right", **where)) == (own, right)
            assert value(classes, "recall", **where) == right / own
            assert (
                value(classes, "precision", **where) == right / taken
                and value(classes, "predictions", **where) == taken
            )
            ends = tuple(value(classes, f"recall_{end}", **where) for end in ("low", "high"))
            assert ends == intervals.wilson(right, own)
            assert value(classes, "wrong_in_all", **where) == (wrong.all(axis=0) & (labels == c)).sum()
            assert value(classes, "wrong_in_any", **where) == (wrong.any(axis=0) & (labels == c)).sum()
            for other in range(4):
                count = sum(y == c and p == other for p, y in zip(predicted, labels, strict=True))
                rows = pairs.filter(pl.col("class") == c, seed=seed, predicted=other)
                assert rows["count"].to_list() == ([count] if count else [])


def test_the_summary_of_classes_has_the_balanced_accuracy_and_the_gap_to_training(tmp_path):
    outputs, labels = random_outputs(1)
    networks_of(tmp_path, [np.eye(4)[labels].T] * 3, labels, splits=("train",))
    networks = networks_of(tmp_path, outputs, labels)
    table = class_accuracy.of_networks(collected(measured("class_accuracy", networks)))
    declared = [column.name for column in registered()["class_accuracy"].summaries[0].table.columns]
    assert table.columns == ["configuration", "seed", *declared]
    for seed, logits in enumerate(outputs):
        right = logits.argmax(axis=0) == labels
        row = table.filter(seed=seed, split="test").row(0, named=True)
        assert row["accuracy"] == pytest.approx(right.mean()) and row["wrong"] == (~right).sum()
        assert row["balanced_accuracy"] == pytest.approx(np.mean([right[labels == c].mean() for c in range(4)]))
        assert row["generalisation_gap"] == pytest.approx(1 - right.mean())
        assert row["wrong_in_all"] <= row["wrong"] <= row["wrong_in_any"]
    assert table.filter(split="train")["generalisation_gap"].null_count() == 3


@laws
@given(seed=st.integers(0, 1000), permutation=st.permutations(range(4)))
def test_confusion_is_of_all_samples_and_is_renamed_with_the_classes(tmp_path_factory, seed, permutation):
    outputs, labels = random_outputs(seed)
    place = np.array(permutation)
    renamed = [logits[np.argsort(place)] for logits in outputs]
    first, second = (
        measured("confusion", networks_of(tmp_path_factory.mktemp("made"), logits, of_class))
        for logits, of_class in ((outputs, labels), (renamed, place[labels]))
    )
    assert first.group_by("seed", "class").agg(pl.col("count").sum()).sort("seed", "class")["count"].to_list() == (
        3 * np.bincount(labels, minlength=4)[np.bincount(labels, minlength=4) > 0].tolist()
    )
    again = first.with_columns(
        pl.col("class", "predicted").replace_strict(range(4), permutation, return_dtype=pl.Int32)
    )
    assert_frame_equal(again.sort(again.columns), second.sort(second.columns))


def test_an_absent_class_has_no_recall_and_one_that_is_never_predicted_no_precision(tmp_path):
    labels = np.repeat([0, 2], 5)
    frame = measured("class_accuracy", networks_of(tmp_path, [np.eye(4)[np.zeros(10, int)].T], labels))
    assert frame["recall"].to_list() == [1, None, 0, None] and frame["recall_low"].null_count() == 2
    assert frame["precision"].to_list() == [0.5, None, None, None] and frame["samples"].to_list() == [5, 0, 5, 0]
    summary = class_accuracy.of_networks(collected(frame)).row(0, named=True)
    assert summary["balanced_accuracy"] == 0.5 and summary["generalisation_gap"] is None


def test_equal_outputs_predict_the_lower_class(tmp_path):
    frame = measured("confusion", networks_of(tmp_path, [np.ones((3, 6))], np.arange(6) % 3))
    assert frame.select("class", "predicted", "count").rows() == [(0, 0, 2), (1, 0, 2), (2, 0, 2)]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_of_a_network_that_diverged_only_the_numbers_of_samples_are_known(tmp_path, bad):
    outputs, labels = random_outputs(2)
    outputs[1][:] = bad
    networks = networks_of(tmp_path, outputs, labels)
    frame = measured("class_accuracy", networks)
    lost = frame.filter(seed=1)
    assert lost["samples"].sum() == 60
    for column in ("right", "recall", "recall_low", "recall_high", "predictions", "precision"):
        assert lost[column].null_count() == 4 and frame.filter(seed=0)[column].null_count() == 0
    wrong = np.array([outputs[seed].argmax(axis=0) != labels for seed in (0, 2)])
    summary = class_accuracy.of_networks(collected(frame))
    assert summary["wrong_in_all"].to_list() == [wrong.all(axis=0).sum()] * 3
    assert summary["accuracy"].is_null().to_list() == [False, True, False]
    (row,) = measured("confusion", networks).filter(seed=1).rows()
    assert row == (1, "trained", "test", None, None, None)


def test_seeds_with_other_samples_are_not_wrong_together(tmp_path):
    outputs, labels = random_outputs(3, seeds=2)
    frame = measured(
        "class_accuracy", networks_of(tmp_path, outputs, labels, samples=[np.arange(60), np.arange(60) + 7])
    )
    assert frame["wrong_in_all"].null_count() == len(frame) and frame["recall"].null_count() == 0


def test_without_outputs_or_classes_there_are_no_rows(tmp_path):
    splits = plain(random_layer(nodes=NODES))
    recorded(tmp_path, splits)
    networks = RecordedNetworks(str(tmp_path), (0,), ("trained",), 0.0)
    assert measured("class_accuracy", networks).is_empty() and measured("confusion", networks).is_empty()


# --- collapse ---


def reference_nc1_nc2(a_JN, y_N, classes):
    mu = np.stack([a_JN[:, y_N == c].mean(1) for c in range(classes)], 1)
    M, R = mu - mu.mean(1, keepdims=True), a_JN - mu[:, y_N]
    Sw, Sb, norm = R @ R.T / R.shape[1], M @ M.T / classes, np.linalg.norm(M, axis=0)
    cos = (M / norm).T @ (M / norm)
    return {
        "nc1": np.trace(Sw @ np.linalg.pinv(Sb, rcond=1e-6, hermitian=True)) / classes,
        "variability_ratio": np.trace(Sw) / np.trace(Sb),
        "nc2_norms": norm.std() / norm.mean(),
        "nc2_angles": abs(cos[~np.eye(classes, dtype=bool)] + 1 / (classes - 1)).mean(),
    }


def reference_nearest(a_JN, y_N, others_JN, classes):
    mu = [a_JN[:, y_N == c].mean(1) if (y_N == c).any() else np.full(len(a_JN), np.inf) for c in range(classes)]
    return np.array([np.argmin([((x - m) ** 2).sum() for m in mu]) for x in others_JN.T])


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "silu"])
@pytest.mark.parametrize("classes", [2, 4])
def test_collapse_equals_the_definition(make_layer, activation, classes):
    splits = random_layer(1, n_classes=classes)
    for z, _ in splits.values():
        z[0] = -1
    frame = measure("collapse", make_layer(splits, classes, activation=activation), splits=["train", "test"])
    for split in ("train", "test"):
        z, labels = splits[split]
        a = ACTIVATION_FUNCTIONS[activation].apply(z).astype(np.float64)
        for name, expected in reference_nc1_nc2(a, labels, classes).items():
            assert value(frame, name, split=split) == pytest.approx(expected, rel=1e-9, abs=1e-12), name
        wrong = reference_nearest(a, labels, a, classes) != labels  # the network of the fixture is always right
        assert value(frame, "nc4", split=split) == wrong.mean()


@laws
@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 10))
def test_collapse_is_that_of_the_layer_turned_shifted_and_scaled(make_layer, seed, scale):
    splits = random_layer(seed, nodes=5)
    turn, shift = rotation(5, seed), np.random.default_rng(seed).normal(size=(5, 1))
    turned = changed(splits, lambda z: scale * turn @ z + shift)
    first, second = (row_of("collapse", make_layer(s, activation="identity")) for s in (splits, turned))
    for name, expected in numbers_of("collapse", first).items():
        assert second[name] == pytest.approx(expected, rel=1e-3, abs=1e-5 if name != "nc4" else 0.02), name


@laws
@given(seed=st.integers(0, 1000))
def test_repeating_the_samples_of_a_class_leaves_what_is_of_class_means(make_layer, seed):
    splits = random_layer(seed, nodes=5)
    z, labels = splits["train"]
    more = np.concatenate([np.arange(len(labels)), np.flatnonzero(labels == 1), np.flatnonzero(labels == 1)])
    first, second = (row_of("collapse", make_layer({"train": s})) for s in ((z, labels), (z[:, more], labels[more])))
    assert [second[name] for name in ("nc2_norms", "nc2_angles")] == pytest.approx(
        [first[name] for name in ("nc2_norms", "nc2_angles")], rel=1e-6
    )
    assert second["nc1"] != pytest.approx(first["nc1"], rel=1e-6)


def test_complete_collapse_is_zero_and_classes_that_are_all_alike_are_null(make_layer):
    labels = np.arange(30) % 3
    row = row_of("collapse", make_layer({"train": (np.eye(3)[labels].T, labels)}))
    assert all(row[name] == pytest.approx(0, abs=1e-12) for name in numbers_of("collapse", row))
    alike = np.array([[(n // 3) % 2 for n in range(30)]] * 2, float)
    assert set(numbers_of("collapse", row_of("collapse", make_layer({"train": (alike, labels)}))).values()) == {None}


def test_a_class_at_the_centre_has_no_angles(make_layer):
    labels = np.arange(30) % 3
    z = np.array([[-1.0, 0.0, 1.0]])[:, labels] + 0.1 * (np.arange(30) // 3 % 2)
    row = row_of("collapse", make_layer({"train": (z, labels)}, activation="identity"))
    assert row["nc2_angles"] is None and row["nc1"] > 0 and row["nc2_norms"] > 0


@pytest.mark.parametrize("absent", [[1], [0, 1]])
def test_collapse_with_an_absent_class_is_null(make_layer, absent):
    z, labels = random_layer()["train"]
    kept = ~np.isin(labels, absent)
    row = row_of("collapse", make_layer({"train": (z[:, kept], labels[kept])}))
    assert set(numbers_of("collapse", row).values()) == {None}


def test_nc4_without_outputs_or_with_those_of_other_samples_is_null(tmp_path):
    splits = plain(random_layer(nodes=NODES))
    row = row_of("collapse", recorded(tmp_path, splits))
    assert row["nc4"] is None and row["nc1"] is not None
    _, labels = splits["train"]
    metadata = LayerMetadata("made", "output", "identity", (3,), ("a", "b", "c"))
    logits, own = np.ascontiguousarray(np.eye(3, dtype=np.float32)[np.sort(labels)].T), np.sort(labels).astype(np.int32)
    path = activation_path(str(tmp_path), 0, "trained", "train", "output")
    write(str(path), logits, own, np.arange(len(labels), dtype=np.int32) + 1, metadata)
    layer = RecordedLayer(str(tmp_path), 0, "trained", 1, 0.0)
    assert layer.network_accuracy("train") == 1 and layer.network_predictions("train") is None
    assert row_of("collapse", layer)["nc4"] is None


# --- probes ---


def reference_probe(train, y, classes, others, lam):
    m = train.mean(1, keepdims=True)
    Y, X = np.eye(classes)[y], train - m
    W = np.linalg.solve(X @ X.T / X.shape[1] + lam * np.eye(len(X)), X @ (Y - Y.mean(0)) / X.shape[1])
    return (W.T @ (others - m) + Y.mean(0)[:, None]).argmax(0)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("seed", range(4))
def test_probes_equal_the_definition(make_layer, activation, seed):
    splits = mixed_layer(seed)
    frame = measure("probes", make_layer(splits, activation=activation))
    z, labels = splits["train"]
    values = {s: ACTIVATION_FUNCTIONS[activation].apply(z).astype(np.float64) for s, (z, _) in splits.items()}
    eigenvalue = np.trace(np.cov(values["train"], bias=True)) / len(z)

    def right_of(split, penalty):
        return reference_probe(values["train"], labels, 3, values[split], eigenvalue * penalty) == splits[split][1]

    right = {k: right_of("validation", 10.0**k).sum() for k in range(-6, 2)}
    chosen = 10.0 ** max(k for k in right if right[k] == max(right.values()))
    for split, (_, of_split) in splits.items():
        hits = right_of(split, chosen)
        assert value(frame, "penalty", split=split) == pytest.approx(chosen)
        assert value(frame, "accuracy", split=split) == hits.mean()
        ends = tuple(value(frame, f"interval_{end}", split=split) for end in ("low", "high"))
        assert ends == intervals.wilson(hits.sum(), len(hits))
        nearest = reference_nearest(values["train"], labels, values[split], 3)
        assert value(frame, "nearest_mean_accuracy", split=split) == (nearest == of_split).mean()
        most = np.bincount(labels).argmax()
        assert value(frame, "majority_share", split=split) == (of_split == most).mean()


@laws
@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 10), permutation=st.permutations(range(3)))
def test_probes_read_a_layer_that_is_turned_shifted_and_scaled_as_well(make_layer, seed, scale, permutation):
    splits = random_layer(seed, nodes=5)
    turn, shift = rotation(5, seed), np.random.default_rng(seed).normal(size=(5, 1))
    turned = changed(splits, lambda z: scale * turn @ z + shift)
    renamed = {split: (z, np.array(permutation)[labels]) for split, (z, labels) in splits.items()}
    repeated = splits | {"train": tuple(np.concatenate([part, part], axis=-1) for part in splits["train"])}
    first = measure("probes", make_layer(splits, activation="identity"))
    for other in (turned, renamed, repeated):
        second = measure("probes", make_layer(other, activation="identity"))
        for split in splits:
            # Rounding to float32 may move a sample across a border.
            for name in ("accuracy", "nearest_mean_accuracy"):
                expected = value(first, name, split=split)
                assert value(second, name, split=split) == pytest.approx(expected, abs=1.5 / 60), name


def test_without_validation_samples_only_the_nearest_mean_is_known(make_layer):
    splits = random_layer()
    del splits["validation"]
    frame = measure("probes", make_layer(splits), splits=["train", "test"])
    for column in ("accuracy", "interval_low", "interval_high", "penalty"):
        assert frame[column].null_count() == 2
    assert frame["nearest_mean_accuracy"].null_count() == frame["majority_share"].null_count() == 0


def test_shuffled_labels_are_read_off_no_better_than_the_largest_class(make_layer):
    random = np.random.default_rng(0)
    splits = {
        split: (random.normal(size=(5, n)).astype(np.float32), (random.random(n) < 0.4).astype(int))
        for split, n in (("train", 2000), ("validation", 1000), ("test", 1000))
    }
    row = row_of("probes", make_layer(splits, 2), "test")
    assert row["accuracy"] == pytest.approx(row["majority_share"], abs=0.02) and row["majority_share"] > 0.55


def test_of_a_constant_layer_the_largest_class_is_read(make_layer):
    splits = changed(random_layer(), lambda z: np.full_like(z, -1))
    frame = measure("probes", make_layer(splits))
    assert frame["accuracy"].to_list() == frame["majority_share"].to_list()
    assert frame["penalty"].to_list() == [10.0] * 3


def test_a_class_without_training_samples_is_never_read(make_layer):
    splits = random_layer()
    z, labels = splits["train"]
    splits["train"] = (z[:, labels != 1], labels[labels != 1])
    row = row_of("probes", make_layer(splits), "test")
    limit = 1 - (splits["test"][1] == 1).mean()
    assert 0 < row["accuracy"] <= limit and 0 < row["nearest_mean_accuracy"] <= limit


def test_probes_of_one_class_or_of_a_net_that_diverged_on_a_split_are_null(make_layer):
    splits = random_layer()
    one = {split: (z, np.zeros(len(labels), int)) for split, (z, labels) in splits.items()}
    frame = measure("probes", make_layer(one))
    assert all(set(numbers_of("probes", row).values()) == {None} for row in frame.rows(named=True))
    splits["test"][0][0, 0] = np.nan
    frame = measure("probes", make_layer(splits))
    assert frame["accuracy"].is_null().to_list() == [False, False, True]
    assert (
        row_of("probes", make_layer(random_layer() | {"test": (np.empty((6, 0)), np.empty(0, int))}), "test")[
            "accuracy"
        ]
        is None
    )


# --- layers with positions ---


@pytest.mark.parametrize("name", ["dimension", "collapse", "probes"])
def test_of_a_layer_with_positions_a_sample_is_the_mean_over_them(tmp_path, name):
    splits = texts()
    means = {
        split: ([np.maximum(z, 0).mean(axis=1, keepdims=True) for z in samples], labels)
        for split, (samples, labels) in splits.items()
    }
    tokens = measure(name, recorded(tmp_path / "tokens", splits))
    flat = measure(name, recorded(tmp_path / "flat", means, activation="identity"))
    assert_frame_equal(tokens, flat, rel_tol=1e-5, abs_tol=1e-7)


@pytest.mark.parametrize("name", ["collapse", "probes"])
def test_samples_without_classes_have_no_measure_of_classes(tmp_path, name):
    splits = {split: (z, np.zeros(len(labels), int)) for split, (z, labels) in plain(random_layer(nodes=NODES)).items()}
    frame = measure(name, recorded(tmp_path, splits, classes=()))
    assert all(set(numbers_of(name, row).values()) == {None} for row in frame.rows(named=True))


# --- a probe on the inputs ---


def input_probe(splits, **options):
    """Of a network that is given these inputs; ``options`` of the analysis."""

    def draw(split, count):
        x, labels = splits[split]
        return torch.from_numpy(x[:, :count].T.astype(np.float32)), torch.from_numpy(labels[:count].astype(np.int64))

    network = MeasuredNetwork(Net(), *draw("train", 2), "cross_entropy", n_classes=3, draw=draw)
    return measured("input_probe", network, OPTIONS["input_probe"].model_copy(update=options))


@pytest.mark.parametrize("seed", range(3))
def test_inputs_are_probed_as_a_layer_of_them_would_be(make_layer, seed):
    splits = mixed_layer(seed)
    expected = measure("probes", make_layer(splits, activation="identity"))
    assert_frame_equal(input_probe(splits), expected, rel_tol=1e-9)


def test_inputs_of_no_more_than_so_many_values_and_samples_are_probed():
    splits = mixed_layer()
    assert input_probe(splits, most_values=6).is_empty()
    assert input_probe(splits, most_values=7, probe_samples=20)["samples"].to_list() == [20] * 3


def test_inputs_of_one_class_or_without_validation_samples_are_not_read():
    splits = mixed_layer()
    one = {split: (x, np.zeros(len(labels), int)) for split, (x, labels) in splits.items()}
    assert all(set(numbers_of("input_probe", row).values()) == {None} for row in input_probe(one).rows(named=True))
    splits["validation"] = splits["validation"][0][:, :0], splits["validation"][1][:0]
    frame = input_probe(splits)
    assert frame["accuracy"].null_count() == 3 and frame.filter(split="train")["nearest_mean_accuracy"][0] > 1 / 3


# --- alignment ---


class Net(nn.Module):
    def __init__(self, classes=3, nodes=6, features=5):
        super().__init__()
        self.hidden, self.relu, self.out = nn.Linear(features, nodes), nn.ReLU(), nn.Linear(nodes, classes)

    def forward(self, x):
        return self.out(self.relu(self.hidden(x)))


def aligned(net, x, y, **options):
    (row,) = measured("alignment", MeasuredNetwork(net.eval(), x, y, "cross_entropy", **options)).rows(named=True)
    assert row["samples"] == len(y)
    return row["nc3"]


@pytest.fixture
def trained():
    torch.manual_seed(0)
    return Net(), torch.randn(300, 5), torch.arange(300) % 3


def test_alignment_equals_the_definition(trained):
    net, x, y = trained
    a = net.relu(net.hidden(x)).detach().numpy().astype(np.float64).T
    mu = np.stack([a[:, y.numpy() == c].mean(1) for c in range(3)], 1)
    M, W = mu - mu.mean(1, keepdims=True), net.out.weight.detach().numpy().astype(np.float64)
    W = (W - W.mean(0)).T
    expected = np.linalg.norm(W / np.linalg.norm(W) - M / np.linalg.norm(M)) ** 2
    assert aligned(net, x, y) == pytest.approx(expected, rel=1e-5) and 0 <= expected <= 4


def test_weights_that_are_the_class_means_are_aligned_however_long_and_with_a_common_shift(trained):
    net, x, y = trained
    with torch.no_grad():
        a = net.relu(net.hidden(x))
        for sign, expected in ((3.0, 0.0), (-0.5, 4.0)):
            net.out.weight[:] = sign * torch.stack([a[y == c].mean(0) for c in range(3)]) + torch.arange(6)
            assert aligned(net, x, y) == pytest.approx(expected, abs=1e-9)


def test_alignment_is_null_where_it_is_not_defined(trained):
    net, x, y = trained
    assert aligned(net, x, torch.clamp(y, max=1)) is None  # class 2 has no sample
    assert aligned(net, x, y, n_classes=4) is None
    with torch.no_grad():
        net.hidden.weight[:], net.hidden.bias[:] = 0, 1
        assert aligned(net, x, y) is None
        net.hidden.weight[:] = torch.nan
        assert aligned(net, x, y) is None
    assert aligned(nn.Sequential(nn.Linear(5, 3), nn.ReLU()), x, y) is None  # no output layer behind the hidden one
