"""`nodescope.record` and `nodescope.recorder` record any network, and leave everything else as it was."""

import json
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import nodescope
from nodescope.messages.errors import NetworkError
from nodescope.recording import read
from nodescope.recording.recorder import Recorder


class Net(nn.Module):
    """PyTorch's MNIST example, small, with an embedding that is no forward pass."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.dropout = nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(4 * 3 * 3, 7), nn.Linear(7, 3)

    def encode(self, x):
        return self.fc1(functional.max_pool2d(functional.relu(self.norm(self.conv(x))), 2).flatten(1))

    def forward(self, x):
        return functional.log_softmax(self.fc2(self.dropout(functional.relu(self.encode(x)))), dim=1)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Net()


@pytest.fixture
def data():
    torch.manual_seed(1)
    return TensorDataset(torch.randn(50, 1, 8, 8), torch.randint(3, (50,)))


def layers_of(folder, split="test", state="trained"):
    return {path.stem: read(path) for path in sorted((folder / "seed-0" / state / split).glob("[lo]*.parquet"))}


def in_order(layer):
    """Values [J, N] in the order of the samples."""
    return layer.z[:, np.argsort(layer.samples)]


def test_a_loader_is_recorded_in_one_call(net, data, tmp_path):
    folder = nodescope.record(net, DataLoader(data, batch_size=16), tmp_path, axes={"width": 7})
    assert folder == tmp_path / "width-7"
    found = layers_of(folder)
    assert list(found) == ["layer-1", "layer-2", "output"]
    x, y = data.tensors
    with torch.no_grad():
        net.eval()
        z1 = net.norm(net.conv(x)).double()
        expected = {"layer-1": z1.mean((2, 3)), "layer-2": net.encode(x), "output": net(x)}
    for name, values in expected.items():
        np.testing.assert_allclose(in_order(found[name]), values.numpy().T, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(found[name].labels, y.numpy()[found[name].samples])
        assert found[name].metadata.class_names == ("0", "1", "2")
    order = np.argsort(found["layer-1"].samples)
    np.testing.assert_allclose(found["layer-1"].largest()[:, order], z1.amax((2, 3)).numpy().T, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["layer-1"].a()[:, order], z1.relu().mean((2, 3)).numpy().T, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found["layer-1"].on_counts(0.0)[:, order], (z1 > 0).sum((2, 3)).numpy().T)
    described = json.loads((folder / "network.json").read_text())
    assert [(row["layer"], row["name"], row["nodes"], row["positions"]) for row in described["layers"]] == [
        (1, "forward/relu:1", 4, 36), (2, "forward/relu:2", 7, 1), (3, "output", 3, 1),
    ]  # fmt: skip
    assert described["parameters"] == sum(row["parameters"] for row in described["layers"])
    assert "they give probabilities" in described["decisions"][0]


def test_a_loop_of_ones_own_may_call_any_method(net, data, tmp_path):
    x, y = data.tensors
    classes = np.array(["cat", "dog", "eel"])[y]

    class Around(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net
            self.act = nn.ReLU(inplace=True)

        def embed(self, x):
            return self.act(
                self.net.fc1(functional.max_pool2d(self.act(self.net.norm(self.net.conv(x))), 2).flatten(1))
            )

    model = Around()
    with nodescope.recorder(model, tmp_path, state="epoch-3") as see:
        for begin in range(0, 50, 9):
            see(labels=classes[begin : begin + 9])
            model.embed(x[begin : begin + 9])
    found = layers_of(tmp_path / "around", state="epoch-3")
    assert [layer.metadata.name for layer in found.values()] == ["act", "act:2"]
    assert found["layer-2"].metadata.class_names == ("cat", "dog", "eel")
    with torch.no_grad():
        np.testing.assert_allclose(in_order(found["layer-2"]), net.eval().encode(x).numpy().T, rtol=1e-5, atol=1e-5)


def test_a_training_that_goes_on_is_the_same_to_the_last_bit(data, tmp_path):
    def train(record):
        torch.manual_seed(3), np.random.seed(3), random.seed(3)  # noqa: NPY002
        net = Net()
        optimiser = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
        net.norm.eval()  # as it was frozen
        losses = []
        for _ in range(3):
            for x, y in DataLoader(data, batch_size=16, shuffle=True):
                optimiser.zero_grad()
                loss = functional.nll_loss(net(x), y)
                loss.backward()
                if record:
                    nodescope.record(net, DataLoader(data, batch_size=20), tmp_path)
                    assert net.training and not net.norm.training and net.conv.weight.grad is not None
                optimiser.step()
                losses.append(loss.item())
        return losses, net.state_dict(), random.random(), np.random.random()  # noqa: NPY002

    plain, recorded = train(record=False), train(record=True)
    assert plain[0] == recorded[0] and plain[2:] == recorded[2:]
    assert all(torch.equal(tensor, recorded[1][name]) for name, tensor in plain[1].items())


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.fc, self.act, self.head = nn.Embedding(20, 6), nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 2)

    def forward(self, input_ids, attention_mask):
        h = self.act(self.fc(self.embed(input_ids))) * attention_mask[..., None]
        return {"logits": self.head(h.sum(1))}


TEXTS = [[3, 4, 5], [7], [1, 2, 3, 4, 5, 6], [9, 9], [11, 12, 13, 14]]


def padded(texts, extra=0, *, left=False):
    """A batch of texts as a tokenizer makes it."""
    width = max(map(len, texts)) + extra
    ids = [[0] * (width - len(t)) + t if left else t + [0] * (width - len(t)) for t in texts]
    mask = [[0] * (width - len(t)) + [1] * len(t) if left else [1] * len(t) + [0] * (width - len(t)) for t in texts]
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask), "labels": [len(t) % 2 for t in texts]}


@pytest.mark.parametrize("positions", ["summary", "rows", "last"])
def test_padding_has_no_part_in_anything(tmp_path, positions):
    torch.manual_seed(0)
    net = Tokens()
    folder = nodescope.record(
        net, [padded(TEXTS[:2], 2), padded(TEXTS[2:], 1, left=True)], tmp_path, positions=positions
    )
    layer = layers_of(folder)["layer-1"]
    with torch.no_grad():
        z = [net.fc(net.embed(torch.tensor(TEXTS[sample]))).double().numpy() for sample in layer.samples]
    if positions == "last":
        np.testing.assert_allclose(layer.z.T, [each[-1] for each in z], atol=1e-6)
        return
    assert layer.position_counts().tolist() == [len(TEXTS[sample]) for sample in layer.samples]
    np.testing.assert_allclose(layer.z.T, [each.mean(0) for each in z], atol=1e-6)
    np.testing.assert_allclose(layer.largest().T, [each.max(0) for each in z], atol=1e-6)
    np.testing.assert_array_equal(layer.on_counts(0.0).T, [(each > 0).sum(0) for each in z])
    a = [functional.gelu(torch.from_numpy(each)).numpy().mean(0) for each in z]
    np.testing.assert_allclose(layer.a().T, a, atol=1e-6)
    if positions == "rows":
        np.testing.assert_allclose(layer.each().T, np.concatenate(z), atol=1e-6)
    else:
        assert layer.values["pre"].count == sum(map(len, TEXTS)) * 5


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 19), min_size=1, max_size=7), min_size=1, max_size=8),
    st.integers(1, 4),
    st.integers(0, 3),
    st.booleans(),
    st.randoms(use_true_random=False),
    st.sampled_from(["summary", "rows", "last"]),
)
def test_batches_order_and_padding_change_no_value(tmp_path_factory, texts, size, extra, left, shuffled, positions):
    torch.manual_seed(0)
    net = Tokens().eval()
    order = list(range(len(texts)))
    shuffled.shuffle(order)

    def record(batches, extra, left):
        folder = tmp_path_factory.mktemp("made")
        recorder = Recorder(net, folder, dataset="texts", positions=positions, positions_per_sample=3)
        with torch.no_grad():
            for own in batches:
                batch = padded([texts[i] for i in own], extra, left=left)
                mask = batch["attention_mask"].numpy().astype(bool)
                recorder.run({k: v for k, v in batch.items() if k != "labels"}, None, mask, np.array(own))
        recorder.finish()
        return read(folder / "layer-1.parquet")

    one = record([[i] for i in range(len(texts))], 0, False)
    other = record([order[i : i + size] for i in range(0, len(order), size)], extra, left)
    np.testing.assert_array_equal(one.samples, other.samples)
    np.testing.assert_array_equal(one.position_counts(), other.position_counts())
    for function in (lambda layer: layer.z, lambda layer: layer.a(), lambda layer: layer.largest()):
        np.testing.assert_allclose(function(one), function(other), rtol=1e-5, atol=1e-5)


def test_rows_are_a_seeded_choice_of_positions(tmp_path):
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2)), torch.randn(9, 1, 8, 8)
    folder = nodescope.record(net, [x[:5], x[5:]], tmp_path, positions="rows", positions_per_sample=7)
    layer = layers_of(folder)["layer-1"]
    assert layer.positions == 7 and not layer.is_labelled
    import polars as pl

    places = pl.read_parquet(layer.path)["position"].to_numpy().reshape(9, 7)
    assert (np.diff(places, axis=1) > 0).all() and len(np.unique(places, axis=0)) == 9
    with torch.no_grad():
        z = net[0](x).flatten(2).numpy()
    np.testing.assert_allclose(
        layer.each().reshape(4, 9, 7), np.take_along_axis(z, places[:, None], axis=2).transpose(1, 0, 2), atol=1e-6
    )


def test_half_precision_is_summarised_in_float32(tmp_path):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2)).bfloat16()
    x = torch.randn(9, 1, 8, 8).bfloat16()
    layer = layers_of(nodescope.record(net, [x], tmp_path))["layer-1"]
    with torch.no_grad():
        z = net[0](x).double()
    np.testing.assert_allclose(in_order(layer), z.mean((2, 3)).numpy().T, rtol=1e-6, atol=1e-6)


def test_a_compiled_network_is_recorded_as_the_bare_one(net, data, tmp_path):
    x, y = data.tensors
    bare = layers_of(nodescope.record(net, [(x, y)], tmp_path / "bare"))
    compiled = torch.compile(net, backend="eager")
    compiled.eval()(x)
    folder = nodescope.record(compiled, [(x, y)], tmp_path / "compiled")
    with nodescope.recorder(compiled, tmp_path / "loop") as see:
        see(labels=y)
        compiled(x)
    for other in (layers_of(folder), layers_of(tmp_path / "loop" / "net")):
        assert other.keys() == bare.keys()
        for name, layer in bare.items():
            np.testing.assert_array_equal(layer.z, other[name].z)


def test_what_cannot_be_recorded_is_refused(net, data, tmp_path):
    x, y = data.tensors

    def refused(words, batches, folder="one", **options):
        with pytest.raises(NetworkError, match=words):
            nodescope.record(net, batches, tmp_path / folder, **options)

    refused("The loader shuffles", DataLoader(data, shuffle=True))
    refused("Batch 1 of the loader has no labels, but class_names were given", [x], class_names=["a", "b", "c"])
    refused("1 of 2 batches have labels", [(x, y), x])
    spoilt = x.clone()
    spoilt[7, 0, 3, 3] = torch.nan
    refused("Batch 2 of the loader holds NaN, in its sample 7", [(x, y), (spoilt, y)])
    refused("No batch was recorded", [])
    refused("The labels of batch 1 are of 49 samples, the batch has 50", [(x, y[:49])])
    refused("A batch of the loader is a tuple of 4", [(x, y, y, y)])
    refused(r"The labels of batch 1 are float32 of the shape \(50,\)", [(x, y + 0.5)])
    refused("The label 2 is none of the classes a, b", [(x, y)], class_names=["a", "b"])
    refused("pattern 'fc3' fits nothing; did you mean 'fc2'?", [(x, y)], layers="fc3")
    assert not list((tmp_path / "one").rglob("*.parquet"))
    nodescope.record(net, [(x, y)], tmp_path / "two", state="epoch-1")
    refused("40 samples were seen; .*epoch-1/test has 50", [(x[:40], y[:40])], "two", state="epoch-2")
    refused(
        "Sample 0 has the label . now and . in .*: does the loader shuffle", [(x, (y + 1) % 3)], "two", state="epoch-2"
    )
    with (
        pytest.raises(NetworkError, match="No layer was seen in batch 1: its forward pass did not run the network"),
        nodescope.recorder(net, tmp_path / "three") as see,
    ):
        see()
        see()
    assert net.training and not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


def test_tokens_of_different_lengths_need_a_mask(tmp_path):
    net = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 6), nn.ReLU())
    batches = [torch.randint(9, (3, 5)), torch.randint(9, (3, 7))]
    with pytest.raises(
        NetworkError, match="7 positions in batch 2 and 5 before: tokens of different lengths and no mask"
    ):
        nodescope.record(net, batches, tmp_path)


def test_a_loop_that_fails_leaves_no_files_and_no_hooks(net, data, tmp_path):
    x, y = data.tensors
    for failing in (1, 2):
        with pytest.raises(ZeroDivisionError), nodescope.recorder(net, tmp_path) as see:
            for number in (1, 2):
                see(labels=y)
                net(x)
                if number == failing:
                    raise ZeroDivisionError
    assert not list(tmp_path.rglob("*.parquet")) and net.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert not torch.overrides._get_current_function_mode_stack()
