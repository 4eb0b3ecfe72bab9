"""What the recording format keeps beside classes and equal numbers of positions."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodescope.numerics.activation_functions import activation_function
from nodescope.recording import LayerMetadata, Summary, read, write

SAMPLES = np.arange(4, dtype=np.int32)


def recorded(path, values, labels, metadata, **positions):
    write(path, np.asarray(values, np.float32), labels, SAMPLES[: len(labels if labels is not None else SAMPLES)], metadata,
          **positions)  # fmt: skip
    return read(path)


def test_samples_without_classes_form_one(tmp_path):
    path = tmp_path / "layer-1.parquet"
    layer = recorded(path, [[1, -2, 3, 4]], None, LayerMetadata("made", "layer-1", "relu", (1,), ()))
    assert not layer.is_labelled
    assert layer.n_classes == 1
    assert layer.labels.tolist() == [0, 0, 0, 0]
    assert layer.class_slices() == [slice(0, 4)]
    assert pl.read_parquet(path)["label"].null_count() == 4


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_of_samples_that_differ_in_their_positions_every_value_counts_once(tmp_path_factory, counts, seed):
    random = np.random.default_rng(seed)
    values = random.normal(size=(3, sum(counts))).astype(np.float32)
    metadata = LayerMetadata("made", "layer-1", "relu", (3, max(counts)), ("a", "b"), varying_positions=True)
    path = tmp_path_factory.mktemp("layers") / "layer-1.parquet"
    labels = np.sort(random.integers(0, 2, len(counts))).astype(np.int32)
    places = np.concatenate([np.arange(count) for count in counts]).astype(np.int32)
    samples = np.arange(len(counts), dtype=np.int32)
    write(path, values, labels, samples, metadata, position_counts=np.array(counts), positions=places)
    layer = read(path)

    of_samples = np.split(values.astype(np.float64), np.cumsum(counts)[:-1], axis=1)
    assert layer.position_counts().tolist() == counts
    assert layer.samples.tolist() == samples.tolist()
    assert layer.labels.tolist() == labels.tolist()
    assert layer.row_labels().tolist() == np.repeat(labels, counts).tolist()
    np.testing.assert_allclose(layer.z, np.stack([each.mean(axis=1) for each in of_samples], axis=1), atol=1e-6)
    np.testing.assert_allclose(
        layer.a(), np.stack([np.maximum(each, 0).mean(axis=1) for each in of_samples], axis=1), atol=1e-6
    )
    assert layer.largest().tolist() == np.stack([each.max(axis=1) for each in of_samples], axis=1).tolist()
    assert layer.on_counts(0.1).tolist() == np.stack([(each > 0.1).sum(axis=1) for each in of_samples], axis=1).tolist()
    assert layer.each().tolist() == values.tolist()


def test_a_summary_keeps_how_many_positions_each_sample_has(tmp_path):
    path = tmp_path / "layer-1.parquet"
    values = np.ones((2, 4), np.float32)
    summary = Summary(values, values, values, values.astype(np.uint8), {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nodescope.recording.parquet.write_values", lambda *_: None)
        metadata = LayerMetadata("made", "layer-1", "relu", (2, 7), (), "summary", 0.0, varying_positions=True)
        write(path, summary, None, SAMPLES, metadata, position_counts=np.array([7, 1, 2, 3]))
    layer = read(path)
    assert layer.position_counts().tolist() == [7, 1, 2, 3]
    assert layer.positions == 7
    assert layer.row_labels().tolist() == [0] * 13


def test_tokens_with_labels_of_their_own_are_samples(tmp_path):
    path = tmp_path / "layer-1.parquet"
    metadata = LayerMetadata("made", "layer-1", "relu", (1,), ("noun", "verb"))
    labels = np.array([0, 0, 1, 1], np.int32)
    layer = recorded(path, [[1, 2, 3, 4]], labels, metadata, positions=np.array([0, 2, 1, 3], np.int32))
    assert layer.positions == 1
    assert layer.class_counts().tolist() == [2, 2]
    assert pl.read_parquet(path)["position"].to_list() == [0, 2, 1, 3]


def test_parameters_of_a_function_may_differ_between_nodes(tmp_path):
    metadata = LayerMetadata(
        "made", "layer-1", "prelu", (2,), ("a",), parameters={"slope": (0.5, 0.25)}, node_names=("left", "right"),
        name="act", values="pre_activation",
    )  # fmt: skip
    layer = recorded(tmp_path / "layer-1.parquet", [[-2, 2, 0, -4], [-4, 4, 0, -8]], np.zeros(4, np.int32), metadata)
    assert layer.metadata == metadata
    assert layer.metadata.has_parameters_per_node
    assert layer.a().tolist() == [[-1, 2, 0, -2], [-1, 4, 0, -2]]
    assert layer.metadata.activate(layer.z[1], node=1).tolist() == [-1, 4, 0, -2]
    assert layer.metadata.is_monotone


@pytest.mark.parametrize(("slope", "monotone"), [(0.5, True), (-0.5, False), ((0.5, -0.1), False), ((0.0, 0.1), True)])
def test_a_function_with_a_negative_slope_is_not_monotone(slope, monotone):
    assert activation_function("prelu", {"slope": slope}).monotone is monotone
