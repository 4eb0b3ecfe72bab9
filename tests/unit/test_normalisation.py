"""Settled batch normalisation is that of all samples as one batch, for any number of samples and any network."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nodescope.families.layers import LinearMap
from nodescope.messages.errors import DatasetError
from nodescope.networks import NetworkShape, build_network, initialise_stack, normalisation
from nodescope.networks.normalisation import settle_batch_norm, settled
from nodescope.networks.pyramidnet import PyramidBlock
from nodescope.networks.stages import PreActivationBlock

torch.set_num_threads(1)


class ComputedInAnotherOrder(nn.Module):
    """Registers its layers of batch normalisation in another order than it computes them, one of them never."""

    def __init__(self):
        super().__init__()
        self.last = nn.BatchNorm1d(3)
        self.unused = nn.BatchNorm1d(7)
        self.first = nn.BatchNorm1d(4)
        self.middle = nn.BatchNorm1d(5)
        self.maps = nn.ModuleList([nn.Linear(6, 4), nn.Linear(4, 5), nn.Linear(5, 3), nn.Linear(4, 3)])

    def forward(self, x):
        x = torch.tanh(self.first(self.maps[0](x)))
        y = torch.relu(self.middle(self.maps[1](x)))
        return self.last(self.maps[2](y) + self.maps[3](x))


def mlp():
    return build_network(NetworkShape("mlp", (6,), 3, 4, 5, "relu", True, "kaiming_normal"))


def resnet():
    def maps(n_in, n_out, stride):
        first = LinearMap("first", n_in, n_out, (1, 3), kernel=3, stride=stride)
        return first, LinearMap("second", n_out, n_out, (1, 3), kernel=3)

    return nn.Sequential(
        nn.Unflatten(1, (2, 1, 3)),
        PreActivationBlock(*maps(2, 3, 1), "relu", batch_norm=True, shortcut=True),
        PyramidBlock(*maps(3, 5, 2), "tanh", batch_norm=True),
    )


NETWORKS = {"mlp": mlp, "resnet": resnet, "another order": ComputedInAnotherOrder}


def norms_of(network):
    return {name: m for name, m in network.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)}


def in_training_mode(network, x):
    """PyTorch's own layers in float64, after one pass of all samples as one batch, without a momentum."""
    network = copy.deepcopy(network).double()
    for norm in norms_of(network).values():
        norm.momentum = None
    network.train()
    with torch.no_grad():
        network(x.double())
    return {
        name: (norm.running_mean, norm.running_var) for name, norm in norms_of(network).items()
    }  # fmt: skip


def statistics(network):
    return {name: (norm.running_mean, norm.running_var) for name, norm in norms_of(network).items()}


def assert_same(found, expected, rtol):
    assert found.keys() == expected.keys()
    for name, both in expected.items():
        for tensor, reference in zip(found[name], both, strict=True):
            torch.testing.assert_close(tensor.double(), reference, rtol=rtol, atol=rtol)


def made(name, n, seed=0):
    torch.manual_seed(seed)
    return NETWORKS[name]().double().eval(), 3 + 2 * torch.randn(n, 6, dtype=torch.float64)


@pytest.mark.parametrize("n", [2, 3, 17, 1025, 2048, 2049, 2050, 4097])
@pytest.mark.parametrize("name", NETWORKS)
def test_statistics_are_those_of_all_samples_as_one_batch(name, n):
    network, x = made(name, n)
    settle_batch_norm(network, x)
    assert_same(statistics(network), in_training_mode(network, x), 1e-11)


@pytest.mark.parametrize(("n", "bytes_of_piece"), [(2, 1 << 8), (3, 1 << 8), (17, 1 << 8), (2049, 1 << 15)])
@pytest.mark.parametrize("name", NETWORKS)
def test_layer_by_layer_they_are_the_same(name, n, bytes_of_piece, monkeypatch):
    monkeypatch.setattr(normalisation, "BATCH_BYTES", {"cpu": 0})  # nothing fits at once
    monkeypatch.setattr(normalisation, "PIECE_BYTES", {"cpu": bytes_of_piece})
    network, x = made(name, n)
    passes = []
    network.register_forward_pre_hook(lambda _, inputs: passes.append(len(inputs[0])))
    settle_batch_norm(network, x)
    assert max(passes) < n
    assert sum(passes) >= 3 * n
    assert_same(statistics(network), in_training_mode(network, x), 1e-11)


@given(st.integers(2, 300), st.integers(0, 5), st.sampled_from([1 << 6, 1 << 9, 1 << 12, 1 << 30]), st.booleans())
@settings(max_examples=40)
def test_neither_pieces_nor_the_order_of_samples_change_them(n, seed, piece, at_once):
    network, x = made("another order", n, seed)
    expected = in_training_mode(network, x)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalisation, "PIECE_BYTES", {"cpu": piece})
        patch.setattr(normalisation, "SUMMED_AT_A_TIME", max(1, piece // 8))
        patch.setattr(normalisation, "BATCH_BYTES", {"cpu": 1 << 30 if at_once else 0})
        settle_batch_norm(network, x[torch.randperm(n)])
    assert_same(statistics(network), expected, 1e-10)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_mean_far_from_zero_costs_no_digits(at_once, monkeypatch):
    """Values of 10,000 with a spread of one: their squares have no digits left for it in float32, and few in a sum."""
    if not at_once:
        monkeypatch.setattr(normalisation, "BATCH_BYTES", {"cpu": 0})
    network = nn.Sequential(nn.BatchNorm1d(4)).eval()
    x = 10_000 + torch.randn(5000, 4, generator=torch.Generator().manual_seed(1))
    settle_batch_norm(network, x)
    torch.testing.assert_close(network[0].running_mean.double(), x.double().mean(0), rtol=1e-7, atol=0)
    torch.testing.assert_close(network[0].running_var.double(), x.double().var(0), rtol=1e-6, atol=0)


@pytest.mark.parametrize("model", ["resnet", "pyramidnet", "convnet", "cnn", "torchvision_resnet"])
def test_every_family_in_float32_is_settled_as_pytorch_does_it_in_float64(model, monkeypatch):
    depth = {"cnn": 4, "torchvision_resnet": 18}.get(model, 8)
    torch.manual_seed(0)
    network = build_network(NetworkShape(model, (3, 9, 8), 3, depth, 4, "relu", True, "kaiming_normal")).eval()
    x = torch.rand(33, 3 * 9 * 8)
    expected = in_training_mode(network, x)
    for bytes_of_batch in (1 << 30, 0):
        monkeypatch.setattr(normalisation, "BATCH_BYTES", {"cpu": bytes_of_batch})
        monkeypatch.setattr(normalisation, "PIECE_BYTES", {"cpu": 1 << 15})
        fresh = copy.deepcopy(network)
        settle_batch_norm(fresh, x)
        assert_same(statistics(fresh), expected, 2e-4)


def test_nothing_else_changes():
    network, x = made("resnet", 20)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    settle_batch_norm(network, x)
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert {name.rsplit(".", 1)[1] for name in changed} == {"running_mean", "running_var"}
    assert not any(
        module.training or module._forward_pre_hooks or module._forward_hooks for module in network.modules()
    )


def test_one_value_has_no_variance_and_the_message_says_so():
    network, x = made("mlp", 1)
    with pytest.raises(
        DatasetError, match=r"a single training sample.*\nHint|single training sample.*Hint: train on more"
    ):
        settle_batch_norm(network, x)


@pytest.mark.parametrize(
    "shape",
    [
        NetworkShape("mlp", (6,), 3, 2, 4, "tanh", True, "xavier_normal"),
        NetworkShape("mlp", (6,), 3, 2, 4, "tanh", True, "xavier_normal", skip_connections=True),
    ],
    ids=["batched products", "modules"],
)
def test_a_net_does_not_depend_on_who_shares_the_stack(shape):
    x = torch.rand(50, 6)
    together = initialise_stack(shape, [4, 0, 7])
    before = {name: tensor.clone() for name, tensor in together.tensors().items()}
    found = settled(together, x)
    alone = settled(initialise_stack(shape, [0]), x).network_tensors(0)
    for name, tensor in found.network_tensors(1).items():
        assert torch.equal(tensor, alone[name]), name
    assert all(torch.equal(tensor, before[name]) for name, tensor in together.tensors().items())
    network = build_network(shape).eval()
    network.load_state_dict(alone)
    assert_same(statistics(network), in_training_mode(network, x), 1e-5)
    # The stack computes what the network computes.
    with torch.no_grad():
        torch.testing.assert_close(found.forward_evaluation(1, x), network(x))


def test_nets_without_batch_normalisation_and_nets_from_a_file_stay_as_they_are():
    plain = initialise_stack(NetworkShape("mlp", (6,), 3, 2, 4, "tanh", False, "xavier_normal"), [0])
    assert settled(plain, torch.rand(5, 6)) is plain
    with_file = NetworkShape("mlp", (6,), 3, 2, 4, "tanh", True, "xavier_normal", weights="weights.pth")
    assert not normalisation.is_settled(with_file)
