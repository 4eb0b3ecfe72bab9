"""What is recorded is what the net computes; a damaged file is named."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from conftest import small_dataset, write_layer

from nodescope.datasets import PreparedDataset
from nodescope.datasets.splits import Splits
from nodescope.messages.errors import DamagedFileError
from nodescope.networks import (
    HiddenActivation,
    NetworkShape,
    build_network,
    hidden_layers,
    load_network,
    save_network,
)
from nodescope.networks.initialisation import draw_weight
from nodescope.networks.mlp import FullyConnected
from nodescope.networks.torch_activations import TORCH_ACTIVATIONS
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS
from nodescope.recording import LayerMetadata, read, write
from nodescope.recording.recorder import record_configuration
from nodescope.study.layout import activation_path, model_path


@pytest.fixture(params=[False, True], ids=["without-bn", "with-bn"])
def recorded(request, tmp_path):
    """A random net, recorded on a small data set."""
    torch.manual_seed(0)
    shape = NetworkShape("mlp", (5,), 3, 2, 4, "tanh", request.param, "xavier_normal", "all")
    network = FullyConnected(shape)
    for name, tensor in network.state_dict().items():
        if "num_batches" not in name:
            tensor.copy_(torch.rand(tensor.shape) + 0.1)
    dataset = small_dataset()
    save_network(model_path(str(tmp_path / "models"), 0, "trained"), shape, network.state_dict())
    record_configuration(
        tmp_path / "models",
        tmp_path / "activations",
        dataset,
        "blobs",
        [0],
        ["trained"],
        positions="summary",
        random_inputs=0,
    )
    return network.eval(), dataset, tmp_path / "activations"


def test_recorded_values_are_the_pre_activations_and_the_logits(recorded):
    network, dataset, folder = recorded
    for split, samples in dataset.splits.items():
        x = torch.from_numpy(dataset.inputs(samples))
        with torch.no_grad():
            z1 = network.hidden[0].norm(network.hidden[0].linear(x))
            z2 = network.hidden[1].norm(network.hidden[1].linear(torch.tanh(z1)))
            expected = {1: z1, 2: z2, "output": network(x)}
        for layer, z in expected.items():
            found = read(str(activation_path(str(folder), 0, "trained", split, layer)))
            order = np.argsort(found.samples)
            np.testing.assert_array_equal(found.samples[order], samples)
            np.testing.assert_allclose(found.z[:, order], z.numpy().T, rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(found.labels, dataset.labels(found.samples))
            assert (np.diff(found.labels) >= 0).all()


def test_the_file_is_as_the_contract_says(recorded):
    _, _, folder = recorded
    path = folder / "seed-0" / "trained" / "test" / "layer-2.parquet"
    parquet = pq.ParquetFile(path)
    assert parquet.schema_arrow.names == ["sample", "label", "n0", "n1", "n2", "n3"]
    assert [str(t) for t in parquet.schema_arrow.types] == ["int32", "int32", *["float"] * 4]
    assert parquet.num_row_groups == 1
    metadata = read(path).metadata
    assert (metadata.dataset, metadata.layer, metadata.activation, metadata.node_shape) == (
        "blobs",
        "layer-2",
        "tanh",
        (4,),
    )
    assert metadata.class_names == ("class 0", "class 1", "class 2")


def test_activations_are_the_function_of_the_pre_activations(tmp_path):
    z = np.linspace(-3, 3, 12).reshape(2, 6)
    write_layer(tmp_path, "train", z, np.array([0, 0, 1, 1, 2, 2]), 3, activation="sigmoid")
    layer = read(tmp_path / "seed-0/trained/train/layer-1.parquet")
    np.testing.assert_allclose(layer.a(), 1 / (1 + np.exp(-z)), rtol=1e-6)


def test_a_learned_slope_is_kept_with_the_pre_activations(tmp_path):
    z, labels = np.array([[-2.0, 1.0]], np.float32), np.array([0, 1], np.int32)
    metadata = LayerMetadata("made", "layer-1", "prelu", (1,), ("a", "b"), parameters={"slope": 0.5})
    write(tmp_path / "layer-1.parquet", z, labels, labels, metadata)
    layer = read(tmp_path / "layer-1.parquet")
    np.testing.assert_array_equal(layer.a(), [[-1.0, 1.0]])
    assert layer.a().dtype == np.float32
    activation = HiddenActivation("prelu")
    activation.slope.data.fill_(0.5)
    np.testing.assert_array_equal(activation(torch.from_numpy(z)).detach().numpy(), layer.a())


def test_class_slices_of_an_absent_class_are_empty(tmp_path):
    write_layer(tmp_path, "train", np.ones((1, 3)), np.array([2, 0, 2]), 4)
    slices = read(tmp_path / "seed-0/trained/train/layer-1.parquet").class_slices()
    assert [s.stop - s.start for s in slices] == [1, 0, 2, 0]


def test_a_truncated_activation_file_is_named(recorded):
    _, _, folder = recorded
    path = folder / "seed-0" / "trained" / "train" / "layer-1.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DamagedFileError, match=r"layer-1\.parquet"):
        read(path)
    with pytest.raises(DamagedFileError, match=r"layer-9\.parquet"):
        read(path.with_name("layer-9.parquet"))


def test_a_truncated_network_file_is_named(recorded, tmp_path):
    path = tmp_path / "models" / "seed-0" / "trained.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DamagedFileError, match=r"trained\.safetensors"):
        load_network(path)


@pytest.mark.parametrize("name", ACTIVATION_FUNCTIONS)
def test_both_forms_of_an_activation_function_agree(name):
    z = np.linspace(-20, 20, 801)
    expected = TORCH_ACTIVATIONS[name](torch.from_numpy(z)).numpy()
    np.testing.assert_allclose(ACTIVATION_FUNCTIONS[name].apply(z), expected, rtol=1e-9, atol=1e-12)
    assert ACTIVATION_FUNCTIONS[name].apply(z.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("initialisation", "variance"),
    [("kaiming_normal", 2 / 400), ("kaiming_uniform", 2 / 400), ("xavier_normal", 2 / 700), ("xavier_uniform", 2 / 700),
     ("lecun_normal", 1 / 400)],
)  # fmt: skip
def test_initial_weights_have_the_published_variance(initialisation, variance):
    weight = draw_weight(initialisation, 400, 300, np.random.default_rng(0))
    assert weight.mean() == pytest.approx(0, abs=3 * np.sqrt(variance / weight.size))
    assert weight.var() == pytest.approx(variance, rel=0.02)
    if initialisation.endswith("uniform"):
        assert np.abs(weight).max() <= np.sqrt(3 * variance)


@pytest.mark.parametrize("shape", [(20, 8), (8, 20)])
def test_orthogonal_weights_are_orthonormal(shape):
    weight = draw_weight("orthogonal", *shape, np.random.default_rng(0))
    small = weight if shape[0] <= shape[1] else weight.T
    np.testing.assert_allclose(small @ small.T, np.eye(8), atol=1e-12)


@pytest.fixture
def convolution(tmp_path):
    """A small network for images on random ones."""
    torch.manual_seed(0)
    shape = NetworkShape("cnn", (1, 8, 8), 3, 4, 2, "relu", False, "kaiming_normal")
    network = build_network(shape).eval()
    random = np.random.default_rng(0)
    splits = Splits(np.arange(20), np.arange(20, 25), np.arange(25, 30))
    dataset = PreparedDataset(random.random((30, 1, 8, 8), np.float32), np.arange(30) % 3, splits, ["a", "b", "c"])
    save_network(model_path(str(tmp_path / "models"), 0, "trained"), shape, network.state_dict())

    def record(positions, random_inputs=0):
        folder = tmp_path / positions
        record_configuration(
            tmp_path / "models", folder, dataset, "images", [0], ["trained"], positions=positions,
            random_inputs=random_inputs,
        )  # fmt: skip
        return folder / "seed-0" / "trained"

    x = torch.from_numpy(dataset.inputs(dataset.splits.test))
    seen = []
    for layer in hidden_layers(network).values():
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().numpy()))
    network(x)
    return record, seen


def test_of_a_convolution_the_mean_of_each_channel_is_recorded(convolution):
    record, seen = convolution
    folder = record("summary")
    for number, z in enumerate(seen, start=1):
        found = read(folder / "test" / f"layer-{number}.parquet")
        expected = z.reshape(*z.shape[:2], -1).mean(axis=2)
        np.testing.assert_allclose(found.z[:, np.argsort(found.samples)], expected.T, rtol=1e-5, atol=1e-6)


def test_of_a_convolution_every_position_can_be_a_row(convolution):
    record, seen = convolution
    folder = record("rows")
    for number, z in enumerate(seen, start=1):
        path = folder / "test" / f"layer-{number}.parquet"
        found = read(path)
        names = pq.ParquetFile(path).schema_arrow.names
        assert (names[2] == "position") == (z.ndim == 4)
        n_positions = z[0, 0].size if z.ndim == 4 else 1
        assert found.positions == n_positions
        by_sample = found.each().reshape(z.shape[1], 5, n_positions)[:, np.argsort(found.samples)]
        expected = z.reshape(5, z.shape[1], n_positions).swapaxes(0, 1)
        np.testing.assert_allclose(by_sample, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("positions", ["summary", "rows"])
def test_what_does_not_fit_the_memory_is_written_to_a_file_meanwhile(convolution, monkeypatch, positions):
    record, _ = convolution
    whole = record(positions)
    files = {path: path.read_bytes() for path in sorted(whole.glob("*/*.parquet"))}
    monkeypatch.setattr("nodescope.recording.scratch.MEMORY_BYTES", 100)
    monkeypatch.setattr("nodescope.recording.scratch.LARGEST_BYTES", 1000)
    monkeypatch.setattr("nodescope.recording.collecting.STRIP_BYTES", 300)
    monkeypatch.setattr("nodescope.recording.collecting.SHORTEST_STRIP", 3)
    record(positions)
    assert len(files) == 3 * (8 if positions == "summary" else 5)
    for path, content in files.items():
        assert path.read_bytes() == content, path


def test_random_inputs_are_a_split_of_their_own(convolution):
    record, _ = convolution
    found = read(record("summary", random_inputs=7) / "random" / "layer-1.parquet")
    assert found.z.shape[1] == 7 and (np.diff(found.labels) >= 0).all()
