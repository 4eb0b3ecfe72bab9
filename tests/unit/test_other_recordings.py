"""Every analysis of recordings that are not of trained classifiers: without classes, of outputs, of tokens with a mask."""

import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
from conftest import random_layer
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from test_analyses import ANALYSES, OF_LAYERS, measure, value

from nodescope.analyses import EVERYTHING, WHERE_MISSING, reason_to_leave_out, registered
from nodescope.measuring.layers import RecordedLayer
from nodescope.numerics.activation_functions import activation_function
from nodescope.recording import LayerMetadata, write
from nodescope.study.layout import activation_path

NODES, CLASSES = 4, ("a", "b", "c")


def recorded(folder, splits, classes=CLASSES, *, values="pre_activation", activation="relu", **more):
    """A layer from {split: (a list of [J, P] of each sample, labels)}; rows are sorted by label."""
    for split, (samples, labels) in splits.items():
        order = np.argsort(labels, kind="stable")
        counts = np.array([samples[i].shape[1] for i in order])
        most, varying = int(counts.max()), len(set(counts)) > 1
        metadata = LayerMetadata(
            "made", "layer-1", activation, (NODES, most) if most > 1 else (NODES,), classes, values=values,
            varying_positions=varying, **more,
        )  # fmt: skip
        z = np.ascontiguousarray(np.concatenate([samples[i] for i in order], axis=1), np.float32)
        known = np.asarray(labels, np.int32)[order] if classes else None
        path = activation_path(str(folder), 0, "trained", split, 1)
        write(str(path), z, known, order.astype(np.int32), metadata, position_counts=counts if varying else None)
    return RecordedLayer(str(folder), 0, "trained", 1, 0.0)


def texts(seed=0, samples=24):
    """Samples with 1 to 5 tokens, and their classes; the last node is dead."""
    random = np.random.default_rng(seed)
    splits = {}
    for split in ("train", "validation", "test"):
        made = [random.normal(size=(NODES, random.integers(1, 6))).astype(np.float32) for _ in range(samples)]
        made[0] = random.normal(size=(NODES, 5)).astype(np.float32)
        for sample in made:
            sample[-1] = -1.0
        splits[split] = made, np.arange(samples) % 3
    return splits


def plain(splits):
    """Those of a fully connected layer as samples of one position."""
    return {split: ([z[:, [i]] for i in range(z.shape[1])], labels) for split, (z, labels) in splits.items()}


# --- samples that differ in their positions: shares and means over what is there ---


def test_shares_count_the_positions_that_are_there(tmp_path):
    splits = texts()
    layer = recorded(tmp_path, splits)
    activity, dead, sparsity = (measure(name, layer) for name in ("activity", "dead_nodes", "sparsity"))
    for split, (samples, labels) in splits.items():
        off = []
        for node in range(NODES):
            for c in range(3):
                values = [v for z, label in zip(samples, labels, strict=True) if label == c for v in z[node]]
                expected = sum(v > 0 for v in values) / len(values)
                assert value(activity, "active_share", split=split, node=node, class_=c) == expected
            every = [v for z in samples for v in z[node]]
            off.append(sum(v <= 0 for v in every) / len(every))
        assert value(dead, "dead", split=split) == 1
        assert value(sparsity, "sparsity", split=split) == pytest.approx(np.mean(off[:-1]), rel=1e-12)


def test_means_of_a_sample_are_over_its_own_positions(tmp_path):
    splits = texts()
    layer = recorded(tmp_path, splits)
    medians = measure("medians", layer)
    for split, (samples, labels) in splits.items():
        for node in range(NODES):
            for c in range(3):
                means = [
                    np.mean([max(0.0, float(v)) for v in z[node]])
                    for z, label in zip(samples, labels, strict=True)
                    if label == c
                ]
                assert value(medians, "median", split=split, node=node, class_=c) == pytest.approx(
                    np.median(means), abs=1e-6
                )
    histograms = measure("node_histograms", layer, splits=["train"])
    assert histograms["counts"].list.sum().to_list() == [8] * len(histograms)  # a sample counts once


def test_statistics_and_patterns_are_of_all_positions_that_are_there(tmp_path):
    splits = texts()
    layer = recorded(tmp_path, splits)
    statistics, patterns, layers = (measure(name, layer) for name in ("statistics", "patterns", "layer_distributions"))
    for split, (samples, labels) in splits.items():
        every = np.concatenate(samples, axis=1).astype(np.float64)
        assert value(statistics, "mean", split=split, kind="pre") == pytest.approx(every.mean(), rel=1e-12)
        assert value(statistics, "std", split=split, kind="post") == pytest.approx(
            np.maximum(every, 0).std(), rel=1e-12
        )
        assert layers.filter(split=split, kind="pre")["count"].sum() == every.size
        tokens = [(tuple(z[:, p] > 0), c) for z, c in zip(samples, labels, strict=True) for p in range(z.shape[1])]
        assert value(patterns, "samples", split=split) == len(tokens) == every.shape[1]
        assert value(patterns, "distinct", split=split) == len({pattern for pattern, _ in tokens})
        entropy = bits(pattern for pattern, _ in tokens)
        assert value(patterns, "entropy_bits", split=split) == pytest.approx(entropy)
        given_class = bits(tokens) - bits(c for _, c in tokens)
        assert value(patterns, "entropy_given_class_bits", split=split) == pytest.approx(given_class)


def bits(found):
    counts = Counter(found)
    total = sum(counts.values())
    return -sum(n / total * math.log2(n / total) for n in counts.values())


@given(seed=st.integers(0, 1000))
def test_a_layer_whose_samples_all_have_as_many_positions_is_measured_alike_either_way(tmp_path_factory, seed):
    """As positions that vary, of which a further sample has one less, and without that sample, as those that do not."""
    random = np.random.default_rng(seed)
    samples = [random.normal(size=(NODES, 3)).astype(np.float32) for _ in range(12)]
    labels = np.arange(12) % 3
    folder = tmp_path_factory.mktemp("alike")
    same = recorded(folder / "same", dict.fromkeys(("train", "validation", "test"), (samples, labels)))
    fewer = [*samples[:-1], samples[-1][:, :2]]
    varying = recorded(folder / "varying", dict.fromkeys(("train", "validation", "test"), (fewer, labels)))
    one, other = measure("activity", same), measure("activity", varying)
    # The last sample has class 2; the others' shares are as before.
    assert_frame_equal(one.filter(pl.col("class") < 2), other.filter(pl.col("class") < 2))


# --- samples without classes ---


@pytest.mark.parametrize("name", [name for name in ANALYSES if not registered()[name].needs or name == "patterns"])
@pytest.mark.parametrize("made", [lambda: plain(random_layer(nodes=NODES)), texts], ids=["plain", "tokens"])
def test_samples_without_classes_are_measured_as_one_class(tmp_path, name, made):
    splits = {split: (samples, np.zeros(len(labels), int)) for split, (samples, labels) in made().items()}
    without = measure(name, recorded(tmp_path / "without", splits, classes=()))
    one = measure(name, recorded(tmp_path / "one", splits, classes=("all",)))
    if name == "patterns":
        assert one["class_information_bits"].to_list() == [0.0] * 3
        assert without["class_information_bits"].null_count() == without["entropy_given_class_bits"].null_count() == 3
        one, without = (frame.drop("class_information_bits", "entropy_given_class_bits") for frame in (one, without))
    if name in ("top_samples", "layer_map"):
        assert set(one["label"].drop_nulls()) == {0} and without["label"].null_count() == len(without)
        one, without = one.drop("label"), without.drop("label")
    assert_frame_equal(without, one)
    assert set(without["class"].to_list()) == {0} if "class" in without.columns else True


def test_layer_accuracy_without_an_output_has_no_accuracy_of_the_network(tmp_path):
    frame = measure("layer_accuracy", recorded(tmp_path, plain(random_layer(nodes=NODES))))
    assert frame["network_accuracy"].null_count() == len(frame) and frame["accuracy"].null_count() == 0


# --- outputs, of which no pre-activations are known ---


@pytest.mark.parametrize("name", ["statistics", "distributions", "layer_distributions", "node_histograms"])
def test_of_outputs_only_activations_are_measured(tmp_path, name):
    splits = plain(random_layer(nodes=NODES))
    outputs = measure(name, recorded(tmp_path / "out", splits, values="output", activation="identity"))
    both = measure(name, recorded(tmp_path / "both", splits, activation="identity"))
    assert set(outputs["kind"]) == {"post"}
    assert_frame_equal(outputs, both.filter(kind="post"))


@pytest.mark.parametrize("name", OF_LAYERS)
def test_every_analysis_measures_outputs_with_a_function_per_node(tmp_path, name):
    """Slopes per node are those of each node alone."""
    splits = plain(random_layer(nodes=NODES))
    slopes = (0.1, 0.25, 0.5, 0.9)
    given = {"activation": "prelu", "parameters": {"slope": slopes}}
    frame = measure(name, recorded(tmp_path / "each", splits, **given))
    assert len(frame)
    if name != "medians":
        return
    samples, labels = splits["test"]
    for node, slope in enumerate(slopes):
        for c in range(3):
            own = [
                activation_function("prelu", {"slope": slope}).apply(z[node])[0]
                for z, label in zip(samples, labels, strict=True)
                if label == c
            ]
            assert value(frame, "median", split="test", node=node, class_=c) == pytest.approx(np.median(own), rel=1e-6)


# --- what a study must have ---


def test_analyses_are_left_out_of_studies_that_lack_what_they_need():
    left_out = {
        missing: {
            name
            for name, analysis in registered().items()
            if reason_to_leave_out(analysis, set(EVERYTHING) - {missing})
        }
        for missing in WHERE_MISSING
    }
    assert left_out["network"] == {name for name, analysis in registered().items() if analysis.of_networks}
    assert {"layer_accuracy", "gradients"} <= left_out["classes"] and "medians" not in left_out["classes"]
    assert left_out["positions"] == {"patterns"}
    assert not any(reason_to_leave_out(analysis, EVERYTHING) for analysis in registered().values())
