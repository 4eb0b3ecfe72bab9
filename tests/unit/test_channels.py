"""Channels are more than their mean: what is recorded of a convolution, and what the analyses make of it.

The references are slow and plain: every pre-activation of the network in float64, and loops over nodes.
"""

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from torch import nn

from nodescope.analyses import (
    activity,
    dead_nodes,
    densities,
    distributions,
    layer_accuracy,
    layer_distributions,
    medians,
    node_histograms,
    patterns,
    sparsity,
    statistics,
)
from nodescope.config.analyses import Analyses
from nodescope.config.loading import parse_config
from nodescope.datasets import PreparedDataset
from nodescope.datasets.splits import Splits
from nodescope.measuring.layers import RecordedLayer, recorded_layers
from nodescope.measuring.runner import measure
from nodescope.messages.errors import ConfigError, DamagedFileError
from nodescope.networks import NetworkShape, build_network, hidden_layers, save_network
from nodescope.recording import LayerMetadata, Summary, read, recorder, write
from nodescope.recording.recorder import batch_size, record_configuration, record_network
from nodescope.recording.summarising import ValuesCollector, summarise
from nodescope.recording.values import read_values, values_path, write_values
from nodescope.study.layout import activation_path, model_path

pytestmark = pytest.mark.slow

#: Family, depth, width, activation function, batch normalisation, rows of an image, theta_threshold.
FAMILIES = {
    "cnn": ("cnn", 4, 3, "prelu", False, 9, 0.0),
    "resnet": ("resnet", 8, 4, "relu", True, 8, 0.0),
    "convnet": ("convnet", 8, 3, "sigmoid", True, 8, 0.2),
    "toynet": ("toynet", 8, 4, "gelu", True, 5, -0.1),
    "pyramidnet": ("pyramidnet", 8, 4, "tanh", True, 8, 0.0),
    "fixup": ("fixup_resnet", 8, 4, "leaky_relu", False, 8, 0.05),
    "torchvision": ("torchvision_resnet", 18, 64, "relu", True, 17, 0.0),
}
OPTIONS = Analyses.model_validate({"layer_distributions": {"bins": 25}})
SPLITS = ("train", "validation", "test", "random")
STATES = ["trained"]


def drawn(model, depth, width, activation, batch_norm, rows, seed=0):
    """A network with random parameters, also those that begin at 0 or 1, and random images."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    initialisation = "kaiming_normal" if activation in ("relu", "prelu", "leaky_relu", "gelu") else "xavier_normal"
    shape = NetworkShape(model, (2, rows, rows), 3, depth, width, activation, batch_norm, initialisation)
    network = build_network(shape).eval()
    for name, tensor in network.state_dict().items():
        if "num_batches" not in name and tensor.ndim < 2:
            tensor.copy_(torch.rand(tensor.shape) * 0.8 + (0.6 if "var" in name else -0.3 if "slope" in name else 0.1))
    splits = Splits(np.arange(20), np.arange(20, 27), np.arange(27, 36))
    y = random.permutation(np.arange(36) % 3)
    dataset = PreparedDataset(random.random((36, 2, rows, rows), np.float32), y, splits, ["a", "b", "c"])
    return shape, network, dataset


@pytest.fixture(scope="module", params=FAMILIES)
def both(request, tmp_path_factory):
    """The layers of a network of each family, recorded as summaries and as rows, and its threshold."""
    *settings_, threshold = FAMILIES[request.param]
    shape, network, dataset = drawn(*settings_)
    folder = tmp_path_factory.mktemp(request.param)
    save_network(model_path(str(folder / "models"), 0, "trained"), shape, network.state_dict())
    for positions in ("summary", "rows"):
        record_configuration(
            folder / "models", folder / positions, dataset, "images", [0], STATES, positions=positions, random_inputs=5,
            theta_threshold=threshold,
        )  # fmt: skip
    numbers = recorded_layers(str(folder / "summary"), 0, "trained")
    assert len(numbers) == len(hidden_layers(network))
    chosen = numbers if len(numbers) < 10 else [1, 4, 11]
    return [
        tuple(
            RecordedLayer(str(folder / positions), 0, "trained", number, threshold) for positions in ("summary", "rows")
        )
        for number in chosen
    ]


def every_value(layer, split):
    """Pre-activations [J, N, P] in float64, from the rows, and the labels [N]."""
    activations = layer.read(split)
    z = activations.each().astype(np.float64)
    return z.reshape(len(z), activations.n_samples, activations.positions), activations.labels


def reference(layer, split, z):
    """``T(z)`` in float64 of the layer's function."""
    return layer.read(split).metadata.activate(z)


def measured(analysis, layer, **options):
    section = OPTIONS[analysis.ANALYSIS.name].model_copy(update={"splits": list(SPLITS)} | options)
    return measure(analysis.ANALYSIS.name, layer, section)


def test_a_summary_holds_what_every_position_says(both):
    seen = set()
    for summary, rows in both:
        for split in SPLITS:
            found = summary.read(split)
            z, labels = every_value(rows, split)
            np.testing.assert_array_equal(found.labels, labels)
            seen.add(found.positions > 1)
            np.testing.assert_allclose(found.z, z.mean(axis=2), rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(found.largest(), z.max(axis=2).astype(np.float32))
            np.testing.assert_array_equal(
                found.on_counts(rows.theta_threshold), (z > np.float32(rows.theta_threshold)).sum(axis=2)
            )
            np.testing.assert_allclose(found.a(), reference(rows, split, z).mean(axis=2), rtol=1e-4, atol=1e-6)
    assert True in seen


def test_dead_active_and_sparse_are_the_same_by_summary_and_by_rows(both):
    for summary, rows in both:
        for analysis in (dead_nodes, activity, sparsity):
            assert measured(analysis, summary).equals(measured(analysis, rows))
        threshold = np.float32(rows.theta_threshold)
        alive = (every_value(rows, "train")[0] > threshold).any(axis=(1, 2))
        for split in SPLITS:
            z, labels = every_value(rows, split)
            on = z > threshold
            shares = measured(activity, summary, splits=[split])["active_share"].to_list()
            expected = [on_NP[labels == c].mean() if (labels == c).any() else None for on_NP in on for c in range(3)]
            assert shares == expected
            dead = measured(dead_nodes, summary, splits=[split])["dead"].item()
            assert dead == sum(not on_NP.any() for on_NP in on)
            found = measured(sparsity, summary, splits=[split])["sparsity"].item()
            assert found == (pytest.approx(1 - on[alive].mean(), abs=1e-12) if alive.any() else None)


def test_the_statistics_of_a_layer_are_those_of_all_positions(both):
    for summary, rows in both:
        found = measured(statistics, summary)
        for split in SPLITS:
            z, _ = every_value(rows, split)
            for kind, values in (("pre", z.ravel()), ("post", reference(rows, split, z).astype(np.float32).ravel())):
                row = found.row(by_predicate=(pl.col("split") == split) & (pl.col("kind") == kind), named=True)
                expected = {
                    "mean": values.mean(dtype=np.float64), "std": values.std(dtype=np.float64),
                    "skew": stats.skew(values.astype(np.float64)), "kurtosis": stats.kurtosis(values.astype(np.float64)),
                    "minimum": values.min(), "maximum": values.max(), "zero_share": np.mean(values == 0),
                }  # fmt: skip
                for name, value in expected.items():
                    assert row[name] == pytest.approx(value, rel=1e-4, abs=1e-5), (split, kind, name)
        others = found.select("dead", "zero_share")
        assert others.equals(measured(statistics, rows).select("dead", "zero_share"))
        exact, near = measured(statistics, rows)["saturated_share"], found["saturated_share"]
        assert near.is_null().equals(exact.is_null())
        np.testing.assert_allclose(near.drop_nulls(), exact.drop_nulls(), atol=0.02)


def test_the_histogram_of_a_layer_counts_all_positions(both):
    for summary, rows in both:
        table = measured(layer_distributions, summary)
        for split in SPLITS:
            z, _ = every_value(rows, split)
            for kind, values in (
                ("pre", z.ravel()),
                ("post", rows.read(split).each("post").ravel().astype(np.float64)),
            ):
                bins = table.filter(pl.col("split") == split, pl.col("kind") == kind)
                edges = np.array([*bins["bin_left"], bins["bin_right"][-1]])
                if kind == "pre":
                    np.testing.assert_array_equal(bins["count"], np.histogram(values, edges)[0])
                assert bins["count"].sum() == values.size
                equal = np.linspace(edges[0], edges[-1], 26)
                if values.min() < values.max():
                    assert len(edges) == 26
                np.testing.assert_allclose(edges, equal, rtol=1e-3, atol=1e-30)


def test_a_samples_activation_is_the_mean_over_positions(both):
    for summary, rows in both:
        found = measured(medians, summary)
        for split in SPLITS:
            z, labels = every_value(rows, split)
            a = reference(rows, split, z).mean(axis=2)
            expected = [
                np.median(a[j][labels == c]) if (labels == c).any() else np.nan for j in range(len(z)) for c in range(3)
            ]
            own = found.filter(pl.col("split") == split)["median"].fill_null(np.nan)
            np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(
            found["median"].fill_null(np.nan), measured(medians, rows)["median"].fill_null(np.nan), rtol=1e-4, atol=1e-6
        )


def test_layers_classify_by_whether_a_channel_is_on_anywhere(both):
    for summary, rows in both:
        one, other = (measured(layer_accuracy, layer) for layer in (summary, rows))
        discrete = pl.col("system") == "discrete"
        assert one.filter(discrete).equals(other.filter(discrete))
        by_system = [
            layer_accuracy.layer_scores(
                layer, layer.read("train"), {split: layer.read(split) for split in SPLITS}, OPTIONS.layer_accuracy
            )
            for layer in (summary, rows)
        ]
        for split in SPLITS:
            for system in ("discrete", "continuous", "combined"):
                scores_of_both = [found[split][system] for found in by_system]
                np.testing.assert_allclose(*scores_of_both, rtol=1e-4, atol=1e-4)
        z, labels = every_value(rows, "train")
        on = (z > np.float32(rows.theta_threshold)).any(axis=2)
        scores = np.zeros((3, len(labels)))
        for c in range(3):
            p = (on[:, labels == c].sum(axis=1) + 0.5) / ((labels == c).sum() + 1)
            scores[c] = np.where(on, np.log(p)[:, None], np.log(1 - p)[:, None]).sum(axis=0)
            scores[c] += len(z) * np.log((labels == c).mean())
        best = one.filter(discrete, pl.col("split") == "train")["accuracy"].item()
        assert best == pytest.approx((scores.argmax(axis=0) == labels).mean())


def test_single_nodes_have_one_value_per_sample(both):
    for summary, rows in both:
        samples = summary.read("train").n_samples
        for analysis in (distributions, node_histograms, densities):
            one, other = (measured(analysis, layer, splits=["train"]) for layer in (summary, rows))
            assert one.drop(pl.selectors.float(), pl.selectors.starts_with("count")).equals(
                other.drop(pl.selectors.float(), pl.selectors.starts_with("count"))
            )
        counts = measured(distributions, summary, splits=["train"]).group_by("node", "kind").agg(pl.col("count").sum())
        assert set(counts["count"]) == {samples}


def test_patterns_are_those_at_positions_or_not_known(both):
    for summary, rows in both:
        for split in SPLITS:
            z, _ = every_value(rows, split)
            found = measured(patterns, rows, splits=[split]).row(0, named=True)
            on = (z > np.float32(rows.theta_threshold)).reshape(len(z), -1).T
            assert found["samples"] == len(on)
            assert found["distinct"] == len(np.unique(on, axis=0))
            of_summary = measured(patterns, summary, splits=[split]).row(0, named=True)
            assert of_summary["distinct"] == (None if summary.read(split).positions > 1 else found["distinct"])
            assert of_summary["samples"] == found["samples"]


def test_no_channel_of_an_untrained_network_is_called_dead_that_is_on_somewhere(tmp_path):
    shape, _, dataset = drawn("resnet", 8, 8, "relu", True, 8)
    torch.manual_seed(3)
    network = build_network(shape).eval()  # running statistics of 0 and 1
    save_network(model_path(str(tmp_path / "models"), 0, "trained"), shape, network.state_dict())
    record_configuration(
        tmp_path / "models",
        tmp_path / "activations",
        dataset,
        "images",
        [0],
        STATES,
        positions="summary",
        random_inputs=0,
    )
    seen = []
    for module in hidden_layers(network).values():
        module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().numpy()))
    network(torch.from_numpy(dataset.inputs(dataset.splits.train)))
    dead_by_mean = 0
    for number, z in enumerate(seen, start=1):
        layer = RecordedLayer(str(tmp_path / "activations"), 0, "trained", number, 0.0)
        z_BJP = z.reshape(*z.shape[:2], -1)
        assert measured(dead_nodes, layer, splits=["train"])["dead"].item() == (z_BJP.max(axis=(0, 2)) <= 0).sum()
        dead_by_mean += (z_BJP.mean(axis=2).max(axis=0) <= 0).sum() - (z_BJP.max(axis=(0, 2)) <= 0).sum()
    assert dead_by_mean > 0


# --- the files ---


def test_a_summary_has_four_columns_of_arrays_of_at_most_four_bytes_per_node(both):
    for summary, rows in both:
        path = summary.read("test").path
        schema = pq.ParquetFile(path).schema_arrow
        metadata = summary.read("test").metadata
        nodes = metadata.node_shape[0]
        if metadata.positions == 1:
            assert metadata.holds == "each" and len(schema.names) == 2 + nodes
            assert path.read_bytes() == rows.read("test").path.read_bytes()
            continue
        assert schema.names == ["sample", "label", "mean", "max", "a", "on"]
        on = "uint8" if metadata.positions < 256 else "uint16"
        types = dict(pl.read_parquet_schema(path))
        assert types["on"] == pl.Array({"uint8": pl.UInt8, "uint16": pl.UInt16}[on], nodes)
        assert {types[name] for name in ("mean", "max", "a")} == {pl.Array(pl.Float32, nodes)}
        assert (metadata.holds, metadata.theta_threshold) == ("summary", summary.theta_threshold)
        assert read(rows.read("test").path).metadata.holds == "each"


def test_counts_at_another_threshold_are_not_taken_for_the_ones_asked_for(both):
    summary, _ = both[0]
    layer = RecordedLayer(summary.folder, 0, "trained", 1, summary.theta_threshold + 1)
    with pytest.raises(DamagedFileError, match=r"theta_threshold.*\n?.*Hint: delete"):
        measured(activity, layer)


def summary_of(batches, threshold=0.0):
    """The summary of a layer from batches of its tensors ``z`` and ``a`` [B, J, P...]."""
    values = ValuesCollector(("pre", "post"), sum(len(z) for z, _ in batches))
    found = []
    for z, a in batches:
        found.append(summarise(z, a, threshold))
        for level, which in values.chosen(len(z), z[:1].numel()):
            values.add(level, *(each[which].flatten(2).numpy() for each in (z, a)))
    arrays = (
        np.concatenate([getattr(each, name) for each in found]) for name in ("mean", "largest", "activation", "on")
    )
    return Summary(*arrays, values.finished())


@pytest.mark.parametrize("shape", [(1, 1, 2), (3, 2, 7, 11), (2, 3, 4, 5, 6)])
def test_layers_with_any_number_of_axes_of_positions_are_summarised(shape):
    z = torch.from_numpy(np.random.default_rng(0).normal(size=(2 * shape[0], *shape[1:])).astype(np.float32))
    found = summary_of([(half, torch.sigmoid(half)) for half in z.chunk(2)], 0.3)
    flat = z.flatten(2).double().numpy()
    np.testing.assert_allclose(found.mean, flat.mean(axis=2), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(found.on, (flat > np.float32(0.3)).sum(axis=2))
    np.testing.assert_allclose(found.activation, (1 / (1 + np.exp(-flat))).mean(axis=2), rtol=1e-5)
    assert found.values["pre"].count == flat.size


def test_a_strided_layer_is_summarised_like_any_other():
    z = torch.randn(3, 5, 4, 6).to(memory_format=torch.channels_last)
    made = []
    for values in (z, z.contiguous()):
        made.append(summary_of([(values, torch.relu(values))]))
    np.testing.assert_array_equal(made[0].mean, made[1].mean)
    np.testing.assert_array_equal(made[0].on, made[1].on)


FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
NORMAL = st.floats(-8, 8, width=32)


def summarised(batches):
    """All values of batches [B, 1, P] of one node, taken in one after the other."""
    return summary_of([(torch.from_numpy(batch), torch.from_numpy(np.abs(batch))) for batch in batches]).values


@settings(max_examples=100)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 6), st.just(1), st.integers(2, 40)), elements=NORMAL | FLOATS),
    st.integers(1, 5),
)
def test_all_values_are_counted_where_they_lie(z, split):
    parts = [part for part in (z[:split], z[split:]) if len(part)]
    found = summarised(parts)["pre"]
    values = z.ravel().astype(np.float64)
    moments = found.moments
    assert found.count == moments.count == len(values)
    assert (moments.minimum, moments.maximum, moments.zeros) == (values.min(), values.max(), (values == 0).sum())
    assert moments.mean == pytest.approx(values.mean(), rel=1e-12, abs=1e-14 * np.abs(values).max())
    d = values - values.mean()
    for name, power in (("second", 2), ("third", 3), ("fourth", 4)):
        scale = np.abs(values).max() ** power
        assert getattr(moments, name) == pytest.approx((d**power).mean(), rel=1e-9, abs=1e-13 * scale)
    low, high = values.min() - 1.0, values.max() + 1.0
    edges, counts = found.histogram(np.linspace(low, high, 14))
    np.testing.assert_array_equal(counts, np.histogram(values, edges)[0])
    ranks = found.at_ranks(9)
    assert (ranks[0], ranks[-1]) == (values.min(), values.max())
    expected = np.sort(values)[((np.arange(9) + 0.5) / 9 * len(values)).astype(int)]
    # A bucket holds what agrees in its upper bits: relative to the value, and 2^13 steps wide among subnormal numbers.
    np.testing.assert_allclose(ranks[1:-1], expected, rtol=1e-3, atol=2.0 ** (13 - 149))
    exact = [(values < limit).sum() for limit in edges[1:-1]]
    np.testing.assert_array_equal(found.below(edges[1:-1]), exact)


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_leaves_the_layer_without_numbers(strange, tmp_path):
    z = np.random.default_rng(0).normal(size=(8, 2, 6)).astype(np.float32)
    z[5, 1, 3] = strange
    kept = summary_of([(torch.from_numpy(z), torch.from_numpy(np.maximum(z, 0)))])
    labels = np.repeat([0, 1], 4).astype(np.int32)
    metadata = LayerMetadata("made", "layer-1", "relu", (2, 6), ("a", "b"), holds="summary", theta_threshold=0.0)
    for split in ("train", "validation", "test"):
        write(
            activation_path(str(tmp_path), 0, "trained", split, 1), kept, labels,
            np.arange(8, dtype=np.int32), metadata,
        )  # fmt: skip
    layer = RecordedLayer(str(tmp_path), 0, "trained", 1, 0.0)
    splits = ["train", "validation", "test"]
    assert measured(dead_nodes, layer, splits=splits)["dead"].null_count() == 3
    assert measured(sparsity, layer, splits=splits)["sparsity"].null_count() == 3
    of_nodes = (
        measured(activity, layer, splits=["train"]).group_by("node", maintain_order=True).agg(pl.all().null_count())
    )
    assert of_nodes["active_share"].to_list() == [0, 2]
    assert measured(statistics, layer, splits=["train"]).filter(pl.col("kind") == "pre")["std"].to_list() == [None]
    pre = measured(layer_distributions, layer, splits=["train"]).filter(pl.col("kind") == "pre")
    assert pre.drop("split", "kind").null_count().row(0) == (1, 1, 1)


def test_a_split_without_samples_has_no_numbers(tmp_path):
    metadata = LayerMetadata("made", "layer-1", "relu", (2, 6), ("a", "b"), holds="summary", theta_threshold=0.0)
    none = np.empty(0, np.int32)
    path = activation_path(str(tmp_path), 0, "trained", "train", 1)
    write(path, summary_of([(torch.empty(0, 2, 6), torch.empty(0, 2, 6))]), none, none, metadata)
    layer = RecordedLayer(str(tmp_path), 0, "trained", 1, 0.0)
    for analysis, column in (
        (dead_nodes, "dead"), (sparsity, "sparsity"), (activity, "active_share"), (medians, "median"),
        (statistics, "mean"), (layer_distributions, "count"), (patterns, "distinct"),
    ):  # fmt: skip
        table = measured(analysis, layer, splits=["train"])
        assert table[column].null_count() == len(table) > 0, column


def test_the_values_of_a_layer_are_read_back_as_they_were_written(tmp_path):
    values = summarised([np.random.default_rng(0).normal(size=(4, 1, 50)).astype(np.float32)])
    path = values_path(tmp_path / "layer-12.parquet")
    assert path.name == "values-12.parquet"
    write_values(path, values)
    for kind, found in read_values(path).items():
        for name, value in vars(values[kind]).items():
            np.testing.assert_array_equal(getattr(found, name), value)


def test_damaged_values_are_named(both):
    summary, _ = both[0]
    activations = read(summary.read("validation").path)
    path = values_path(activations.path)
    whole = path.read_bytes()
    path.write_bytes(whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])
    try:
        with pytest.raises(DamagedFileError, match=r"values-1\.parquet"):
            _ = activations.values
    finally:
        path.write_bytes(whole)


# --- how it runs ---


def test_a_batch_holds_as_many_samples_as_its_bytes_allow(monkeypatch):
    assert batch_size([(200,), (200,), (10,)], 784) == recorder.LARGEST_BATCH
    large = [(64, 48 * 48), (64, 24 * 24), (10,)]
    of_one = 4 * (3 * 96 * 96 + 64 * 48 * 48 + 64 * 24 * 24 + 10)
    assert batch_size(large, 3 * 96 * 96) == recorder.BATCH_BYTES // of_one < 100
    assert batch_size([(512, 10**6)], 3) == 1
    assert batch_size([(64, 10_000)] * 10, 3) == recorder.FEW_SAMPLES  # fewer would fit, but are slower


def test_recorded_values_do_not_depend_on_the_batch(tmp_path, monkeypatch):
    _, network, dataset = drawn("pyramidnet", 8, 3, "relu", True, 8)
    samples = dataset.splits.train[np.argsort(dataset.labels(dataset.splits.train), kind="stable")]
    for name, size in (("whole", 512), ("three", 3), ("again", 3)):
        monkeypatch.setattr(recorder, "batch_size", lambda shapes, inputs, size=size: size)
        record_network(network, dataset, "images", samples, tmp_path / name, "summary")
    for path in sorted((tmp_path / "whole").glob("[!.]*")):
        assert (tmp_path / "three" / path.name).read_bytes() == (tmp_path / "again" / path.name).read_bytes()
        if not path.name.startswith("values"):
            whole, three = read(path), read(tmp_path / "three" / path.name)
            np.testing.assert_allclose(whole.z, three.z, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(whole.a(), three.a(), rtol=1e-4, atol=1e-5)


class _Failing(nn.Module):
    def forward(self, x):
        raise RuntimeError("out of memory")


def test_a_network_is_left_without_hooks_also_where_recording_fails(tmp_path):
    _, network, dataset = drawn("cnn", 4, 2, "relu", False, 8)
    network.output = _Failing()
    with pytest.raises(RuntimeError, match="out of memory"):
        record_network(network, dataset, "images", dataset.splits.test, tmp_path, "summary")
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize("value", ["mean", "max"])
def test_one_value_per_channel_is_refused_with_the_reason(value):
    axes = {"depth": [4], "width": [4], "activation": ["relu"]}
    study = {"name": "made", "dataset": "cifar10", "model": "cnn", "grid": axes, "positions": value}
    with pytest.raises(ConfigError, match=rf"positions: the {value} of a channel .* Hint: 'summary'"):
        parse_config({"studies": [study]})


def test_medians_follow_a_learned_slope_that_is_below_zero(tmp_path):
    z = np.array([[-4.0, -1.0, 0.5, 1.0, 2.0]], np.float32)
    labels, samples = np.zeros(5, np.int32), np.arange(5, dtype=np.int32)
    metadata = LayerMetadata("made", "layer-1", "prelu", (1,), ("a",), parameters={"slope": -0.5})
    write(activation_path(str(tmp_path), 0, "trained", "train", 1), z, labels, samples, metadata)
    layer = RecordedLayer(str(tmp_path), 0, "trained", 1, 0.0)
    assert measured(medians, layer, splits=["train"])["median"].item() == 1.0  # of 2, 0.5, 0.5, 1, 2
